"""Pages that mean harm: nothing of theirs leaves the box, nothing goes on for ever, and the rest is still looked at."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from smaker.core.ports import Process
from smaker.core.ports.browser import Action, BrowserJob, BrowserResult, Target
from smaker.testing import fingerprint

pytestmark = [pytest.mark.sandbox, pytest.mark.browser, pytest.mark.timeout(180)]

Serve = Callable[..., Awaitable[Process]]
Look = Callable[[Process, BrowserJob], Awaitable[BrowserResult]]
Job = Callable[..., BrowserJob]

AROUND_S = 30.0  # to start and to end, and for what is under way when time is up


@pytest.fixture
def host() -> Iterator[tuple[int, list[str]]]:
    """A server of the machine, and who called."""
    calls: list[str] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def listen() -> None:
            while True:
                try:
                    caller, address = server.accept()
                except OSError:
                    return
                calls.append(str(address))
                caller.close()

        threading.Thread(target=listen, daemon=True).start()
        yield server.getsockname()[1], calls
        server.shutdown(socket.SHUT_RDWR)


def causes(result: BrowserResult) -> set[tuple[str, str]]:
    return {(one.check, one.subject) for one in result.discoveries}


@pytest.mark.attack("B131", "B132", "B133", "B134")
async def test_nothing_is_reached_but_the_app(serve: Serve, look: Look, job: Job, host: tuple[int, list[str]]) -> None:
    port, calls = host
    app = await serve("hostile_app.py", str(port), "/reaches", "/away", "/metadata", "/files")
    result = await look(app, job(limits={"seconds": 45}))
    told = app.tail(200)
    assert calls == []
    assert "reached" not in told
    assert "service.js" not in told
    assert told.count("refused") >= 5
    assert result.ended == "done"
    assert {
        ("wrong-redirect", f"/away -> 127.0.0.1:{port}"),
        ("wrong-redirect", "/metadata -> 169.254.169.254"),
        ("other-host", "169.254.169.254"),
        ("other-host", f"127.0.0.1:{port}"),
    } <= causes(result)
    assert not any("root:" in one.finding.evidence for one in result.discoveries)


@pytest.mark.attack("B134")
@pytest.mark.parametrize("path", ["file:///etc/passwd", "//169.254.169.254/", "chrome://version", "\\\\host\\share"])
def test_a_job_names_no_other_place(path: str, job: Job) -> None:
    with pytest.raises(ValueError, match="path"):
        job(path=path)


@pytest.mark.attack("B137", "B138", "B140")
async def test_files_and_words_of_a_page_change_nothing(
    serve: Serve, look: Look, job: Job, tmp_path: Path, isolated: Path
) -> None:
    (isolated / ".ssh").mkdir(exist_ok=True)
    (isolated / ".ssh" / "id_rsa").write_text("canary-of-a-key")
    app = await serve("hostile_app.py", "9", "/says", "/files", "/high")
    before = fingerprint(isolated)
    result = await look(app, job(limits={"seconds": 45}))
    assert fingerprint(isolated) == before
    assert result.ended == "done"
    kept = sorted(path.name for path in (tmp_path / "seen").iterdir())
    assert kept == sorted(result.files)
    assert all(name.endswith(".png") for name in kept)
    assert all((tmp_path / "seen" / name).stat().st_size < 3_000_000 for name in kept)


@pytest.mark.attack("B135", "B136", "B139")
@pytest.mark.parametrize(
    ("pages", "expected"),
    [
        (
            ("/alerts", "/stays", "/hops", "/round"),
            {
                ("unresponsive", "/alerts does not stop showing dialogs"),
                ("unresponsive", "/stays does not stop showing dialogs"),
                ("unresponsive", "/hops does not stop going to other pages by itself"),
                ("wrong-redirect", "/round endless"),
            },
        ),
        (
            ("/loops", "/large", "/scrolls", "/floods"),
            {
                ("unresponsive", "/loops does not answer"),
                ("unresponsive", "/large does not answer"),
                ("console-error", "flood #"),
            },
        ),
    ],
    ids=["asking", "filling"],
)
async def test_what_never_ends_is_told_and_stops_nothing(
    serve: Serve, look: Look, job: Job, pages: tuple[str, ...], expected: set[tuple[str, str]]
) -> None:
    app = await serve("hostile_app.py", "9", *pages, "/missing")
    begun = time.monotonic()
    result = await look(app, job(limits={"seconds": 60}))
    assert time.monotonic() - begun < 60 + AROUND_S
    assert expected | {("broken-link", "/missing")} <= causes(result)


@pytest.mark.attack("B141")
async def test_a_tab_that_crashes_is_told_and_the_next_page_is_seen(serve: Serve, look: Look, job: Job) -> None:
    app = await serve("hostile_app.py", "9", "/crashes", "/missing")
    result = await look(app, job(limits={"seconds": 60}))
    assert {("crash", "/crashes"), ("broken-link", "/missing")} <= causes(result)
    steps = (
        Action(kind="goto", value="/"),
        Action(kind="click", target=Target(role="link", name="Go crashes")),
        Action(kind="goto", value="/"),
    )
    played = await look(app, job("play", actions=steps))
    assert played.ended == "failed"
    assert [step.ok for step in played.steps] == [True, False]
    assert "crash" in played.steps[-1].seen
