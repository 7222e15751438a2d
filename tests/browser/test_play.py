"""Scenarios: played step by step, told with what was seen, and kept as tests of the project."""

from __future__ import annotations

import asyncio
import zipfile
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from smaker.browser import programs
from smaker.browser.as_test import SUFFIXES, as_scenario
from smaker.browser.boxed import BoxedBrowser
from smaker.core.errors import Unavailable
from smaker.core.ports import CommandResult, Process, SandboxLevel
from smaker.core.ports.browser import Action, BrowserJob, BrowserResult, Target
from smaker.sandbox.bwrap import BwrapSandbox
from smaker.sandbox.process import ProcessSandbox

pytestmark = [pytest.mark.sandbox, pytest.mark.browser, pytest.mark.timeout(180)]

Serve = Callable[..., Awaitable[Process]]
Look = Callable[..., Awaitable[BrowserResult]]
RunTests = Callable[..., Awaitable[CommandResult]]

SAVES = (
    Action(kind="goto", value="/"),
    Action(kind="click", target=Target(role="link", name="New note")),
    Action(kind="url", value="/n*"),
    Action(kind="fill", target=Target(role="textbox", name="Title"), value="Tea {unique}"),
    Action(kind="fill", target=Target(css="#body"), value="Green"),
    Action(kind="click", target=Target(role="button", name="Save")),
    Action(kind="text", value="Tea {unique}"),
    Action(kind="visible", target=Target(role="link", name="Tea {unique}")),
    Action(kind="count", target=Target(role="link", name="Tea {unique}"), value="1"),
    Action(kind="fill", target=Target(role="searchbox", name="Search"), value="nothing like it"),
    Action(kind="press", target=Target(role="searchbox", name="Search"), value="Enter"),
    Action(kind="gone", value="Tea {unique}"),
    Action(kind="gone", target=Target(role="link", name="Tea {unique}")),
    Action(kind="back"),
    Action(kind="text", target=Target(role="list"), value="Tea {unique}"),
)


TODOS = (
    Action(kind="goto", value="/"),
    Action(kind="visible", target=Target(role="checkbox")),
    Action(kind="unchecked", target=Target(role="checkbox")),
    Action(kind="check", target=Target(role="checkbox")),
    Action(kind="checked", target=Target(role="checkbox")),
    Action(kind="unchecked", target=Target(role="checkbox", nth=1)),
    Action(kind="hidden", target=Target(role="textbox", name="Rename")),
    Action(kind="dblclick", target=Target(css="li label", nth=1)),
    Action(kind="value", target=Target(role="textbox", name="Rename"), value="Buy  tea"),
    Action(kind="fill", target=Target(role="textbox", name="Rename"), value="Buy {unique}"),
    Action(kind="blur", target=Target(role="textbox", name="Rename")),
    Action(kind="text", target=Target(role="list", name="To do"), value="Buy bread\n Buy {unique}"),
    Action(kind="text", target=Target(role="listitem", nth=1), value="Buy {unique}"),
    Action(kind="gone", target=Target(role="listitem", nth=1), value="bread"),
    Action(kind="count", target=Target(role="listitem"), value="2"),
    Action(kind="hover", target=Target(role="heading", name="To do")),
    Action(kind="hidden", target=Target(role="button", name="Delete")),
    Action(kind="hover", target=Target(role="listitem", nth=1)),
    Action(kind="visible", target=Target(role="button", name="Delete")),
    Action(kind="click", target=Target(role="button", name="Delete")),
    Action(kind="count", target=Target(css="li"), value="1"),
    Action(kind="url", value="/"),
    Action(kind="click", target=Target(role="link", name="Active")),
    Action(kind="url", value="#/active"),
    Action(kind="url", value="/*#/act*"),
    Action(kind="url", value="/"),
    Action(kind="reload"),
    Action(kind="url", value="/#/active"),
    Action(kind="text", value="Last: none"),
    Action(kind="focus", target=Target(css="#new")),
    Action(kind="text", value="Last: focus"),
    Action(kind="blur", target=Target(css="#new")),
    Action(kind="text", value="A name is needed"),
)


@pytest.mark.node
async def test_what_a_person_does_beyond_clicking_is_played_and_kept(
    serve: Serve, look: Look, job: Callable[..., BrowserJob], run_tests: RunTests
) -> None:
    app = await serve("todo_app.py")
    result = await look(app, job("play", actions=TODOS))
    assert [step.seen for step in result.steps] == [""] * len(TODOS)
    assert result.steps[-1].url == "/#/active"
    tests = ({f"test_todos{suffix}": as_scenario("To do", TODOS, dialect)} for dialect, suffix in SUFFIXES.items())
    for ran in await asyncio.gather(*(run_tests(app, test) for test in tests)):
        assert ran.exit_code == 0, ran.output


