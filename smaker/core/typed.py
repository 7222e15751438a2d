"""What users type: a credential in it is masked before it is stored or sent to a model, and they are told."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable

from smaker.core.commands import AddStep, EditPlan, Reject, Reply, Steering
from smaker.core.errors import UsageError
from smaker.core.events import NewEvent
from smaker.core.spec import Spec

MAX_PROMPT = 200_000  # characters
MAX_OFFLINE = 20_000  # of a prompt that rules read

_MASK = re.compile(r"\[redacted:([^\]\n]{1,40})\]")


def checked(text: str, what: str = "prompt", *, limit: int = MAX_PROMPT) -> str:
    """What was typed, without blanks around it. Raises UsageError if it holds no words, too many, or no plain text."""
    text = text.strip().removeprefix("\ufeff")
    if not any(map(str.isalnum, text)):
        raise UsageError(
            f"The {what} has no words." if text else f"The {what} is empty.",
            hint='Type what you want built: smaker init "a REST API to track books"',
        )
    if len(text) > limit:
        raise UsageError(
            f"The {what} has {len(text):,} characters.",
            hint=f"Keep it under {limit:,}; add more with: smaker add-step",
        )
    if any(ord(character) < 32 and character not in "\n\r\t" for character in text):
        raise UsageError(f"The {what} has control characters.", hint="Give it as plain text.")
    return text


def title_of(prompt: str) -> str:
    """What to call a project until its plan has a name: the first words of its prompt."""
    return " ".join(re.findall(r"\S+", prompt)[:8])[:60]


def masked(text: str, redact: Callable[[str], str]) -> tuple[str, str]:
    """Return ``text`` without credentials, and what to tell whoever typed it (nothing where there was none)."""
    clean = redact(text)
    if clean == text:
        return text, ""
    kinds = sorted(Counter(_MASK.findall(clean)) - Counter(_MASK.findall(text)))
    told = (
        f"What you typed holds a credential ({', '.join(kinds)}). It is masked: neither stored nor sent to a model. "
        "Have the software read it from its environment."
    )
    return clean, told


def masked_command(command: Steering, redact: Callable[[str], str]) -> tuple[Steering, str]:
    """The same of a command."""
    if isinstance(command, EditPlan):
        clean, told = masked(command.spec.model_dump_json(), redact)
        text, also = masked(command.text or "", redact)
        plan = Spec.model_validate_json(clean)
        return command.model_copy(update={"spec": plan, "text": text or None}), told or also
    if not isinstance(command, AddStep | Reject | Reply):
        return command, ""
    clean, told = masked(command.text, redact)
    return command.model_copy(update={"text": clean}), told


def notice(told: str) -> tuple[NewEvent, ...]:
    """The event that tells it."""
    return (NewEvent(kind="prompt.masked", message=told),) if told else ()
