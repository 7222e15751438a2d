"""What a fixer makes of what a browser found: disputes by the path's name, and no style sheets where none matters."""

from __future__ import annotations

import pytest

from smaker.agents.model.fixer import _does_not_look, _files, disputes_in
from smaker.agents.model.found import findings_text
from smaker.agents.web.paths import signature
from smaker.core.models import Finding
from smaker.profiles import Catalog

ADD = Finding(
    source="browser",
    message="Add: a note: the list stays empty",
    expected="text list 'Tea'",
    seen="'Tea' is not there",
    signature=signature("Add: a note"),
    evidence="1. click",
)


def test_a_path_is_disputed_by_its_name_and_told_with_what_was_found() -> None:
    text = """Some words. <dispute path="add: A note">No word
    says "Tea".</dispute><dispute test='tests/t.py::test_a["x"]'>wrong</dispute>
    <dispute path="Another">not found wrong</dispute>"""
    path, test = disputes_in(text, [ADD])
    assert (path.path, path.test, path.reason) == ("add_a_note", "", 'No word says "Tea".')
    assert "the list stays empty" in path.found
    assert (test.test, test.path) == ('tests/t.py::test_a["x"]', "")
    assert disputes_in('<dispute path="Add: a note">x</dispute>', []) == ()


class Files:
    """A context that has files."""

    async def files(self) -> list[str]:
        return [".smaker/spec.yaml", "app.js", "index.html", "style.css", "tests/helpers.js", "tests/list.test.js"]


async def test_pages_come_first_and_what_tests_need_not_at_all() -> None:
    profile = Catalog().load("static-site").profile
    look = ADD.model_copy(update={"expected": "visible button “Save”"})
    first, matter, others = await _files(Files(), profile, [look])  # type: ignore[arg-type]
    assert (first, matter) == (["index.html", "style.css"], ["index.html", "style.css", "app.js"])
    assert others == ["tests/helpers.js", "tests/list.test.js"]
    first, matter, _ = await _files(Files(), profile, [ADD])  # type: ignore[arg-type]
    assert (first, matter) == (["index.html"], ["index.html", "app.js"])
    test = Finding(source="test", message="no", test="tests/list.test.js::x")
    first, matter, _ = await _files(Files(), profile, [test, ADD])  # type: ignore[arg-type]
    assert first == ["tests/list.test.js"]
    assert "tests/helpers.js" in matter, "what a test needs matters where a test failed"


def test_what_is_seen_is_said_once() -> None:
    told = findings_text([ADD])
    assert "seen: 'Tea' is not there" in told
    assert "seen:" not in findings_text([ADD.model_copy(update={"seen": "the list stays empty"})])


def test_the_page_that_several_end_on_is_shown_once() -> None:
    page = "The page then (/):\n" + "- text: a long page, the same for all\n" * 5
    first, other = (
        ADD.model_copy(update={"message": name, "evidence": f"{page}\n{name}:\n1. goto /\n2. click {name}"})
        for name in ("Add", "List")
    )
    told = findings_text([first, other])
    assert told.count("the same for all") == 5
    assert "The page then (/): as in 1.\n\nList:\n1. goto /" in told
    assert "2. click Add" in told


@pytest.mark.parametrize(
    ("finding", "without_styles"),
    [
        (ADD, True),
        (ADD.model_copy(update={"expected": "visible button “Save”"}), False),
        (ADD.model_copy(update={"seen": "click button “Save” could not be done: covered"}), False),
        (ADD.model_copy(update={"signature": "browser:accessibility:color-contrast"}), False),
        (ADD.model_copy(update={"signature": "browser:server-error:POST /"}), True),
        (ADD.model_copy(update={"source": "test"}), False),
    ],
)
def test_style_sheets_are_left_out_where_behaviour_is_wrong(finding: Finding, without_styles: bool) -> None:
    assert _does_not_look(finding) is without_styles