async def test_what_was_never_there_is_told(serve: Serve, look: Look, job: Callable[..., BrowserJob]) -> None:
    app = await serve("todo_app.py")
    delete, wrong = (Target(role="button", name=name) for name in ("Delete", "Deletes"))
    actions = (
        Action(kind="hidden", target=delete),
        Action(kind="hidden", target=wrong),
        Action(kind="gone", value="Buy bread"),
        Action(kind="gone", value="Buy wine"),
        Action(kind="count", target=Target(css="li b"), value="0"),
        Action(kind="hover", target=Target(role="listitem")),
        Action(kind="visible", target=delete),
    )
    result = await look(app, job("play", actions=tuple(action for action in actions if action.value != "Buy bread")))
    assert result.ended == "done"
    told = {str(step.action): step.idle for step in result.steps if step.idle}
    assert [*told] == [str(actions[number]) for number in (1, 3, 4)]
    assert told[str(actions[1])].endswith("; of that role there are: 'Delete'")
    failed = await look(app, job("play", actions=actions), "failed")
    assert failed.ended == "failed"
    assert not any(step.idle for step in failed.steps), "it may be there later"


@pytest.mark.node
async def test_what_is_expected_and_is_not_so_is_told_and_red_in_either_language(
    serve: Serve, look: Look, job: Callable[..., BrowserJob], run_tests: RunTests
) -> None:
    app = await serve("todo_app.py")
    wrong = {
        "'Buy milk' is not there; / says: '": Action(kind="text", target=Target(role="list"), value="Buy milk"),
        "textbox “New” holds ''": Action(kind="value", target=Target(role="textbox", name="New"), value="x"),
        "checkbox is not checked": Action(kind="checked", target=Target(role="checkbox")),
        "the address is /": Action(kind="url", value="#/active"),
    }
    opened = Action(kind="goto", value="/")
    sources: dict[str, dict[str, str]] = {".py": {}, ".test.cjs": {}}
    for number, action in enumerate(wrong.values()):
        for dialect, suffix in SUFFIXES.items():
            sources[suffix][f"test_{number}{suffix}"] = as_scenario(f"wrong {number}", (opened, action), dialect)
    in_python, in_node, *plays = await asyncio.gather(
        *(run_tests(app, files, one_browser=True) for files in sources.values()),
        *(look(app, job("play", actions=(opened, action)), f"seen-{n}") for n, action in enumerate(wrong.values())),
    )
    assert "4 failed" in in_python.output, in_python.output
    assert "# fail 4" in in_node.output, in_node.output
    for told, played in zip(wrong, plays, strict=True):
        assert told in played.steps[-1].seen


async def test_a_scenario_is_played_and_seen(
    serve: Serve, look: Look, job: Callable[..., BrowserJob], tmp_path: Path
) -> None:
    result = await look(await serve("seeded_app.py"), job("play", actions=SAVES, trace=True))
    assert [step.seen for step in result.steps] == [""] * len(SAVES)
    assert result.ended == "done"
    assert 'button "Save"' in result.steps[1].snapshot
    assert result.steps[1].url == "/new"
    assert (tmp_path / "seen" / result.steps[0].screenshot).read_bytes().startswith(b"\x89PNG")
    assert zipfile.is_zipfile(tmp_path / "seen" / "trace.zip")


async def test_the_first_step_that_fails_is_the_last_and_says_what_was_there(
    serve: Serve, look: Look, job: Callable[..., BrowserJob]
) -> None:
    app = await serve("seeded_app.py", "console-error,broken-link")
    actions = (
        Action(kind="goto", value="/about"),
        Action(kind="click", target=Target(role="link", name="Manual")),
        Action(kind="text", value="How to write"),
        Action(kind="back"),
    )
    result = await look(app, job("play", actions=actions))
    assert result.ended == "failed"
    assert [step.ok for step in result.steps] == [True, True, False]
    assert "There is no such page." in result.steps[-1].seen
    assert result.console == ("the counter is not set up",)
    assert result.failed == ("GET /manual: 404",)
    missing = Action(kind="click", target=Target(role="button", name="Print"))
    result = await look(app, job("play", actions=(missing,), seed="again"))
    there = "'Tips', 'Search', 'Delete Milk', 'Delete Bread'"
    assert result.steps[-1].seen == f"There is no button “Print” on /; of that role there are: {there}"
    missing = Action(kind="click", target=Target(role="tab", name="Print"))
    result = await look(app, job("play", actions=(missing,), seed="again"))
    assert result.steps[-1].seen == "There is no tab “Print” on /; nothing of that role is there"


