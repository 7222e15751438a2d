"""What the terminal sends is taken in, whatever its bytes, and has its effect in the order in which it was typed."""

from __future__ import annotations

from codecs import IncrementalDecoder, getincrementaldecoder
from collections.abc import Callable
from functools import partial

from textual import events
from textual.app import App
from textual.binding import ActiveBinding
from textual.drivers import linux_driver
from textual.widgets import Input, TextArea

DECODER = "getincrementaldecoder"  # what the driver makes its decoder with


class IntakeApp(App[None]):
    """An app that loses no key and is not ended by one."""

    def __init__(self) -> None:
        super().__init__()
        # a byte that is no UTF-8 (text pasted in another encoding) would end the thread that reads, and the app with it
        setattr(linux_driver, DECODER, _forgiving)

    async def on_event(self, event: events.Event) -> None:
        """Have a field do what its own keys stand for as it comes to them. Textual lets such a key rise to the app, and
        the text that was typed after it overtakes it on its way."""
        if isinstance(event, events.Key) and not event.is_forwarded and not event.is_printable:
            field = self.focused
            if isinstance(field, Input | TextArea):
                active = self.screen.active_bindings.get(event.key)
                if active is not None and active.node is field and active.enabled and not active.binding.priority:
                    field.call_later(self._act, active, event)
                    return
        await super().on_event(event)

    async def _act(self, active: ActiveBinding, event: events.Key) -> None:
        if not await self.run_action(active.binding.action, active.node):
            await super().on_event(event)


def _forgiving(encoding: str) -> Callable[[], IncrementalDecoder]:
    return partial(getincrementaldecoder(encoding), errors="replace")
