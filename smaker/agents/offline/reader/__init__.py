"""Read what a prompt asks for, by rules and without a model, as a `smaker.core.spec.Spec`.

A prompt goes through these steps, each a module: `guard` (is it text, is it English), `tokens` (words, groups, lines),
`kinds` (API, web app, …), `statements` with its rules (records, fields, wishes, people), `resolve` and `wishes` (what
names what), `requirements` and `plan` (the spec). `coverage` sees to it that nothing that was said is lost.
"""

from smaker.agents.offline.reader.extend import extend_spec
from smaker.agents.offline.reader.prompt import read_prompt
from smaker.agents.offline.reader.writing.rewording import reword

__all__ = ["extend_spec", "read_prompt", "reword"]
