"""What holds for any text: blocks come back as written, edits land where they belong and nowhere else."""

from __future__ import annotations

import string

from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from smaker.agents.edits import (
    Applied,
    Deletion,
    Edits,
    Pair,
    Rejected,
    Rung,
    WholeFile,
    apply_edits,
    parse_answer,
    plan_changes,
    render_block,
)

MARKERS = ["<<<<<<< SEARCH", "=======", ">>>>>>> REPLACE", "<<<<<<< HEAD", "=========", "```", "```python", "~~~"]
TAGS = [
    *('<file path="a">', "</file>", '</file end="EOF1">', "<edit path='b'>", "</edit>", '<delete path="c"/>'),
    *("  </file>", "<file>", "<think>", "</think>"),
]
ODD = ["", " ", "\t", "\r", "a\r", "\ufeff", "x = 1", "    return x", "\x00", "\u2028", "# ... rest of code unchanged"]
TRICKY = st.sampled_from([*MARKERS, *TAGS, *ODD])
CONTENT = st.lists(TRICKY | st.text(max_size=20), max_size=12).map("\n".join)
PATH = st.from_regex(r"[a-z_]{1,8}(/[a-z_]{1,8}){0,2}(\.(py|md|txt|js))?", fullmatch=True)
LINES = st.lists(TRICKY | st.text(string.ascii_letters + " \t=<>#`", max_size=12), max_size=6)
TEXT = LINES.map(lambda lines: "".join(f"{line}\n" for line in lines if "\r" not in line))
PROSE = st.text(string.ascii_letters + " .,'\n", max_size=40)


@given(PATH, CONTENT, PROSE, PROSE, st.booleans())
@example("a.md", "```markdown\nx\n```\n", "", "", True)
@example("a.py", "\n```\nx\n```", "", "", True)
@example("a.txt", "</file>", "so:", "done", False)
def test_any_content_comes_back_as_written(path: str, content: str, before: str, after: str, complete: bool) -> None:
    block = WholeFile(path, content)
    answer = parse_answer(f"{before}\n{render_block(block)}{after}", complete=complete)
    assert [(found.path, found.content) for found in answer.blocks if isinstance(found, WholeFile)] == [(path, content)]
    assert answer.faults == ()
    assert answer.prose == f"{before}\n{after}".strip() or "\n" in answer.prose


@given(PATH, st.lists(st.tuples(TEXT, TEXT), min_size=1, max_size=4))
def test_any_pairs_come_back_as_written(path: str, texts: list[tuple[str, str]]) -> None:
    block = Edits(path, tuple(Pair(search, replace) for search, replace in texts))
    answer = parse_answer(render_block(block))
    assert answer.faults == ()
    assert [(pair.search, pair.replace) for pair in answer.blocks[0].pairs] == texts


@given(st.lists(st.tuples(PATH, CONTENT), max_size=5, unique_by=lambda item: item[0]))
def test_many_blocks_stay_apart(files: list[tuple[str, str]]) -> None:
    blocks = [WholeFile(path, content) for path, content in files]
    answer = parse_answer("\n".join(map(render_block, [*blocks, Deletion("gone/for.good")])))
    assert [(block.path, block.content) for block in answer.blocks[:-1]] == files
    assert answer.faults == ()


@given(st.lists(TRICKY | st.text(max_size=30), max_size=40).map("\n".join), st.booleans())
def test_reading_never_raises_and_is_deterministic(text: str, complete: bool) -> None:
    answer = parse_answer(text, complete=complete)
    assert answer == parse_answer(text, complete=complete)
    assert len(set(answer.paths)) == len(answer.paths)
    lines = text.count("\n") + 1
    assert all(1 <= fault.line <= lines and fault.message for fault in answer.faults)
    plan_changes(answer, {"a": "x = 1\n", "b": ""}.get)


@given(st.lists(st.tuples(PATH, CONTENT), min_size=1, max_size=3, unique_by=lambda item: item[0]), st.data())
def test_of_an_answer_cut_off_anywhere_only_whole_files_are_taken(
    files: list[tuple[str, str]], data: st.DataObject
) -> None:
    whole = "".join(render_block(WholeFile(path, content)) for path, content in files)
    cut = whole[: data.draw(st.integers(0, len(whole)))]
    for block in parse_answer(cut, complete=False).blocks:
        assert (block.path, block.content) in files


