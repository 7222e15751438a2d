"""The Browser tab: paths with their steps, findings, pictures, what the console said; try it in a browser now."""

from __future__ import annotations

import asyncio
import atexit
import shutil
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.widgets import Static, Tree

from smaker.core.counting import counted
from smaker.core.errors import SmakerError
from smaker.core.models import Finding, Severity, Stage, TaskState
from smaker.tui import outside
from smaker.tui.literal import cell, content, line
from smaker.tui.picture import cells
from smaker.tui.tabs.base import ProjectTab
from smaker.tui.visits import Seen, Trip, newest_trip
from smaker.tui.words import STYLE, length

if TYPE_CHECKING:
    from textual.widgets.tree import TreeNode

    from smaker.core.models import Project
    from smaker.tui.view import ProjectView

SHOWN = 200  # complaints and pictures in the tree
PRINTED = 2_000  # characters of what the software printed


@dataclass(frozen=True)
class Entry:
    """What is shown of a line of the tree: words, or the picture ``sha256`` called ``name``."""

    words: str = ""
    sha256: str = ""
    name: str = ""


class BrowserTab(ProjectTab):
    """A tree of what was seen, the chosen part in full below."""

    DEFAULT_CSS = """
    BrowserTab #browser-head { height: auto; max-height: 3; padding: 0 1; text-style: bold; }
    BrowserTab #browser-tree { scrollbar-size-horizontal: 0; height: 2fr; padding: 0 1; background: $background; }
    BrowserTab #browser-detail { height: 3fr; border-top: solid $primary; padding: 0 1; }
    BrowserTab #browser-detail Static { height: auto; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("T", "screen.stage('web')", "Try it in a browser"),
        Binding("v", "view_outside", "Open picture"),
        Binding("c", "copy", "Copy"),
    ]

    def __init__(self, project_id: str) -> None:
        super().__init__(project_id)
        self._trip = Trip()
        self._known: dict[str, Seen] = {}
        self._shown: tuple[object, ...] = ()  # what the tree was made of
        self._steps = -1
        self._full = Static("", markup=False)  # the chosen part

    def compose(self) -> ComposeResult:
        """The figures, the tree, the chosen part."""
        yield Static("", id="browser-head", markup=False)
        tree: Tree[Entry] = Tree("", id="browser-tree")
        tree.show_root = False
        tree.guide_depth = 2
        yield tree
        with VerticalScroll(id="browser-detail"):
            yield self._full

    async def load(self) -> None:
        """Read what was seen last."""
        await self._read()

    def update_from(self, view: ProjectView) -> None:
        """Read again if there is another visit."""
        self._head(view)
        if view.snapshot is not None and len(view.snapshot.steps) != self._steps:
            self._read_again()

    @work(exclusive=True, group="visits")
    async def _read_again(self) -> None:
        try:
            await self._read()
        except SmakerError as error:
            self.smaker.complain(error)

    async def _read(self) -> None:
        view = self.view
        if view is None or view.snapshot is None:
            return
        self._steps = len(view.snapshot.steps)
        self._trip = await newest_trip(self.services.control, view.snapshot, self._known)
        self._head(view)
        made = (self._trip, view.project.spec)
        if made != self._shown:
            self._shown = made
            self._plant(view.project)

    # --- showing ------------------------------------------------------------------------------------------------------

    def _head(self, view: ProjectView) -> None:
        paths = [seen for seen in self._trip.visits if _is_path(seen)]
        pages = {page for seen in self._trip.visits if seen.result for page in seen.result.pages}
        wrong = [finding for finding in self._trip.found if finding.severity is Severity.ERROR]
        told = [f"{sum(seen.went_well for seen in paths)} of {len(paths)} paths can be taken" if paths else ""]
        told += [f"{counted(len(pages), 'page')} seen" if pages else ""]
        told += [f"✗ {counted(len(wrong), 'finding')}" if wrong else ""]
        running = any(task.stage is Stage.WEB and task.state is TaskState.RUNNING for task in view.tasks)
        told.append("▸ being tried" if running else "")
        if not any(told):
            tried = next((task.summary for task in reversed(view.tasks) if task.stage is Stage.WEB), "")
            said = (
                f"{tried[0].upper()}{tried[1:].rstrip('.')}. T tries"
                if tried
                else "It was not tried in a browser yet. T does"
            )
            told.append(f"{said} that now.")
        self.query_one("#browser-head", Static).update(content("  ·  ".join(filter(None, told))))

    def _plant(self, project: Project) -> None:
        tree = self.query_one("#browser-tree", Tree)
        tree.clear()
        trip, root = self._trip, tree.root
        paths = [seen for seen in trip.visits if _is_path(seen)]
        if paths:
            node = _group(root, "paths", len(paths))
            for seen in paths:
                _path(node, seen, project)
        if trip.found:
            node = _group(root, "findings", len(trip.found))
            for finding in trip.found:
                sign = "✗" if finding.severity is Severity.ERROR else "!"
                node.add_leaf(_label(sign, finding.message), data=Entry(_told(finding)))
        complaints = [(seen.name, text) for seen in trip.visits for text in seen.complaints]
        if complaints:
            node = _group(root, "console errors and failed requests", len(complaints))
            for where, text in complaints[:SHOWN]:
                node.add_leaf(_label("!", text), data=Entry(f"{text}\n\nin: {where}"))
        pictures = [(f"{seen.name}/{name}", sha) for seen in trip.visits for name, sha in seen.files.items()]
        if pictures:
            node = root.add(cell(f"pictures ({len(pictures)})", "bold"), data=Entry(), expand=not paths)
            for name, sha in pictures[:SHOWN]:
                node.add_leaf(cell(name), data=Entry(sha256=sha, name=name))
        for seen in trip.visits:
            if seen.trouble:
                root.add_leaf(
                    _label("✗", f"{seen.name}: {seen.trouble}"), data=Entry(f"{seen.trouble}\n\n{seen.printed}")
                )
        if root.children:
            self.call_after_refresh(tree.move_cursor, root.children[0])

    def on_tree_node_highlighted(self, event: Tree.NodeHighlighted[Entry]) -> None:
        """Show the one under the cursor in full."""
        event.stop()
        self._show(event.node.data or Entry())

    def on_resize(self) -> None:
        """A picture has the size of its place."""
        if (chosen := self._chosen()).sha256:
            self._show(chosen)

    @work(exclusive=True, group="detail")
    async def _show(self, entry: Entry) -> None:
        detail = self.query_one("#browser-detail", VerticalScroll)
        detail.scroll_home(animate=False)
        if not entry.sha256:
            self._full.update(content(entry.words))
            return
        words = entry.words or entry.name
        room = detail.scrollable_content_region
        try:
            png = await self.services.control.blob(entry.sha256)
            height = max(5, room.height - words.count("\n") - 1)
            picture = await asyncio.to_thread(cells, png, max(10, room.width), height)
        except SmakerError as error:
            picture = Text(f"✗ {line(error.message)}")
        except ValueError as error:
            picture = Text(f"It cannot be shown here: {error}. v opens it.")
        self._full.update(Text("\n").join([*(cell(part) for part in words.split("\n")), picture]))

    def _chosen(self) -> Entry:
        node: TreeNode[Entry] | None = self.query_one("#browser-tree", Tree).cursor_node
        return (node.data if node is not None else None) or Entry()

    # --- what the user does -------------------------------------------------------------------------------------------

    @work
    async def action_view_outside(self) -> None:
        """Open the chosen picture with the system's viewer; where there is none, copy its path."""
        entry = self._chosen()
        if not entry.sha256:
            self.notify("Choose a picture, or a step that has one.", timeout=3)
            return
        try:
            png = await self.services.control.blob(entry.sha256)
            path = await asyncio.to_thread(_kept, entry.sha256, png)
        except SmakerError as error:
            self.smaker.complain(error)
            return
        except OSError as error:
            self.notify(f"The picture cannot be written: {error}", severity="error", markup=False)
            return
        if not outside.show(str(path)):
            self.app.copy_to_clipboard(str(path))
            self.notify(f"There is no viewer to open here. Copied: {path}", markup=False)

    def action_copy(self) -> None:
        """Copy what is shown."""
        entry = self._chosen()
        self.app.copy_to_clipboard(str(content(entry.words or entry.name)))
        self.notify("Copied.", timeout=2)


