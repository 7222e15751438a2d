"""What a visitor is told: first what all paths of a build share, so that a provider's cache holds it, then its own."""

from __future__ import annotations

import math
import re
from collections import Counter
from dataclasses import dataclass

from smaker.agents.prompts import render
from smaker.core.browsing import Visit
from smaker.core.ports import Message
from smaker.core.spec import Scenario, Spec

SNAPSHOT_SHOWN = 8_000  # characters
WORDS_SHOWN = 6_000  # of the user's words, whole; of longer ones, the passages about a path
PASSAGES_SHOWN = 3_000

_BLANK = re.compile(r"\n[ \t]*\n")
_HEADING = re.compile(r"#{1,6} [^\n]*|[^\n]+\n(=+|-+)")
_WORD = re.compile(r"[^\W\d_]{3,}")


@dataclass(frozen=True)
class Objection:
    """Why somebody believes a path to be wrong that failed, and what was found on it."""

    reason: str
    found: str


def first_turns(
    spec: Spec,
    words: str,
    scenario: Scenario,
    *,
    path: str,
    snapshot: str,
    most: int,
    most_actions: int,
    objection: Objection | None = None,
) -> list[Message]:
    """The conversation before the first answer."""
    short = len(words) <= WORDS_SHOWN
    shared = render(
        "visitor_task", spec=f"{spec.name}: {spec.summary}", prompt=words if short else "", decided=spec.questions
    )
    shows = [entry for entry in spec.requirements if entry.id in scenario.requirements] or [*spec.requirements]
    about = "\n".join([scenario.name, *scenario.steps, *(entry.text for entry in shows)])
    own = render(
        "visitor_path",
        scenario=scenario.name,
        steps=scenario.steps,
        requirements=shows,
        passages="" if short else passages(words, about),
        objection=objection,
        path=path,
        snapshot=snapshot[:SNAPSHOT_SHOWN],
    )
    role = render("visitor", most=most, most_actions=most_actions)
    return [
        Message(role="system", text=role, stable=True),
        Message(role="user", text=shared, stable=True),
        Message(role="user", text=own, stable=True),
    ]


def passages(text: str, about: str, most: int = PASSAGES_SHOWN) -> str:
    """The paragraphs of a text, in its order, that share most rare words with another, within ``most`` characters."""
    blocks = _paragraphs(text)
    said = [{*_WORD.findall(block.lower())} for block in blocks]
    spread = Counter(word for words in said for word in words)
    wanted = {*_WORD.findall(about.lower())}

    def near(number: int) -> float:
        shared = sum(math.log(1 + len(blocks) / spread[word]) for word in said[number] & wanted)
        return shared / math.sqrt(len(said[number]) or 1)

    taken: list[int] = []
    left = most
    for number in sorted(range(len(blocks)), key=near, reverse=True):
        if near(number) > 0 and len(blocks[number]) <= left:
            taken.append(number)
            left -= len(blocks[number])
    return "\n\n".join(blocks[number] for number in sorted(taken))


def _paragraphs(text: str) -> list[str]:
    """The paragraphs, the first below a heading together with it."""
    found: list[str] = []
    heading = ""
    for block in (block.strip("\n") for block in _BLANK.split(text) if block.strip()):
        if _HEADING.fullmatch(block):
            heading = f"{block}\n\n"
        else:
            found.append(heading + block)
            heading = ""
    return found


def idle(visit: Visit) -> str:
    """What of a path shows nothing, for what is expected to be gone was never there; "" if nothing is so."""
    assert visit.result is not None
    return "; ".join(f"{step.action} shows nothing: {step.idle}" for step in visit.result.steps if step.idle)


def after(visit: Visit, *, whole: bool, taken: int) -> str:
    """What a model is told of a try: the step that failed, and the page as it is now."""
    result = visit.result
    assert result is not None
    failed = next((step for step in result.steps if not step.ok), None)
    lines: list[str] = []
    if whole:
        lines.append("All of it worked.")
    elif failed is not None:
        number = result.steps.index(failed) - 1 - taken
        before = f"The first {number} worked; " if number > 0 else ""
        lines.append(f"{before}this did not: {failed.action}: {failed.seen}")
        lines.append("What came after it was not done. What worked stands; answer with what comes instead.")
    else:
        lines.append(f"The browser ended: {result.ended}.")
    lines += [f"console: {entry}" for entry in (*result.page_errors, *result.console)[:5]]
    url = result.steps[-1].url if result.steps else ""
    lines.append(f"The page now ({url}):\n<page>\n{result.snapshot[:SNAPSHOT_SHOWN]}\n</page>")
    return "\n".join(lines)
