"""The explorer finds what was planted, nothing where nothing was, and what it finds becomes tests that can tell."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable

import pytest

from smaker.browser.as_test import SUFFIXES, as_test, name_of
from smaker.core.models import Severity
from smaker.core.ports import CommandResult, Process
from smaker.core.ports.browser import BrowserJob, BrowserResult

pytestmark = [pytest.mark.sandbox, pytest.mark.browser, pytest.mark.timeout(180)]

Serve = Callable[..., Awaitable[Process]]
Look = Callable[..., Awaitable[BrowserResult]]
RunTests = Callable[..., Awaitable[CommandResult]]

FOUND_AS = {
    "empty-500": ("server-error", "POST /notes"),
    "dead-button": ("dead-control", "/ button “Tips”"),
    "console-error": ("console-error", "the counter is not set up"),
    "broken-link": ("broken-link", "/manual"),
    "unlabelled": ("unlabelled", "body"),
    "double-submit": ("double-submit", "/new /notes"),
    "lost-back": ("lost-back", "/help"),
    "xss": ("markup", "/?q"),
    "missing-404": ("missing-page", "missing-page"),
    "slow": ("slow-answer", "GET /stats"),
    "wrong-redirect": ("wrong-redirect", "/notes/*/delete -> /gone"),
    "contrast": ("accessibility", "color-contrast"),
}


@pytest.mark.slow
@pytest.mark.timeout(400)
async def test_twelve_faults_are_found_and_their_tests_are_red_until_they_are_mended(
    serve: Serve, look: Look, run_tests: RunTests, job: Callable[..., BrowserJob]
) -> None:
    broken = await serve("seeded_app.py", ",".join(FOUND_AS))
    seen = await look(broken, job())
    found = {(one.check, one.subject) for one in seen.discoveries}
    assert found == set(FOUND_AS.values())
    assert all(one.confirmed and one.finding.severity is Severity.ERROR for one in seen.discoveries)
    assert all(one.screenshot in seen.files for one in seen.discoveries)
    assert seen.seconds < 60
    broken, whole = await asyncio.gather(serve("seeded_app.py", ",".join(FOUND_AS)), serve("seeded_app.py"))
    for dialect in ("pytest", "node"):
        suffix = SUFFIXES[dialect]
        tests = {f"test_{name_of(one)}{suffix}": as_test(one, dialect) for one in seen.discoveries}
        assert len(tests) == len(FOUND_AS)
        red, green = await asyncio.gather(
            run_tests(broken, tests, one_browser=True), run_tests(whole, tests, one_browser=True)
        )
        assert counts(red.output) == (0, len(tests)), red.output
        assert counts(green.output) == (len(tests), 0), green.output


def counts(output: str) -> tuple[int, int]:
    """How many passed and failed, as pytest or Node says it."""
    passed = re.search(r"^# pass (\d+)|(\d+) passed", output, re.MULTILINE)
    failed = re.search(r"^# fail (\d+)|(\d+) failed", output, re.MULTILINE)
    return tuple(int(next(filter(None, one.groups()))) if one else 0 for one in (passed, failed))  # type: ignore[return-value]


async def test_an_app_without_faults_has_none_and_is_seen_the_same_twice(
    serve: Serve, look: Look, job: Callable[..., BrowserJob]
) -> None:
    apps = await asyncio.gather(serve("seeded_app.py"), serve("seeded_app.py"))
    first, second = await asyncio.gather(look(apps[0], job(), "first"), look(apps[1], job(), "second"))
    assert (first.ended, first.discoveries) == ("done", ())
    assert (second.pages, second.actions) == (first.pages, first.actions)