def _is_path(seen: Seen) -> bool:
    """Whether it was to be played rather than looked around."""
    return bool(seen.result and seen.result.steps)


def _group(root: TreeNode[Entry], title: str, many: int) -> TreeNode[Entry]:
    return root.add(cell(f"{title} ({many})", "bold"), data=Entry(), expand=True)


def _label(sign: str, text: str, about: str = "") -> Text:
    told = (f"  {about}" if about else "", "dim")
    return Text.assemble((f"{sign} ", STYLE.get(sign, "yellow")), cell(text), told, no_wrap=True)


def _path(node: TreeNode[Entry], seen: Seen, project: Project) -> None:
    """A path with its steps; one that could not be taken is unfolded."""
    assert seen.result is not None
    scenarios = project.spec.scenarios if project.spec is not None else ()
    shows = " ".join(name for scenario in scenarios if scenario.name == seen.name for name in scenario.requirements)
    many = f"{len(seen.result.steps)} {'step' if len(seen.result.steps) == 1 else 'steps'}"
    sign = "✓" if seen.went_well else "✗"
    word = "" if seen.went_well else "cannot be taken"
    told = "  ".join(filter(None, [word, shows, many, length(seen.result.seconds)]))
    words = f"{seen.name}\nended: {seen.result.ended}\n\n{seen.printed[-PRINTED:]}".strip()
    branch = node.add(_label(sign, seen.name, told), data=Entry(words), expand=not seen.went_well)
    for number, step in enumerate(seen.result.steps, 1):
        about = f"{number}. {step.action}"
        detail = "\n".join(
            filter(None, [about, step.url, f"seen: {step.seen}" if step.seen else "", "", step.snapshot])
        )
        sha = seen.files.get(step.screenshot, "")
        entry = Entry(detail, sha, f"{seen.name}/{step.screenshot}")
        text = f"{about}{'' if step.ok else f': {step.seen}'}{'  (picture)' if sha else ''}"
        branch.add_leaf(_label("✓" if step.ok else "✗", text), data=entry)


def _told(finding: Finding) -> str:
    """A finding in full."""
    where = f"{finding.file}:{finding.line or ''}" if finding.file else ""
    parts = [finding.message, where, f"expected: {finding.expected}" if finding.expected else ""]
    parts += [f"seen: {finding.seen}" if finding.seen else "", " ".join(finding.requirements), "", finding.evidence]
    return "\n".join(part for part in parts if part or part == "").strip()


@cache
def _folder() -> Path:
    """Where pictures lie for other programs, until this one ends."""
    folder = tempfile.mkdtemp(prefix="smaker-pictures-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)


def _kept(sha256: str, png: bytes) -> Path:
    path = _folder() / f"{sha256[:16]}.png"
    path.write_bytes(png)
    return path
