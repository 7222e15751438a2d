"""The Settings screen: every setting with where it comes from, changed in the user's file, which keeps its comments."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from rich.text import Text
from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.suggester import SuggestFromList
from textual.widgets import DataTable, Footer, Input, Label, Static

from smaker.config import schema
from smaker.core.errors import ConfigError, SmakerError
from smaker.tui.advice import complaint
from smaker.tui.literal import cell, content, line
from smaker.tui.screens.live import LiveScreen
from smaker.tui.screens.provider import NewProvider, use

if TYPE_CHECKING:
    from smaker.config import Loaded

MASK = "[redacted:"
HEADS = {"key": "Setting", "value": "Value", "from": "From"}
AROUND = 8  # columns that are not of a cell


class ValueInput(Input):
    """A field that says what Enter does."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "submit", "Save it")]


class SettingsScreen(LiveScreen):
    """A row for each setting; Enter changes it."""

    AUTO_FOCUS = "#rows"

    DEFAULT_CSS = """
    SettingsScreen #rows { height: 1fr; background: $background; }
    SettingsScreen #words { display: none; }
    SettingsScreen #about { height: auto; max-height: 9; min-height: 2; padding: 0 1; border-top: solid $primary; }
    SettingsScreen #edit { height: auto; padding: 0 1; border-top: solid $accent; display: none; }
    SettingsScreen #edit Horizontal { height: 1; }
    SettingsScreen #edit Label { width: auto; margin-right: 1; text-style: bold; }
    SettingsScreen #edit Input { width: 1fr; }
    SettingsScreen #wrong { height: auto; max-height: 4; color: $text-error; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "Back"),
        Binding("space", "switch", "On/off"),
        Binding("c", "check", "Live check"),
        Binding("n", "provider", "New provider"),
        Binding("u", "undo", "Undo"),
        Binding("slash", "filter", "Filter"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._loaded: Loaded | None = None
        self._values: dict[str, tuple[str, str]] = {}  # key -> value as it is typed, origin
        self._order: list[str] = []  # as shown
        self._checks: dict[str, str] = {}  # what a provider said
        self._editing = ""  # the key that is being changed
        self._filter = ""

    def compose(self) -> ComposeResult:
        """The file, the rows, what the chosen one may be, the field."""
        yield Static("", id="summary", markup=False)
        yield Input(placeholder="words of a setting, its value or origin", compact=True, id="words")
        table: DataTable[Text] = DataTable(id="rows", cursor_type="row")
        for key, title in HEADS.items():
            table.add_column(cell(title), key=key)
        yield table
        yield Static("", id="about", markup=False)
        with Vertical(id="edit"):
            with Horizontal():
                yield Label("", id="edited", markup=False)
                yield ValueInput(id="value", compact=True)
            yield Static("", id="wrong", markup=False)
        yield Footer()

    @property
    def _table(self) -> DataTable[Text]:
        return self.query_one("#rows", DataTable)

    @property
    def chosen(self) -> str:
        """The key under the cursor."""
        row = self._table.cursor_row
        return self._order[row] if 0 <= row < len(self._order) else ""

    # --- showing ------------------------------------------------------------------------------------------------------

    def refresh_all(self) -> None:
        """Read everything again."""
        self._read()

    @work(exclusive=True, group="read")
    async def _read(self) -> None:
        try:
            self._take(await asyncio.to_thread(self.services.settings.loaded))
        except SmakerError as error:
            self.complain(error)

    def _take(self, loaded: Loaded) -> None:
        self._loaded = loaded
        self._values = {key: (_typed(value), origin) for key, value, origin in loaded.rows()}
        told = f"settings  ·  {self.services.settings.file}"
        notes = len(loaded.warnings) + len(loaded.ignored)
        told += f"  ·  ! {notes} notes, see: smaker config show" if notes else ""
        self.query_one("#summary", Static).update(cell(told))
        self._fill()

    def _shown(self) -> list[str]:
        words = self._filter.casefold().split()
        return [
            key
            for key, (value, origin) in self._values.items()
            if all(word in f"{key} {value} {origin}".casefold() for word in words)
        ]

    def _fill(self) -> None:
        """Show the rows; the cursor stays on its key."""
        table, before, row = self._table, self.chosen, self._table.cursor_row
        self._order = keys = self._shown()
        first, last = (40, 30) if self.size.width >= 120 else (34, 16)
        widths = (first, max(20, self.size.width - first - last - AROUND), last)
        for column, width in zip(table.columns.values(), widths, strict=True):
            column.width, column.auto_width = width, False
        table.clear()
        for key in keys:
            value, origin = self._values[key]
            sign = {"true": "✓ ", "false": "- "}.get(value, "")
            changed = "" if origin == "default" else "bold"
            place = origin.removeprefix(f"{self.services.settings.file.parent}/")
            table.add_row(cell(key, changed), cell(f"{sign}{value}", changed), cell(place, "dim"), key=key)
        table.move_cursor(row=keys.index(before) if before in keys else min(row, max(0, len(keys) - 1)))
        self._tell()

    def _tell(self) -> None:
        """What there is to say of the chosen key."""
        key = self.chosen
        if not key:
            self.query_one("#about", Static).update("Nothing has these words." if self._values else "")
            return
        value, origin = self._values[key]
        told = [f"{key}: {value}   (from {origin})"]
        if words := _choices(key):
            told.append(f"one of: {', '.join(words)}")
        if (provider := _provider(key)) and self._loaded is not None:
            told.append(self._checks.get(provider) or f"{provider}: {use(self._loaded.settings.llm, provider)}")
        self.query_one("#about", Static).update(content("\n".join(told)))

    def on_data_table_row_highlighted(self) -> None:
        """Another one was chosen."""
        self._tell()

    def on_resize(self) -> None:
        """The columns have the room there is."""
        if self._values:
            self._fill()

    # --- changing -----------------------------------------------------------------------------------------------------

    def on_data_table_row_selected(self) -> None:
        """Change the chosen one."""
        key = self.chosen
        if not key:
            return
        self._editing = key
        field = self.query_one("#value", Input)
        field.suggester = SuggestFromList(_choices(key)) if _choices(key) else None
        field.value = self._values[key][0]
        self.query_one("#edited", Label).update(content(key))
        self._wrong("")
        self.query_one("#edit").display = True
        field.focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Say what is wrong with what is being typed, or show what has these words."""
        if event.input.id == "words":
            self._filter = event.value
            self._fill()
        elif self._editing:
            self._try(self._editing, event.value)

    @work(exclusive=True, group="try")
    async def _try(self, key: str, text: str) -> None:
        self._wrong(await self._fault(key, text))

    async def _fault(self, key: str, text: str) -> str:
        """What is wrong with a value, in words; nothing is written."""
        if key in self._values and text == self._values[key][0]:
            return ""
        if MASK in text:
            return "Type all of it: what is masked is not known here."
        try:
            await asyncio.to_thread(self.services.settings.try_value, key, text)
        except ConfigError as error:
            _, named, rest = error.message.partition(key)  # where in the file is nothing to who does not see it
            return f"{key}{rest}" if named else complaint(error)
        return ""

    def _wrong(self, why: str) -> None:
        self.query_one("#wrong", Static).update(content(f"✗ {why}" if why else ""))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Write it, unless it is wrong."""
        if event.input.id == "words":
            self._table.focus()
        elif self._editing:
            self._submit(self._editing, event.value)

    @work(exclusive=True, group="write")
    async def _submit(self, key: str, text: str) -> None:
        if why := await self._fault(key, text):
            self._wrong(why)
            return
        if text == self._values[key][0] or await self._write(key, text):
            self._close_field()

    async def _write(self, key: str, text: str) -> bool:
        """Set it in the file; whether that was done."""
        try:
            loaded = await asyncio.to_thread(self.services.settings.set, key, text)
        except SmakerError as error:
            self._wrong(error.message) if self._editing else self.complain(error)
            return False
        self.workers.cancel_group(self, "read")  # what was read before is no longer so
        self._take(loaded)
        self.smaker.apply_settings()
        origin = self._values[key][1] if key in self._values else ""
        if origin.startswith(("environment", "flag")):
            told = f"Written, but {origin} still says otherwise."
            self.notify(line(told), severity="warning", markup=False)
        else:
            self.notify(f"{line(key)} is written; u takes it back. Builds from now on use it.", markup=False)
        return True

    def _close_field(self) -> None:
        self._editing = ""
        self.query_one("#edit").display = False
        self._table.focus()

    @work(exclusive=True, group="write")
    async def action_switch(self) -> None:
        """Switch the chosen one on or off."""
        key = self.chosen
        value = self._values[key][0] if key else ""
        if value not in {"true", "false"}:
            self.notify("It is not on or off: Enter changes it.", timeout=3)
            return
        await self._write(key, "false" if value == "true" else "true")

    @work(exclusive=True, group="write")
    async def action_provider(self) -> None:
        """Ask for a provider and write it; the cursor is on it then."""
        if self._loaded is None:
            return
        desk = self.services.settings
        written = await self.app.push_screen_wait(NewProvider(self._loaded.settings.llm, self._fault, desk.has_key))
        if written is not None and await self._write(*written):
            self._filter = self.query_one("#words", Input).value = ""
            self._fill()
            self._table.move_cursor(row=self._table.get_row_index(f"{written[0]}.model"))

    @work(exclusive=True, group="write")
    async def action_undo(self) -> None:
        """Take the last change of this session back."""
        try:
            key = await asyncio.to_thread(self.services.settings.undo)
            loaded = await asyncio.to_thread(self.services.settings.loaded)
        except SmakerError as error:
            self.complain(error)
            return
        self.workers.cancel_group(self, "read")
        self._take(loaded)
        self.smaker.apply_settings()
        self.notify(f"{line(key)} is as it was." if key else "Nothing was changed here.", markup=False, timeout=4)

    # --- asking models ------------------------------------------------------------------------------------------------

    def action_check(self) -> None:
        """Ask the model of the chosen provider, or of all in use, some small questions."""
        provider = _provider(self.chosen)
        llm = self._loaded.settings.llm if self._loaded is not None else None
        names = (provider,) if provider else llm.in_use() if llm is not None else ()
        if not names:
            self.notify("No model is in use. Go to the row of a provider to check it.", timeout=5)
            return
        self._ask(*names)

    @work(exclusive=True, group="check")
    async def _ask(self, *providers: str) -> None:
        for provider in providers:
            self._said(provider, "▸ being asked; Escape stops that")
            try:
                found = await self.services.settings.check(provider)
            except SmakerError as error:
                self._said(provider, f"✗ {complaint(error, apart=' ')}")
            except asyncio.CancelledError:
                self._said(provider, "- not asked to the end")
                raise
            else:
                self._said(provider, _abilities(found))

    def _said(self, provider: str, text: str) -> None:
        self._checks[provider] = f"{provider}: {text}"
        if _provider(self.chosen) in {provider, ""}:
            self._tell()
            if not _provider(self.chosen):
                self.query_one("#about", Static).update(content("\n".join(self._checks.values())))

    # --- leaving ------------------------------------------------------------------------------------------------------

    def action_filter(self) -> None:
        """Ask for words."""
        field = self.query_one("#words", Input)
        field.display = True
        field.focus()

    def action_back(self) -> None:
        """Leave the field, the check, the filter; then the screen."""
        field = self.query_one("#words", Input)
        if self._editing:
            self._close_field()
        elif any(worker.group == "check" and worker.is_running for worker in self.workers):
            self.workers.cancel_group(self, "check")
        elif field.display:
            field.value = ""
            field.display = False
            self._table.focus()
        else:
            self.dismiss()


def _typed(value: str) -> str:
    """A value as its user would type it: texts without quotes."""
    plain: Any = json.loads(value)
    return plain if isinstance(plain, str) else value


def _choices(key: str) -> tuple[str, ...]:
    return schema.choices(tuple(key.split(".")))


def _provider(key: str) -> str:
    """The provider a key is about, if it is about one."""
    parts = key.split(".")
    return parts[2] if parts[:2] == ["llm", "providers"] else ""


def _abilities(found: Mapping[str, str]) -> str:
    if not found:
        return "✗ it said nothing"
    return "  ".join(f"✗ {name} ({why})" if why else f"✓ {name}" for name, why in found.items())
