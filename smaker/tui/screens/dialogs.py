"""Small questions over a screen: some words, one of several, something to read. Escape is always "nothing"."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Generic, TypeVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Button, OptionList, Static, TextArea
from textual.widgets.option_list import Option

from smaker.core.errors import SmakerError
from smaker.tui.advice import complaint
from smaker.tui.literal import cell, content

Answer = TypeVar("Answer")


class Dialog(ModalScreen[Answer | None], Generic[Answer]):
    """A box in the middle; what it asks is shown literally."""

    DEFAULT_CSS = """
    Dialog { align: center middle; }
    Dialog > Vertical {
        width: 72; max-width: 96%; height: auto; max-height: 90%; padding: 1 2; background: $surface;
        border: solid $primary;
    }
    Dialog .question { margin-bottom: 1; }
    Dialog .told { color: $text-error; display: none; }
    Dialog Horizontal { height: auto; margin-top: 1; }
    Dialog Button { margin-right: 2; }
    Dialog TextArea { height: 8; }
    Dialog OptionList { height: auto; max-height: 14; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "Back"),
        Binding("question_mark", "app.help", "Help", show=False),
    ]

    def __init__(self, question: str, title: str = "") -> None:
        super().__init__()
        self._question = question
        self._heading = title

    def body(self) -> ComposeResult:
        """What is between the question and the end."""
        yield from ()

    def compose(self) -> ComposeResult:
        """The box."""
        with Vertical() as box:
            box.border_title = cell(self._heading)
            yield Static(content(self._question), classes="question")
            yield from self.body()
            yield Static("", classes="told", markup=False)

    def tell(self, error: SmakerError) -> None:
        """Say below what is wrong with what was given."""
        told = self.query_one(".told", Static)
        told.update(content(f"✗ {complaint(error)}"))
        told.display = True

    def action_cancel(self) -> None:
        """Nothing."""
        self.dismiss(None)


class Words(Dialog[str]):
    """Some words of the user's, over several lines; ``check`` raises what is wrong with them, ``keep`` is given those
    that are not sent."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+s", "done", "Send")]

    def __init__(
        self,
        question: str,
        *,
        check: Callable[[str], str],
        title: str = "",
        text: str = "",
        verb: str = "Send",
        keep: Callable[[str], None] = lambda _: None,
    ) -> None:
        super().__init__(question, title)
        self._check = check
        self._keep = keep
        self._text = text
        self._verb = verb

    def body(self) -> ComposeResult:
        """The words and a button."""
        yield TextArea(self._text, id="words", soft_wrap=True, show_line_numbers=False)
        with Horizontal():
            yield Button(content(f"{self._verb} (ctrl+s)"), id="done", variant="primary")

    def action_done(self) -> None:
        """Give them back, if they are words."""
        try:
            text = self._check(self.query_one("#words", TextArea).text)
        except SmakerError as error:
            self.tell(error)
        else:
            self.dismiss(text)

    def on_button_pressed(self) -> None:
        """The same."""
        self.action_done()

    def action_cancel(self) -> None:
        """Not now."""
        self._keep(self.query_one("#words", TextArea).text)
        super().action_cancel()


@dataclass(frozen=True)
class Choice:
    """One of several: what it is called in the program, what its user reads, and why."""

    name: str
    title: str
    why: str = ""


class OneOf(Dialog[str]):
    """One of several, by arrow keys and Enter or by the mouse; the answer is the choice's ``name``."""

    def __init__(self, question: str, choices: Sequence[Choice], *, title: str = "") -> None:
        super().__init__(question, title)
        self._choices = choices

    def body(self) -> ComposeResult:
        """The choices."""
        yield OptionList(
            *(
                Option(content(f"{choice.title}\n  {choice.why}" if choice.why else choice.title), id=choice.name)
                for choice in self._choices
            ),
            markup=False,
        )

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """That one."""
        self.dismiss(event.option.id)


class Show(Dialog[None]):
    """Something to read; its text can be filled in later."""

    DEFAULT_CSS = """
    Show > Vertical { width: 96; height: auto; }
    Show VerticalScroll { height: auto; max-height: 30; }
    """

    def __init__(self, text: str, *, title: str, later: Callable[[], Awaitable[str]] | None = None) -> None:
        super().__init__(text, title)
        self._later = later

    def body(self) -> ComposeResult:
        """The rest, when it is there."""
        with VerticalScroll(id="more"):
            yield Static("", id="later", markup=False)

    def on_mount(self) -> None:
        """Find out the rest."""
        if self._later is not None:
            self.query_one("#later").loading = True
            self.run_worker(self._fill(self._later))

    async def _fill(self, later: Callable[[], Awaitable[str]]) -> None:
        try:
            text = await later()
        except SmakerError as error:
            text = f"✗ {complaint(error)}"
        if not self.is_current:
            return
        shown = self.query_one("#later", Static)
        shown.loading = False
        shown.update(content(text))