FILE = st.lists(
    st.sampled_from("abcdef") | st.text(string.ascii_lowercase + " ", min_size=1, max_size=8), min_size=1, max_size=30
)
END = st.sampled_from(["\n", "\r\n"])


@given(FILE, FILE, END, st.booleans(), st.data())
def test_a_unique_search_is_replaced_there_and_nowhere_else(
    lines: list[str], new: list[str], end: str, final: bool, data: st.DataObject
) -> None:
    start = data.draw(st.integers(0, len(lines) - 1))
    stop = data.draw(st.integers(start + 1, len(lines)))
    search = lines[start:stop]
    assume(any(line.strip() for line in search) and (final or len(lines) > 1))
    assume([lines[at : at + len(search)] for at in range(len(lines))].count(search) == 1)
    before = end.join(lines) + (end if final else "")
    pair = Pair("\n".join(search) + "\n", "\n".join(new) + "\n")
    applied = apply_edits(before, [pair], path="a.txt")
    assert applied == Applied(end.join([*lines[:start], *new, *lines[stop:]]) + (end if final else ""), (Rung.EXACT,))


@given(FILE, st.lists(st.tuples(TEXT, TEXT), min_size=1, max_size=4), END)
def test_edits_do_all_or_nothing_and_the_same_each_time(
    lines: list[str], texts: list[tuple[str, str]], end: str
) -> None:
    before = end.join(lines) + end
    pairs = [Pair(*text) for text in texts]
    done = apply_edits(before, pairs, path="a.txt")
    assert done == apply_edits(before, pairs, path="a.txt")
    if isinstance(done, Rejected):
        assert done.faults
        assert all(fault.message.startswith("a.txt: not changed: ") for fault in done.faults)


WORD = st.text(string.ascii_lowercase, min_size=3, max_size=10)


@settings(max_examples=200)
@given(st.lists(WORD, min_size=6, max_size=20, unique=True), st.data())
def test_what_is_off_by_white_space_lands_where_it_belongs(words: list[str], data: st.DataObject) -> None:
    """One line is to change; the SEARCH around it has other indentation, trailing blanks or blank lines."""
    lines = [f"        {word}" for word in words]
    at = data.draw(st.integers(1, len(words) - 2))
    spoil = data.draw(
        st.sampled_from([str.lstrip, lambda line: line[4:], lambda line: f"    {line}", lambda line: f"{line} \t"])
    )
    search = "".join(f"{spoil(line)}\n" for line in lines[at - 1 : at + 2])
    if data.draw(st.booleans()):
        search = search.replace("\n", "\n\n", 1)
    replace = search.replace(f"{words[at]}", "NEW")
    assume(search.count(words[at]) == 1)
    done = apply_edits("\n".join(lines) + "\n", [Pair(search, replace)], path="a.txt")
    assert isinstance(done, Applied)
    expected = [line.strip() for line in lines[:at]] + ["NEW"] + [line.strip() for line in lines[at + 1 :]]
    assert [line.strip() for line in done.content.split("\n") if line.strip()] == expected
    assert done.content.count("        NEW") == 1
    assert "         NEW" not in done.content


@given(st.lists(WORD, min_size=2, max_size=8, unique=True), st.integers(2, 4))
def test_a_search_that_stands_twice_is_always_refused(words: list[str], times: int) -> None:
    search = "".join(f"{word}\n" for word in words)
    done = apply_edits("--\n".join([search] * times), [Pair(search, "new\n")], path="a.txt")
    assert isinstance(done, Rejected)
    assert f"stands in {times} places" in done.faults[0].message


@given(st.dictionaries(st.sampled_from(["a.py", "b.json", "c.txt"]), CONTENT), CONTENT)
def test_a_file_is_changed_wholly_or_not_at_all(before: dict[str, str], content: str) -> None:
    answer = parse_answer("".join(render_block(WholeFile(path, content)) for path in ["a.py", "b.json", "c.txt"]))
    changes = plan_changes(answer, before.get)
    told = {fault.path for fault in changes.faults}
    for path in ["a.py", "b.json", "c.txt"]:
        assert (path in changes.files) + (path in changes.unchanged) + (path in told) == 1
        if path in changes.files:
            assert changes.files[path].replace("\r\n", "\n") == content.replace("\r\n", "\n")
