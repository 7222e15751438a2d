"""The result on its way out: written whole again after each piece, so that what ends early still says what it saw."""

from __future__ import annotations

import time
from pathlib import Path

from smaker.browser.inside.explorer import Explorer
from smaker.browser.inside.tab import Tab
from smaker.browser.inside.watch import Seen
from smaker.core.ports.browser import BrowserJob, BrowserResult, Discovery, Ended, Played

RESULT = "result.json"
_MOST = 100


class Report:
    """What is known so far, in ``folder``."""

    def __init__(self, folder: Path, job: BrowserJob, *, begun: float) -> None:
        self.folder = folder
        self.begun = begun
        self.files: list[str] = []
        self.actions = 0
        self._job = job
        self._ended: Ended = "done"
        self._discoveries: list[Discovery] = []
        self._steps: list[Played] = []
        self._pages: tuple[str, ...] = ()
        self._seen = Seen()
        self._snapshot = ""

    def looked(self, explorer: Explorer) -> None:
        """Take over what the explorer knows."""
        self._ended = explorer.ended
        self._pages = tuple(explorer.pages.values())
        self.actions = explorer.actions

    def tried(self, discovery: Discovery) -> None:
        """Add what was tried again, and write."""
        self._discoveries.append(discovery)
        self.files += [discovery.screenshot] if discovery.screenshot else []
        self.write()

    def played(self, steps: list[Played], ended: Ended, tab: Tab | None, snapshot: str) -> None:
        """Take over what was played."""
        self._steps, self._ended, self._snapshot = steps, ended, snapshot
        self.actions = len(steps)
        self.files += [step.screenshot for step in steps if step.screenshot]
        self._seen = tab.seen if tab else Seen()

    def write(self, ended: Ended | None = None) -> None:
        """Write ``result.json``, whole or not at all."""
        seen = self._seen
        bad = [f"{one.method} {one.path}: {one.status}" for one in seen.answers if one.status >= 400]
        result = BrowserResult(
            ended=ended or self._ended,
            discoveries=tuple(self._discoveries),
            steps=tuple(self._steps),
            pages=self._pages,
            console=tuple(seen.console[:_MOST]),
            page_errors=tuple(seen.errors[:_MOST]),
            failed=(*(f"{method} {path}: {reason}" for method, path, reason in seen.failed[:_MOST]), *bad[:_MOST]),
            actions=self.actions,
            seconds=time.monotonic() - self.begun,
            snapshot=self._snapshot,
            files=tuple(self.files),
        )
        unfinished = self.folder / f".{RESULT}"
        unfinished.write_text(result.model_dump_json(), "utf-8")
        unfinished.replace(self.folder / RESULT)
