"""What of an answer may be written: its files as they would become, without those its author must not touch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from smaker.agents.edits import Answer, parse_answer, plan_changes
from smaker.agents.model.guards import Guard, unseen
from smaker.core.context import Context
from smaker.core.ports import Reply


@dataclass(frozen=True)
class Taken:
    """``files`` may be written (None deletes); ``old`` is what they were; ``faults`` tell the model what was not taken;
    ``prose`` is what was said beside files."""

    files: Mapping[str, bytes | None]
    old: Mapping[str, bytes]
    faults: tuple[str, ...]
    prose: str


async def taken(context: Context, reply: Reply, guard: Guard) -> Taken:
    """Read an answer against the files as they are."""
    answer = parse_answer(reply.text, complete=reply.finish != "length")
    known = await _current(context, answer)
    changes = plan_changes(answer, known.get)
    files: dict[str, bytes | None] = {path: _bytes(text) for path, text in changes.files.items()}
    files |= dict.fromkeys(changes.deletions)
    old = {path: _bytes(text) for path, text in known.items()}
    reasons = {
        path: guard(path, old.get(path), data) or unseen(path, old.get(path), data) for path, data in files.items()
    }
    faults = [fault.message for fault in changes.faults]
    faults += [
        f"Refused: {path}: {reason}. What else you wrote was taken." for path, reason in reasons.items() if reason
    ]
    return Taken({path: data for path, data in files.items() if not reasons[path]}, old, tuple(faults), answer.prose)


async def _current(context: Context, answer: Answer) -> dict[str, str]:
    """The files an answer wants to change, as they are."""
    there = set(await context.files())
    wanted = sorted({block.path for block in answer.blocks} & there)
    return {path: (await context.read(path)).decode("utf-8", "surrogateescape") for path in wanted}


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
