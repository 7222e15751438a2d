"""Asks for a model provider that is not there yet, and says while it is typed what is wrong with it."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, ClassVar, get_args

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.suggester import SuggestFromList
from textual.widgets import Input, Label, Static

from smaker.config.endpoints import KEY_OWNERS
from smaker.config.settings import Mode, named
from smaker.tui.literal import content, line
from smaker.tui.screens.dialogs import Dialog

if TYPE_CHECKING:
    from smaker.config.settings import Llm, Provider

FIELDS = {
    "name": ("Name", "lower case, as in groq; openai and claude are reached by their own protocols"),
    "model": ("Model", "as the provider spells it"),
    "base_url": ("Base URL", "of a server that speaks the OpenAI protocol; empty: the provider's own"),
    "api_key_env": ("Key is in", "an environment variable; empty: it needs no key"),
}
"""What is asked: the key in the file, what a person calls it, and what to type there."""

ABOUT = (
    "The key itself is never written: only the name of the variable that holds it. "
    "Enter writes it to your file, up and down lead to the other fields, Escape leaves it."
)

Written = tuple[str, str]
"""A key of the settings and what is to be written there."""


class NewProvider(Dialog[Written]):
    """A provider, as what `SettingsDesk.set` takes. ``fault`` says what is wrong with that, "" if nothing is;
    ``has_key`` whether a variable of the environment is set."""

    DEFAULT_CSS = """
    NewProvider > Vertical { width: 100; padding: 0 2; }
    NewProvider Horizontal { height: 1; margin-top: 0; }
    NewProvider Label { width: 12; }
    NewProvider Input { width: 1fr; }
    NewProvider #provider-told { height: auto; min-height: 2; margin-top: 1; }
    NewProvider .wrong { color: $text-error; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down", "app.focus_next", "Next", show=False),
        Binding("up", "app.focus_previous", "Previous", show=False),
    ]

    def __init__(self, llm: Llm, fault: Callable[[str, str], Awaitable[str]], has_key: Callable[[str], bool]) -> None:
        super().__init__(ABOUT, "New provider")
        self._llm = llm
        self._fault = fault
        self._has_key = has_key
        self._suggested = ""  # the variable that the name suggests, which a longer name may change

    def body(self) -> ComposeResult:
        """A line for each field."""
        begin = suggestion(self._llm, self._has_key)
        suggested = {"api_key_env": SuggestFromList(KEY_OWNERS)}
        for name, (words, hint) in FIELDS.items():
            with Horizontal():
                yield Label(words, markup=False)
                yield Input(
                    begin.get(name, ""), placeholder=hint, suggester=suggested.get(name), compact=True, id=f"new-{name}"
                )
        yield Static("", id="provider-told", markup=False)

    def on_mount(self) -> None:
        """Begin where something is missing."""
        empty = [field for field in self.query(Input) if not field.value]
        (empty[0] if empty else self.query_one("#new-model", Input)).focus()

    def _typed(self, name: str) -> str:
        return self.query_one(f"#new-{name}", Input).value.strip()

    @property
    def _written(self) -> Written:
        """The key and the value as they would be written."""
        name = self._typed("name")
        value: dict[str, str | bool | None] = {"enabled": True, "model": self._typed("model")}
        there = self._llm.providers.get(name)
        for key in ("base_url", "api_key_env"):
            typed = self._typed(key)
            if typed or (there is not None and getattr(there, key) is not None):
                value[key] = typed or None
        return f"llm.providers.{name}", json.dumps(value, ensure_ascii=False)

    def on_input_changed(self, event: Input.Changed) -> None:
        """Say what is wrong with it, if so."""
        if event.input.id == "new-name":
            self._suggest(event.value.strip())
        self._look()

    def _suggest(self, name: str) -> None:
        """A well-known provider's key is usually in the same variable."""
        field = self.query_one("#new-api_key_env", Input)
        if field.value in {"", self._suggested}:
            found = next((variable for variable, owner in KEY_OWNERS.items() if name in owner.providers), "")
            self._suggested = field.value = found

    @work(exclusive=True, group="look")
    async def _look(self) -> None:
        missing = self._missing()
        wrong = "" if missing else await self._fault(*self._written)
        self._say(f"✗ {wrong}" if wrong else self._note(), wrong=bool(wrong))

    def _missing(self) -> str:
        """The first field that must not be empty and is."""
        return next((name for name in ("name", "model") if not self._typed(name)), "")

    def _note(self) -> str:
        """What is worth knowing before it is written."""
        variable, name = self._typed("api_key_env"), self._typed("name")
        told = [f"{line(name)} is there from the start: this changes it."] if name in self._llm.providers else []
        if variable and not self._has_key(variable):
            told.append(f"! {line(variable)} is not set here: export it, then start smaker again.")
        return " ".join(told)

    def _say(self, text: str, *, wrong: bool) -> None:
        said = self.query_one("#provider-told", Static)
        said.update(content(text))
        said.set_class(wrong, "wrong")

    @work(exclusive=True, group="take")
    async def on_input_submitted(self) -> None:
        """Hand it back, if it is right."""
        if missing := self._missing():
            self.query_one(f"#new-{missing}", Input).focus()
            self._say(f"✗ {FIELDS[missing][0]}: {FIELDS[missing][1]}", wrong=True)
            return
        written = self._written
        if wrong := await self._fault(*written):
            self._say(f"✗ {wrong}", wrong=True)
        else:
            self.dismiss(written)


def suggestion(llm: Llm, has_key: Callable[[str], bool]) -> dict[str, str]:
    """What the fields begin with: the first well-known provider whose key is set here and that cannot be asked yet."""
    for variable, owner in KEY_OWNERS.items():
        name = owner.providers[0]
        there = llm.providers.get(name)
        if has_key(variable) and (there is None or not there.enabled):
            return {"name": name, "model": there.model if there else "", "api_key_env": variable}
    return {}


def use(llm: Llm, name: str) -> str:
    """When a provider is asked, or what keeps it from being asked, in a line."""
    provider: Provider | None = llm.providers.get(name)
    if provider is None or not provider.enabled:
        return "switched off: it is not asked"
    if llm.mode == name:
        return "asked for every role, by llm.mode"
    roles = [role for role, route in llm.routing if route is None or name in named(route)]
    if llm.mode == "hybrid" and roles:
        return f"asked for {', '.join(roles)}, by llm.routing"
    wanted: list[str] = []
    if llm.mode != "hybrid":
        modes = f"{name} or hybrid" if name in get_args(Mode) else "hybrid"
        wanted.append(f"set llm.mode to {modes} (it is {llm.mode})")
    if not roles:
        wanted.append("name it in llm.routing, where it serves no role")
    return f"To have it asked, {' and '.join(wanted)}."
