"""Tells a user who looks elsewhere: by the terminal's bell, or as a notification of the desktop."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from smaker.tui.literal import line

if TYPE_CHECKING:
    from smaker.core.events import Event

SAID = {"READY": "is ready", "DEPLOYED": "is deployed", "FAILED": "has failed"}


@dataclass(frozen=True)
class Told:
    """What to tell, and how much it matters."""

    text: str
    severity: Literal["information", "warning", "error"]


def worth_telling(event: Event, name: str) -> Told | None:
    """What to tell of an event of the project called ``name``, if anything."""
    if event.kind == "question":
        return Told(f"{name} asks: {event.message}", "warning")
    if event.kind == "budget.exceeded":
        return Told(f"{name}: {event.message}", "warning")
    state = str(event.data.get("state", "")) if event.kind == "project.state" else ""
    error = event.data.get("error")
    if state in SAID and state != "FAILED" and isinstance(error, dict):  # a further step was refused
        return Told(f"{name}: {error.get('message')}", "error")
    if state in SAID:
        return Told(f"{name} {SAID[state]}", "error" if state == "FAILED" else "information")
    return None


def sequence(how: str, text: str) -> str:
    """What to write to the terminal: a bell, or OSC 9 with the text, which cannot end it."""
    return "\a" if how == "bell" else f"\x1b]9;{line(text)[:200]}\x1b\\" if how == "desktop" else ""
