"""A visit: the software, started afresh on files of its own, tried in a browser, and ended. One step of the ledger.

Nothing is left between two visits but what their job says, so a visit that was cut short is simply made again.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import JsonValue, TypeAdapter

from smaker.core.box import Box
from smaker.core.errors import Unavailable
from smaker.core.models import Severity
from smaker.core.ports import Checkout, Store
from smaker.core.ports.browser import Browser, BrowserJob, BrowserResult, Dialect
from smaker.core.spec import Frozen

PLAYED = "played"
MOST_FILES = 80
LARGEST_FILE = 8 << 20  # bytes
LOG_KEPT = 400  # pieces of the software's output: the last ones
AROUND_S = 1.5  # what it said that long before and after something happened belongs to it


class Printed(Frozen):
    """What the software printed at once. ``at`` is in seconds since 1970."""

    at: float
    text: str


class Visit(Frozen):
    """How it went. ``trouble`` says why the software or the browser did not come up; then there is no ``result``.
    ``files`` are those the result names: screenshots, a trace; ``tests`` the source of a test for each discovery that
    showed again, by its signature, and for what was played whole, as "played"."""

    result: BrowserResult | None = None
    trouble: str = ""
    log: tuple[Printed, ...] = ()
    files: dict[str, bytes] = {}
    tests: dict[str, str] = {}

    def log_at(self, at: float) -> str:
        """What the software printed around a moment."""
        return "".join(entry.text for entry in self.log if abs(entry.at - at) <= AROUND_S)

    @property
    def whole_log(self) -> str:
        """All of its output that was kept."""
        return "".join(entry.text for entry in self.log)


async def visit(
    box: Box,
    browser: Browser,
    store: Store,
    scratch: Checkout,
    job: BrowserJob,
    *,
    argv: Sequence[str],
    variables: Mapping[str, str],
    timeout_s: float,
    name: str,
    dialect: Dialect,
) -> dict[str, JsonValue]:
    """Make a visit; return what the ledger keeps of it. Raises SandboxUnavailable, Unavailable without a browser."""
    log: list[Printed] = []

    def heard(text: str) -> None:
        log.append(Printed(at=time.time(), text=text))
        del log[:-LOG_KEPT]

    process = await box.start(scratch, tuple(argv), variables=variables, port=job.port, on_output=heard)
    made = Visit()
    try:
        await process.wait_for_port(timeout_s=timeout_s)
    except Unavailable as error:
        made = Visit(trouble=error.message)
    kept: dict[str, JsonValue] = {}
    try:
        if not made.trouble:
            folder = await asyncio.to_thread(_emptied, scratch.path.with_name("seen"))
            with box.live() as say:
                result = await browser.run(job, folder, socket=process.socket, on_output=say)
            made = Visit(result=result, tests=_tests(browser, job, result, name, dialect))
            kept = {name: await store.put_blob(data) for name, data in (await _files(folder, result)).items()}
    finally:
        await process.stop()
    made = made.model_copy(update={"log": tuple(log)})
    return {"visit": await box.kept(made.model_dump_json(exclude_defaults=True)), "files": kept}


async def recall(box: Box, store: Store, output: Mapping[str, Any]) -> Visit:
    """Read back what `visit` returned."""
    made = Visit.model_validate_json(await box.told(output["visit"]))
    named = TypeAdapter(dict[str, str]).validate_python(output.get("files", {}))
    return made.model_copy(update={"files": {name: await store.get_blob(sha) for name, sha in named.items()}})


def _tests(browser: Browser, job: BrowserJob, result: BrowserResult, name: str, dialect: Dialect) -> dict[str, str]:
    found = {
        one.finding.signature: browser.as_test(one, dialect)
        for one in result.discoveries
        if one.confirmed and one.finding.severity is Severity.ERROR
    }
    if job.kind == "play" and result.ended == "done":
        found[PLAYED] = browser.as_scenario(name, [step.action for step in result.steps], dialect)
    return found


def _emptied(folder: Path) -> Path:
    """The folder, new. It lies beside the copy of the files and goes with it, whoever is killed meanwhile."""
    with contextlib.suppress(FileNotFoundError):
        shutil.rmtree(folder)
    folder.mkdir(mode=0o700)
    return folder


async def _files(folder: Path, result: BrowserResult) -> dict[str, bytes]:
    def read() -> dict[str, bytes]:
        found = [(name, folder / name) for name in result.files[:MOST_FILES]]
        return {name: path.read_bytes() for name, path in found if path.stat().st_size <= LARGEST_FILE}

    return await asyncio.to_thread(read)
