"""Watches every project through `Control`, and tells the screen at most 15 times a second that something changed.

A build that somebody drives is followed; of the others the newest events are read, and more where a listing shows that
something happened. Events are never lost: each project's last number is kept, and reading goes on from there after a
gap, an error or a server that was away. Deltas (live output) are collected between two frames; of more than a screen
can take, the older part is dropped.
"""

from __future__ import annotations

import asyncio
import time
from bisect import insort
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Collection
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypeVar

from smaker.core.control import Control
from smaker.core.errors import NotFound, SmakerError, Unavailable
from smaker.core.events import Delta, Event
from smaker.core.models import Project
from smaker.core.tail import Tail
from smaker.tui.view import RECENT, Facts, ProjectView

FRAME_S = 1 / 15
LIST_S = 1.0  # between two looks for projects of other terminals; longer where a look takes long
REST_S = 5.0  # at most, between two looks: one that took long was perhaps a slow moment of the machine
BACK_OFF_S = 10.0  # at most, while the engine cannot be reached
ANSWER_S = 20.0  # without an answer for so long, it is taken not to be reached
FRAME_CHARACTERS = 1 << 16  # of one task's output between two frames
TAIL_CHARACTERS = 1 << 18  # of one task's output kept for who looks later
TAILS = 32  # tasks whose output is kept
ACTIVITY = 500  # events of all projects
NEWEST = 20  # events that are read of each of so many projects that stand still, those where something happened last
LATE_S = 2.0  # by which an event may come after newer ones of other projects and stand below them
FIRST_S = 0.2  # that the first picture waits for the figures of all projects
QUIET_S = 5.0  # without a word of a build that is followed, whether somebody still drives it is looked up

T = TypeVar("T")
Stream = tuple[str, str]
"""A project and a task."""

_AGAIN = (-1, False)


@dataclass
class Batch:
    """What changed since the screen last took it: projects by id, their new events, live output by task.

    ``listed``: projects came or went. ``earlier``: the activity has more than ``events``, between those there were.
    ``lost``: whether the engine can be reached changed.
    """

    projects: set[str] = field(default_factory=set)
    events: list[Event] = field(default_factory=list)
    output: dict[Stream, Tail] = field(default_factory=dict)
    listed: bool = False
    earlier: bool = False
    lost: bool = False