async def test_what_hinders_an_action_is_told(serve: Serve, look: Look, job: Callable[..., BrowserJob]) -> None:
    app = await serve("todo_app.py")
    told = {
        'div id="veil"></div> lies over it': Action(kind="click", target=Target(role="button", name="Save it")),
        "lies over it, and contains it: its ::after takes the clicks": Action(
            kind="click", target=Target(role="button", name="Inner")
        ),
        "lies over it, or seems to: by `pointer-events: none` clicks go through": Action(
            kind="click", target=Target(role="button", name="Glass")
        ),
        "it is disabled": Action(kind="click", target=Target(role="button", name="Send")),
        "it is not displayed": Action(kind="hover", target=Target(css="#hidden")),
        "it cannot be written in": Action(kind="fill", target=Target(role="textbox", name="Fixed"), value="x"),
        "no button “Save” on /blocked; of that role there are: 'Save it', ": Action(
            kind="click", target=Target(role="button", name="Save")
        ),
        "there are: 'Blocked'": Action(kind="visible", target=Target(role="heading", name="Blocks")),
        "alert is not to be seen on /blocked": Action(kind="text", target=Target(role="alert"), value="x"),
    }
    opened = Action(kind="goto", value="/blocked")
    plays = await asyncio.gather(
        *(look(app, job("play", actions=(opened, action)), f"seen-{n}") for n, action in enumerate(told.values()))
    )
    for words, played in zip(told, plays, strict=True):
        assert words in played.steps[-1].seen


@pytest.mark.node
async def test_a_scenario_is_kept_as_a_test_in_either_language(serve: Serve, run_tests: RunTests) -> None:
    app = await serve("seeded_app.py")
    wrong = (*SAVES, Action(kind="text", value="not to be seen"))
    ran = await asyncio.gather(
        *(
            run_tests(app, {f"test_{name}{suffix}": as_scenario(words, actions, dialect)})
            for dialect, suffix in SUFFIXES.items()
            for name, words, actions in (("saves", 'Saves a note */ """', SAVES), ("wrong", "Saves a note", wrong))
        )
    )
    for green, red in (ran[:2], ran[2:]):
        assert green.exit_code == 0, green.output
        assert red.exit_code == 1, red.output
        assert "not to be seen" in red.output


@pytest.mark.parametrize("kind", [BwrapSandbox, ProcessSandbox])
async def test_a_browser_is_tried_by_starting_it(kind: type[BwrapSandbox] | type[ProcessSandbox]) -> None:
    sandbox = kind()
    status = await BoxedBrowser(sandbox).probe()
    assert status.detail.startswith("Chromium ")
    assert status.level is (await sandbox.probe()).level


async def test_a_browser_that_is_none_is_told_with_its_remedy(
    box: BwrapSandbox, tmp_path: Path, job: Callable[..., BrowserJob]
) -> None:
    status = await BoxedBrowser(box, Path("/usr/bin/true")).probe()
    assert (status.level, status.remedy) == (SandboxLevel.OFF, programs.MISSING_BROWSER)
    status = await BoxedBrowser(box, tmp_path / "chromium").probe()
    assert "which is no program" in status.detail
    with pytest.raises(Unavailable, match="which is no program"):
        await BoxedBrowser(box, tmp_path / "chromium").run(job(), tmp_path)
    with pytest.raises(Unavailable, match="did not start"):
        await BoxedBrowser(box, Path("/usr/bin/true")).run(job(), tmp_path)


async def test_an_app_that_is_away_is_told(
    browser: BoxedBrowser, tmp_path: Path, job: Callable[..., BrowserJob]
) -> None:
    result = await browser.run(job("play"), tmp_path)
    assert result.ended == "failed"
    assert "does not answer" in result.steps[0].seen
    result = await browser.run(job(), tmp_path)
    assert {one.check for one in result.discoveries} == {"failed-request"}


async def test_what_is_left_in_the_folder_is_plain_files_that_are_named(
    browser: BoxedBrowser, tmp_path: Path, job: Callable[..., BrowserJob]
) -> None:
    (tmp_path / "link.png").symlink_to("/etc/passwd")
    (tmp_path / "other").write_text("x")
    result = await browser.run(job("play"), tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_file()) == sorted(result.files)
