"""The Files tab: what is in the user's folder now, as a tree, and the file under the cursor."""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING, ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Input, OptionList, Static, Tree
from textual.widgets.option_list import Option

from smaker.core.control import MAX_SHOWN
from smaker.core.errors import SmakerError
from smaker.tui.advice import complaint
from smaker.tui.literal import cell, content, line
from smaker.tui.tabs.base import ProjectTab
from smaker.tui.widgets.source import SourceView

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.widgets.tree import TreeNode

    from smaker.tui.view import ProjectView

MATCHES = 100  # files that are offered


class FilesTab(ProjectTab):
    """The tree on the left, a file on the right."""

    DEFAULT_CSS = """
    FilesTab #files-left { width: 1fr; min-width: 24; max-width: 40; }
    FilesTab #files-right { width: 2fr; border-left: solid $primary; }
    FilesTab Tree { height: 1fr; background: $background; }
    FilesTab #files-found { height: 1fr; background: $background; border: none; display: none; }
    FilesTab #files-words { display: none; }
    FilesTab.-going #files-found, FilesTab.-going #files-words { display: block; }
    FilesTab.-going Tree { display: none; }
    FilesTab #files-path { height: 1; padding: 0 1; background: $panel; }
    FilesTab SourceView { height: 1fr; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "go", "Go to a file"),
        Binding("g", "again", "Read again"),
        Binding("c", "copy_path", "Copy path"),
        Binding("down", "choose(1)", "Next", show=False),
        Binding("up", "choose(-1)", "Previous", show=False),
        Binding("escape", "come_back", "Back", show=False),
    ]

    def __init__(self, project_id: str) -> None:
        super().__init__(project_id)
        self._paths: Sequence[str] = ()  # sorted
        self._head: str | None = None
        self._open = ""  # the file that is shown

    def compose(self) -> ComposeResult:
        """The tree or what was found, the file."""
        with Horizontal():
            with Vertical(id="files-left"):
                yield Input(placeholder="part of a path", id="files-words")
                yield OptionList(id="files-found", markup=False)
                yield Tree[str]("", data="", id="files-tree")
            with Vertical(id="files-right"):
                yield Static("", id="files-path", markup=False)
                yield SourceView(id="files-text")

    def on_mount(self) -> None:
        """The tree begins with what is in the folder."""
        self._tree.show_root = False
        self._tree.guide_depth = 2

    @property
    def _tree(self) -> Tree[str]:
        return self.query_one("#files-tree", Tree)

    @property
    def _source(self) -> SourceView:
        return self.query_one("#files-text", SourceView)

    async def load(self) -> None:
        """List the files."""
        await self._list()

    def update_from(self, view: ProjectView) -> None:
        """There may be others after another commit."""
        head = view.snapshot.head if view.snapshot else None
        if head != self._head:
            self._head = head
            self._read_again()

    @work(exclusive=True, group="files-list")
    async def _read_again(self) -> None:
        await self._list()

    async def _list(self) -> None:
        try:
            found = await self.services.control.contents(self.project_id)
        except SmakerError as error:
            self._source.say(f"· {complaint(error)}")
            return
        if self.view is not None and self.view.snapshot is not None:
            self._head = self.view.snapshot.head
        if tuple(found.files) != tuple(self._paths):
            self._paths = found.files
            self._plant()
        if self._open:
            self._show(self._open, stay=True)
        else:
            self._source.say("" if self._paths else "There is no file yet.")

    def focus_first(self) -> None:
        """Begin in the tree."""
        self._tree.focus()

    # --- the tree -----------------------------------------------------------------------------------------------------

    def _plant(self) -> None:
        """The tree anew, open where it was, with the cursor where it was."""
        tree = self._tree
        opened = {node.data for node in _below(tree.root) if node.is_expanded}
        chosen = tree.cursor_node.data if tree.cursor_node is not None else None
        tree.clear()
        self._grow(tree.root, opened)
        if chosen:
            self._put_cursor(chosen)

    def _grow(self, node: TreeNode[str], opened: set[str | None]) -> None:
        """Add what is in a folder, folders first."""
        folders, files = children(self._paths, node.data or "")
        for name in folders:
            path = f"{node.data or ''}{name}/"
            made = node.add(cell(f"{name}/"), data=path, expand=path in opened)
            if path in opened:
                self._grow(made, opened)
        for name in files:
            node.add_leaf(cell(name), data=f"{node.data or ''}{name}")

    def on_tree_node_expanded(self, event: Tree.NodeExpanded[str]) -> None:
        """Fill a folder when it is opened."""
        event.stop()
        if not event.node.children:
            self._grow(event.node, set())

    def on_tree_node_highlighted(self, event: Tree.NodeHighlighted[str]) -> None:
        """Show the file under the cursor."""
        event.stop()  # the screen has a tree of its own
        path = event.node.data or ""
        if path and not path.endswith("/") and path != self._open:
            self._show(path)

    def on_tree_node_selected(self, event: Tree.NodeSelected[str]) -> None:
        """On to the file."""
        event.stop()
        if event.node.data and not event.node.data.endswith("/"):
            self._source.focus()

    def _put_cursor(self, path: str) -> None:
        """Open the folders above a path and put the cursor on it."""
        node = self._tree.root
        while True:
            ahead = [child for child in node.children if child.data and path.startswith(child.data)]
            exact = [child for child in ahead if child.data == path or (child.data or "").endswith("/")]
            if not exact:
                break
            node = exact[0]
            if node.data == path:
                break
            if not node.children:
                self._grow(node, set())
            node.expand()
        self._tree.call_after_refresh(self._tree.move_cursor, node)

    # --- the file -----------------------------------------------------------------------------------------------------

    @work(exclusive=True, group="files-show")
    async def _show(self, path: str, *, stay: bool = False) -> None:
        self._open = path
        head = self.query_one("#files-path", Static)
        try:
            found = await self.services.control.contents(self.project_id, path)
        except SmakerError as error:
            head.update(content(line(path)))
            self._source.say(f"· {complaint(error)}")
            return
        head.update(content(f"{line(path)}  ·  {found.size:,} bytes"))
        if found.size > MAX_SHOWN:
            self._source.say(f"Larger than {MAX_SHOWN >> 20} MB: not shown.")
            return
        text = readable(found.data)
        if text is None:
            self._source.say("No UTF-8 text: not shown.")
            return
        await self._source.show_text(text, path, stay=stay)

    # --- what the user does -------------------------------------------------------------------------------------------

    def action_go(self) -> None:
        """Type a part of a path."""
        self.add_class("-going")
        field = self.query_one("#files-words", Input)
        field.focus()
        field.value = ""
        self._offer("")

    def on_input_changed(self, event: Input.Changed) -> None:
        """Offer what has these letters."""
        self._offer(event.value)

    def _offer(self, words: str) -> None:
        found = self.query_one("#files-found", OptionList)
        found.clear_options()
        found.add_options([Option(content(line(path))) for path in matching(self._paths, words)])
        found.highlighted = 0 if found.option_count else None

    def on_input_submitted(self) -> None:
        """Open the first."""
        found = self.query_one("#files-found", OptionList)
        if found.highlighted is not None:
            self._go_to(found.highlighted)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """While a path is typed, arrows choose and Escape ends it."""
        del parameters
        return action not in {"choose", "come_back"} or self.has_class("-going")

    def action_choose(self, by: int) -> None:
        """The next of what was found, or the one before."""
        found = self.query_one("#files-found", OptionList)
        (found.action_cursor_down if by > 0 else found.action_cursor_up)()

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Open it."""
        self._go_to(event.option_index)

    def _go_to(self, place: int) -> None:
        path = matching(self._paths, self.query_one("#files-words", Input).value)[place]
        self.action_come_back()
        self._put_cursor(path)

    def action_come_back(self) -> None:
        """Back to the tree."""
        self.remove_class("-going")
        self._tree.focus()

    def action_again(self) -> None:
        """What is in the folder now: its user may have changed it."""
        self._read_again()

    def action_copy_path(self) -> None:
        """The path of the file to the clipboard."""
        view = self.view
        if self._open and view is not None:
            path = f"{view.project.workspace}/{self._open}"
            self.app.copy_to_clipboard(line(path))
            self.notify(f"Copied: {line(path)}", markup=False, timeout=3)


def children(paths: Sequence[str], folder: str) -> tuple[list[str], list[str]]:
    """The names of the folders and of the files directly in a folder ("" or "a/b/"), of sorted paths."""
    folders: dict[str, None] = {}
    files: list[str] = []
    for index in range(bisect_left(paths, folder), len(paths)):
        path = paths[index]
        if not path.startswith(folder):
            break
        name, below, _ = path[len(folder) :].partition("/")
        if below:
            folders[name] = None
        else:
            files.append(name)
    return list(folders), files


def matching(paths: Sequence[str], words: str) -> list[str]:
    """The first paths that have all the words, those with them in their name before the others."""
    wanted = words.casefold().split()
    found = [path for path in paths if all(word in path.casefold() for word in wanted)]
    found.sort(key=lambda path: not all(word in path.rpartition("/")[2].casefold() for word in wanted))
    return found[:MATCHES]


def readable(data: bytes) -> str | None:
    """A file's text; None if it is none."""
    if b"\0" in data:
        return None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None


def _below(node: TreeNode[str]) -> list[TreeNode[str]]:
    return [found for child in node.children for found in (child, *_below(child))]
