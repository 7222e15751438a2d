"""Conversations kept within a model's bounds, and tools as text for models that know no others."""

from __future__ import annotations

import pytest

from smaker.agents.codemap import estimate_tokens
from smaker.agents.model.showing import named_in
from smaker.agents.model.talk import answer_lines, answers_to, calls_in, file_format, reserved, room, within_context
from smaker.core.ports import Message, ToolCall, Traits

SMALL = Traits(context_tokens=4_000, answer_tokens=2_000)


def test_old_turns_are_shortened_and_the_task_stays_whole() -> None:
    talk = [
        Message(role="system", text="role " * 100),
        Message(role="user", text="task " * 200),
        *(Message(role="assistant", text=f"answer {number} " * 300) for number in range(8)),
    ]
    kept = within_context(talk, Traits(context_tokens=8_000, answer_tokens=2_000))
    assert [message.text for message in kept[:2]] == [message.text for message in talk[:2]]
    assert [message.text for message in kept[-3:]] == [message.text for message in talk[-3:]]
    assert "left out" in kept[2].text
    assert within_context(talk, Traits(context_tokens=200_000)) == tuple(talk)


def test_what_a_model_asked_for_is_whole_when_it_first_reads_it() -> None:
    file = "\n".join(f"line {number}" for number in range(1, 401))
    calls = tuple(ToolCall(id=f"c{number}", name="read_file", arguments="{}") for number in range(5))
    asked = [
        Message(role="system", text="role"),
        Message(role="user", text="task"),
        Message(role="assistant", text="", calls=calls),
        *(Message(role="tool", text=file, answers=call.id) for call in calls),
    ]
    tokens = 5 * estimate_tokens(file)
    enough = Traits(context_tokens=int(tokens / 0.8) + 3_000, answer_tokens=2_000)
    assert within_context(asked, enough) == tuple(asked)
    later = [
        *asked,
        Message(role="assistant", text="x", calls=calls[:1]),
        Message(role="tool", text=file, answers="c0"),
    ]
    shown = within_context(later, enough)
    assert shown[-1].text == file
    assert "lines left out here" in shown[3].text
    assert shown[3].text.startswith("line 1\n")
    assert shown[3].text.endswith("line 400")
    narrow = within_context(asked, Traits(context_tokens=tokens // 2, answer_tokens=1_000))
    assert sum(estimate_tokens(message.text) for message in narrow) <= 0.8 * tokens // 2
    assert all(message.text.startswith("line 1\n") for message in narrow[3:]), "of each something is left"


def test_files_get_the_room_that_is_left() -> None:
    assert room(SMALL, most=50_000) == int(0.8 * 4_000 - reserved(SMALL))
    assert room(SMALL, "x" * 100_000, most=50_000) == 1_000, "never nothing at all"
    assert room(Traits(context_tokens=1_000_000), most=18_000) == 18_000
    text = "word " * 700
    assert room(SMALL, most=9_999) - room(SMALL, text, most=9_999) == pytest.approx(estimate_tokens(text), abs=1000)


@pytest.mark.parametrize(("tokens", "lines"), [(500, 100), (8_000, 500), (16_000, 1_000), (500_000, 2_000)])
def test_the_size_of_an_answer_is_told_in_lines(tokens: int, lines: int) -> None:
    assert answer_lines(Traits(answer_tokens=tokens)) == lines


def test_calls_are_found_in_text() -> None:
    text = (
        'First look.\n<tool name="read_file">{"path": "a.py"}</tool>\nthen\n'
        '  <tool name=\'run_command\'>\n{"command": "ls"}\n</tool>'
    )
    assert [(call.id, call.name, call.arguments) for call in calls_in(text)] == [
        ("call1", "read_file", '{"path": "a.py"}'),
        ("call2", "run_command", '{"command": "ls"}'),
    ]
    assert calls_in('as in `<tool name="x">` within a line, <tool name="y">{}</tool>') == ()


def test_results_are_turns_of_the_conversation() -> None:
    results = [("call1", "one"), ("call2", "two")]
    assert [message.role for message in answers_to(results, native=True)] == ["tool", "tool"]
    (told,) = answers_to(results, native=False)
    assert told.role == "user"
    assert told.text == "call1:\none\n\ncall2:\ntwo"
    assert answers_to([], native=False) == []


def test_a_model_that_cannot_edit_is_told_of_whole_files_alone() -> None:
    assert "SEARCH" in file_format(Traits())
    assert "SEARCH" not in file_format(Traits(edits=False))


def test_files_that_a_text_names_come_first() -> None:
    paths = ["a.py", "lib/filters/others.py", "lib/keywords.py", "lib/sql.py", "tests/test_sql.py"]
    text = "The bug is in `filters/others.py`, or (keywords.py). See e.g. ./a.py; not in mysql.py."
    assert named_in(text, paths) == ["a.py", "lib/filters/others.py", "lib/keywords.py"]
