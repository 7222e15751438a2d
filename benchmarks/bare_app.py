"""The floor of P7: a Textual app of five widgets that does nothing. Run by benchmarks.tui as a program."""

from textual.app import App, ComposeResult
from textual.widgets import DataTable, Footer, Header, Input, Static


class Bare(App[None]):
    """Five widgets."""

    BINDINGS = [("q", "quit", "Quit")]

    def compose(self) -> ComposeResult:
        """Make them."""
        yield Header()
        yield Static("a bare app with five widgets")
        yield Input(placeholder="an input")
        yield DataTable[str]()
        yield Footer()


if __name__ == "__main__":
    Bare().run()
