"""What a rejection shows, how much of it, and how long hostile input may take."""

from __future__ import annotations

import re
import time

import pytest

from smaker.agents.edits import Applied, Pair, Rejected, Rung, apply_edits, parse_answer, plan_changes

FUNCTIONS = "".join(f"def f{number}(x):\n    # about {number}\n    return x * {number}\n\n" for number in range(2_000))


def rejected(before: str, *pairs: Pair) -> list[str]:
    done = apply_edits(before, pairs, path="a.py")
    assert isinstance(done, Rejected)
    return [fault.message for fault in done.faults]


def test_a_rejection_shows_the_nearest_lines_and_no_more_than_thirty() -> None:
    search = "".join(f"    missing {number}\n" for number in range(100)) + "def f700(x):\n"
    (message,) = rejected(FUNCTIONS, Pair(search, ""))
    shown = re.findall(r"^ *\d+ \| ", message, re.MULTILINE)
    assert 0 < len(shown) <= 30
    assert "2801 | def f700(x):" in message
    (message,) = rejected(FUNCTIONS, Pair("def f700(x):\n    # about 700\n    return y\n", ""))
    assert "2801 | def f700(x):\n2802 |     # about 700\n2803 |     return x * 700\n" in message


def test_pairs_that_meet_in_one_line_are_refused_on_every_rung() -> None:
    nearly = Pair(
        "def f9(x):\n    # about the 9\n    return x * 9\n", "def f9(y):\n    # about the 9\n    return x * 9\n"
    )
    last = Pair("    return x * 9\n", "    return 9\n", line=7)
    done = apply_edits(FUNCTIONS, [last, nearly, Pair("def f8(x):\n", "def f8():\n")], path="a.py")
    assert isinstance(done, Rejected)
    message = "a.py: not changed: pairs 1 and 2 overlap: both hold line 39 in SEARCH. Write them as one pair."
    assert [(fault.line, fault.message) for fault in done.faults] == [(7, message)]
    apart = apply_edits(FUNCTIONS, [nearly, Pair("\ndef f10(x):\n", "\ndef f10():\n")], path="a.py")
    assert isinstance(apart, Applied)


def test_long_lines_are_cut_in_a_rejection() -> None:
    (message,) = rejected("x" * 10_000 + "\nhere it is\n", Pair("here it was\n", ""))
    assert len(message) < 1_000
    assert "here it is" in message


def test_of_many_wrong_pairs_the_first_are_told() -> None:
    messages = rejected(FUNCTIONS, *(Pair(f"class A{number}:\n", "") for number in range(50)))
    assert len(messages) == 6
    assert messages[-1].startswith("a.py: the pairs after the 5th were not looked at.")
    (message,) = rejected(FUNCTIONS, *(Pair(f"def f{number}(x):\n", "") for number in range(501)))
    assert message == "a.py: not changed: 501 pairs are too many. Give the whole content in a <file> block."


def test_many_pairs_of_one_file_all_land() -> None:
    pairs = [Pair(f"    return x * {number}\n", f"    return x + {number}\n") for number in range(0, 2_000, 5)]
    done = apply_edits(FUNCTIONS, pairs, path="a.py")
    assert isinstance(done, Applied)
    expected = re.sub(r"x \* (\d*[05])$", r"x + \1", FUNCTIONS, flags=re.MULTILINE)
    assert done.content == expected
    assert set(done.rungs) == {Rung.EXACT}


@pytest.mark.parametrize("new", ["", "one\n", "one\n\ntwo\n"])
def test_a_line_misremembered_keeps_its_own_text(new: str) -> None:
    search = "def f9(x):\n    # about the 9\n    return x * 9\n"
    done = apply_edits(FUNCTIONS, [Pair(search, search + new)], path="a.py")
    found = "def f9(x):\n    # about 9\n    return x * 9\n"
    assert done == Applied(FUNCTIONS.replace(found, found + new), (Rung.FUZZY,))


@pytest.mark.parametrize(
    ("before", "search", "replace", "after"),
    [
        ("a = 1\n\n\nb = 2\n", "a = 1\nb = 2\n", "a = 1\nc = 3\nb = 2\n", "a = 1\nc = 3\n\n\nb = 2\n"),
        ("a = 1\n\n\nb = 2\n", "a = 1\n\nb = 2\n", "a = 1\n\nc = 3\nb = 2\n", "a = 1\n\nc = 3\n\nb = 2\n"),
        ("a = 1\nb = 2\n", "a = 1\n\nb = 2\n", "a = 1\nb = 2\n", "a = 1\nb = 2\n"),
        ("a = 1\nb = 2\nc = 3\n", "\nb = 2\nc = 3\n", "\nz = 0\nb = 2\nc = 3\n", "a = 1\nz = 0\nb = 2\nc = 3\n"),
        ("a\n\nb\n\nc\n", "\nb\nc\n", "z\n\nb\nc\n", "a\nz\n\nb\n\nc\n"),
        ("f:\n    a\n\n    b\n", "a\nb\n", "a\nc\nb\n", "f:\n    a\n    c\n\n    b\n"),
        ("a\n\nb\n", "a\n\n\nb\n", "b\n", "b\n"),
    ],
)
def test_blank_lines_that_differ_do_not_move_the_place(before: str, search: str, replace: str, after: str) -> None:
    done = apply_edits(before, [Pair(search, replace)], path="a.txt")
    assert done == Applied(after, (Rung.FUZZY,))


HOSTILE = {
    "openings": '<file path="x">\n' * 100_000,
    "openings not closed": '<file path="x">\n' * 999,
    "closing with blanks": ("</file" + " " * 4_000 + "x>\n") * 900,
    "opening with blanks": ("<file path" + " " * 4_000 + "x>\n") * 900,
    "fence": "~" * 1_000_000 + "\nx",
    "fences": "```\n\n\n\n" * 100_000,
    "fence in a file": '<file path="a.py">\n' + "`" * 500_000 + " " * 500_000 + "\nx\n</file>\n",
    "markers": '<edit path="a.py">\n' + "<<<<<<< SEARCH\n" * 50_000 + "</edit>\n",
    "marker with blanks": '<edit path="a.py">\n<<<<<<<' + " " * 1_000_000 + "x\n</edit>\n",
    "blanks": '<file path="a.css">\n' + " " * 1_000_000 + "x\n</file>\n",
    "left out": '<file path="a.css">\n#' + " " * 500_000 + "... a rest of" + " code" * 200_000 + "\n</file>\n",
    "deep Python": '<file path="a.py">\n' + "-" * 100_000 + "1\n</file>\n",
    "deep JSON": '<file path="a.json">\n' + "[" * 100_000 + "\n</file>\n",
    "deep TOML": '<file path="a.toml">\na = ' + "[" * 100_000 + "\n</file>\n",
    "deep YAML": '<file path="a.yaml">\n' + "[" * 10_000 + "\n</file>\n",
    "deep JavaScript": '<file path="a.js">\n' + "[" * 100_000 + "\n</file>\n",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_answers_are_read_in_time_and_come_to_nothing(name: str) -> None:
    began = time.process_time()  # a neighbour's work is none of it
    changes = plan_changes(parse_answer(HOSTILE[name]), {}.get)
    assert time.process_time() - began < 5
    assert set(changes.files) <= {"a.css"}
    assert all(len(fault.message) < 2_000 for fault in changes.faults)