class Feed:
    """Everything there is to show, kept up to date. ``moved`` is called when there is something to `take`; ``here``
    says which projects this process drives or will drive."""

    def __init__(
        self, control: Control, moved: Callable[[], None], here: Callable[[], Collection[str]] = frozenset
    ) -> None:
        self.views: dict[str, ProjectView] = {}
        self.activity: list[Event] = []  # by time
        self.lost = ""  # why the engine cannot be reached, if so
        self.ready = False  # whether the projects were listed
        self.caught_up = asyncio.Event()  # set when each of them was looked at once
        self._control = control
        self._moved = moved
        self._here = here
        self._began = datetime.now(UTC)
        self._batch = Batch()
        self._told = False
        self._dirty = asyncio.Event()
        self._tails: OrderedDict[Stream, Tail] = OrderedDict()
        self._following: dict[str, asyncio.Task[None]] = {}
        self._heard_at: dict[str, float] = {}  # when something was last heard of those that are followed
        self._known: dict[str, tuple[int, bool]] = {}  # revision, and whether it was driven, when last read or followed
        self._wanted: OrderedDict[str, None] = OrderedDict()  # projects to take a snapshot of
        self._asked = asyncio.Event()
        self._again = asyncio.Event()

    async def run(self) -> None:
        """Follow until cancelled."""
        jobs = [asyncio.ensure_future(job) for job in (self._list(), self._look(), self._tell())]
        try:
            await asyncio.gather(*jobs)
        finally:
            for task in (*jobs, *self._following.values()):
                task.cancel()
            await asyncio.gather(*jobs, *self._following.values(), return_exceptions=True)

    def take(self) -> Batch:
        """What changed since the last time."""
        batch, self._batch = self._batch, Batch()
        self._told = False
        return batch

    def tail(self, project: str, task: str) -> str:
        """The newest live output of a task, as far as it was heard."""
        return str(self._tails.get((project, task), ""))

    def refresh(self, project: str | None = None) -> None:
        """Look for new projects now, and at this one first: the user did something."""
        if project is not None:
            self._want(project, first=True)
        self._again.set()

    # --- what there is ------------------------------------------------------------------------------------------------

    async def _list(self) -> None:
        wait = LIST_S
        while True:
            began = time.monotonic()
            try:
                listed = await _answer(self._control.projects())
            except (SmakerError, OSError) as error:
                self._set_lost(str(error) or repr(error))
                wait = min(BACK_OFF_S, 2 * wait)
            else:
                if self.lost:
                    self._follow_anew()
                self._set_lost("")
                self._listed(listed)
                wait = max(LIST_S, min(REST_S, 20 * (time.monotonic() - began)))
                self._ask_after_quiet()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._again.wait(), wait)
            self._again.clear()

    def _listed(self, projects: list[Project]) -> None:
        gone = self.views.keys() - {project.id for project in projects}
        for identifier in gone:
            self._forget(identifier)
        for project in projects:
            view = self.views.get(project.id)
            if view is None:
                self.views[project.id] = ProjectView(project)
                self._batch.listed = True
            elif view.project.revision != project.revision:
                view.project = project
            else:
                self._hear(view)
                continue
            self._want(project.id, first=self.views[project.id].moving)
            self._changed(project.id)
            self._hear(self.views[project.id])
        if not self._wanted:
            self.caught_up.set()
        if gone or not self.ready:
            self.ready = self._batch.listed = True
            self._dirty.set()

    def _forget(self, project: str) -> None:
        del self.views[project]
        self._known.pop(project, None)
        self._heard_at.pop(project, None)
        self._wanted.pop(project, None)
        if (task := self._following.pop(project, None)) is not None:
            task.cancel()
        for stream in [stream for stream in self._tails if stream[0] == project]:
            del self._tails[stream]

    def _set_lost(self, why: str) -> None:
        if bool(why) != bool(self.lost):
            self._batch.lost = True
            self._dirty.set()
        self.lost = why

    # --- what happens -------------------------------------------------------------------------------------------------

    def _hear(self, view: ProjectView) -> None:
        """Follow a build that somebody drives, read on in one that stands still; unless all of it is known."""
        task = self._following.get(view.id)
        if view.facts is None or (task is not None and not task.done()):
            return
        known, driven = self._known.get(view.id), self._driven(view)
        if known == (view.project.revision, driven):
            return
        self._known[view.id] = view.project.revision, driven
        past = known is None and not driven
        if not past or self._is_new(view.facts.last_at):
            self._heard_at[view.id] = time.monotonic()
            self._following[view.id] = asyncio.ensure_future(self._read(view, follow=driven, past=past))

    def _driven(self, view: ProjectView) -> bool:
        """Whether some process has a build in hand, by what is known of it."""
        return view.holder is not None or view.id in self._here()

    def _is_new(self, at: datetime) -> bool:
        """Whether something of that time belongs to the newest there is."""
        if len(self.activity) >= NEWEST and at < self.activity[-NEWEST].at:
            return False
        return sum(view.last_at > at for view in self.views.values()) < NEWEST

    def _ask_after_quiet(self) -> None:
        """Have a look at those that are followed and say nothing: their process may have been killed."""
        now = time.monotonic()
        for project, task in self._following.items():
            if not task.done() and now - self._heard_at[project] > QUIET_S:
                self._heard_at[project] = now
                self._want(project)

    def _let_go(self, project: str) -> None:
        """Follow a project no more; what is recorded and was not heard is read."""
        task = self._following.pop(project, None)
        if task is not None and not task.done():
            task.cancel()
            self._known[project] = _AGAIN

    def _follow_anew(self) -> None:
        """Let go of what was followed over a connection that may be dead; `_listed` goes on from the last number."""
        for task in self._following.values():
            task.cancel()
        self._following.clear()
        self._known = dict.fromkeys(self._known, _AGAIN)

    async def _read(self, view: ProjectView, *, follow: bool, past: bool) -> None:
        """Take in what is recorded and, to ``follow``, what happens until the build is settled. The ``past`` is for the
        activity alone."""
        after = view.seq or (-RECENT if follow else -NEWEST)
        try:
            async for message in self._control.events(view.id, after=after, follow=follow):
                self._heard_at[view.id] = time.monotonic()
                if isinstance(message, Delta):
                    self._output(message)
                elif message.seq == view.seq + 1 or not view.seq:
                    self._event(view, message, past=past)
                    if follow:
                        self._want(view.id)
                elif message.seq > view.seq:
                    break
            else:
                if follow:
                    self._want(view.id)
                return
        except (Unavailable, OSError) as error:
            self._set_lost(str(error) or repr(error))
        except SmakerError as error:
            self._failed(view, error)
            return
        self._known[view.id] = _AGAIN  # not to its end

    def _event(self, view: ProjectView, event: Event, *, past: bool) -> None:
        view.seq = event.seq
        view.events.append(event)
        if past or (self.activity and (self.activity[-1].at - event.at).total_seconds() > LATE_S):
            self._batch.earlier = True
        insort(self.activity, event, key=lambda known: known.at)
        del self.activity[:-ACTIVITY]
        if not past or event.at >= self._began:
            self._batch.events.append(event)
        self._changed(event.project)

    def _output(self, delta: Delta) -> None:
        stream = delta.project, delta.task
        self._batch.output.setdefault(stream, Tail(FRAME_CHARACTERS)).add(delta.text)
        self._tails.setdefault(stream, Tail(TAIL_CHARACTERS)).add(delta.text)
        self._tails.move_to_end(stream)
        if len(self._tails) > TAILS:
            self._tails.popitem(last=False)
        self._dirty.set()

    # --- snapshots ----------------------------------------------------------------------------------------------------

    def _want(self, project: str, *, first: bool = False) -> None:
        self._wanted[project] = None
        if first:
            self._wanted.move_to_end(project, last=False)
        self._asked.set()

    async def _look(self) -> None:
        """Take snapshots of what changed, one by one; but for the first of each, for a fifth of the time at most."""
        while True:
            await self._asked.wait()
            if not self._wanted:
                self._asked.clear()
                self.caught_up.set()
                continue
            project, _ = self._wanted.popitem(last=False)
            view = self.views.get(project)
            if view is None:
                continue
            began = time.monotonic()
            try:
                snapshot = await _answer(self._control.snapshot(project))
            except (Unavailable, OSError) as error:
                self._set_lost(str(error) or repr(error))
                self._wanted[project] = None
                await asyncio.sleep(LIST_S)
                continue
            except SmakerError as error:
                self._failed(view, error)
                continue
            if self.views.get(project) is not view:
                continue
            known = view.facts is not None
            view.facts, view.project, view.fault = Facts(snapshot), snapshot.project, ""
            if view.moving and not self._driven(view):
                self._let_go(project)
            self._hear(view)
            self._changed(project)
            await asyncio.sleep(max(FRAME_S, min(REST_S, 5 * (time.monotonic() - began))) if known else 0)

    def _failed(self, view: ProjectView, error: SmakerError) -> None:
        """One project cannot be read: it was deleted, or its record is damaged."""
        if not isinstance(error, NotFound):
            view.fault = error.message
            self._changed(view.id)
        self._again.set()

    # --- telling ------------------------------------------------------------------------------------------------------

    def _changed(self, project: str) -> None:
        self._batch.projects.add(project)
        self._dirty.set()

    async def _tell(self) -> None:
        await self._dirty.wait()
        with suppress(TimeoutError):
            await asyncio.wait_for(self.caught_up.wait(), FIRST_S)
        while True:
            await self._dirty.wait()
            self._dirty.clear()
            if not self._told:
                self._told = True
                self._moved()
            await asyncio.sleep(FRAME_S)


async def _answer(asked: Awaitable[T]) -> T:
    """Wait for an answer, but not for ever. Raises Unavailable."""
    try:
        return await asyncio.wait_for(asked, ANSWER_S)
    except TimeoutError as error:
        raise Unavailable(f"no answer for {ANSWER_S:g} seconds") from error
