"""What visitors are told: what the paths of a build share comes first and is the same; no more than a path needs."""

from __future__ import annotations

from typing import Any

from smaker.agents.web.telling import PASSAGES_SHOWN, WORDS_SHOWN, Objection, first_turns, passages
from smaker.core.spec import ProductKind, Requirement, Scenario, Spec

SPEC = Spec(
    name="Notes",
    slug="notes",
    summary="Keeps notes.",
    kind=ProductKind.WEB,
    profile="python",
    requirements=(
        Requirement(id="R1", text="Notes are added with a title."),
        Requirement(id="R2", text="Notes are exported as a spreadsheet."),
    ),
    interfaces=("POST /api/notes",),
    questions=("Which order? Taken: newest first.",),
)
ADD = Scenario(name="Add a note", requirements=("R1",), steps=("open /", "add a note"))
EXPORT = Scenario(name="Export", requirements=("R2",), steps=("export",))


def told(scenario: Scenario, words: str, **more: Any) -> list[str]:
    turns = first_turns(SPEC, words, scenario, path="/", snapshot="- main", most=8, most_actions=30, **more)
    assert all(turn.stable for turn in turns)
    return [turn.text for turn in turns]


def test_paths_share_all_but_their_own_part() -> None:
    one, other = told(ADD, "Keep my notes."), told(EXPORT, "Keep my notes.")
    assert one[:2] == other[:2]
    assert "Keep my notes." in one[1]
    assert "newest first" in one[1]
    assert "R1: Notes are added" in one[2]
    assert "R2" not in one[2]
    assert "2. add a note" in one[2]
    assert "/api/notes" not in "".join(one)
    assert "R2: Notes are exported" in told(ADD.model_copy(update={"requirements": ()}), "x")[2], "of none, all"


def test_of_long_words_the_passages_about_a_path_are_told() -> None:
    filler = "\n\n".join(f"Paragraph {number} is about the weather in the year {number}." for number in range(400))
    words = f"{filler}\n\nEvery note has a title, which is asked for when it is added.\n\n{filler}"
    assert len(words) > WORDS_SHOWN
    one = told(ADD, words)
    assert "weather" not in one[1]
    assert "Every note has a title" in one[2]
    assert len(passages(words, "note title weather")) <= PASSAGES_SHOWN * 1.1
    assert passages(words, "zebra") == ""
    short = passages("# Notes\n\n## Titles\n\nA title is short.\n\n## Weather\n\nNo weather.\n\n# End", "title")
    assert short == "## Titles\n\nA title is short."


def test_an_objection_is_told_with_what_was_found() -> None:
    text = told(ADD, "x", objection=Objection(reason="The words say no such thing.", found="Add a note: no colour"))[2]
    assert "The words say no such thing." in text
    assert "Add a note: no colour" in text
    assert "Judge by the user's words" in text
    assert "Judge" not in told(ADD, "x")[2]
