"""What a language model writes to change files, read and applied: pure functions of text.

The format is plain text, because code inside JSON arguments costs models success; ``FORMAT_HELP`` teaches it.
"""

from __future__ import annotations

from importlib import resources

from smaker.agents.edits.blocks import Answer, Block, Deletion, Edits, Fault, Pair, WholeFile
from smaker.agents.edits.ladder import Applied, Rejected, apply_edits
from smaker.agents.edits.parsing import parse_answer
from smaker.agents.edits.places import Rung
from smaker.agents.edits.planning import Changes, plan_changes
from smaker.agents.edits.rendering import render_block
from smaker.agents.edits.syntax import check_syntax

FORMAT_HELP = (resources.files("smaker.agents") / "prompts" / "edit_format.md").read_text("utf-8")
"""The format as a model is told of it."""

__all__ = [
    "FORMAT_HELP",
    "Answer",
    "Applied",
    "Block",
    "Changes",
    "Deletion",
    "Edits",
    "Fault",
    "Pair",
    "Rejected",
    "Rung",
    "WholeFile",
    "apply_edits",
    "check_syntax",
    "parse_answer",
    "plan_changes",
    "render_block",
]
