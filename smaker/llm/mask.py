"""Keeps credentials out of what is sent to models, and our own keys out of what comes back."""

from __future__ import annotations

from collections.abc import Callable

from smaker.core.ports.llm import Message, Request
from smaker.core.secrets import Redactor
from smaker.core.terminal import sanitize
from smaker.llm.events import clean

EXCERPT = 500  # bytes of a foreign text that an error quotes


class Mask:
    """Masks by a `Redactor` that knows the keys of the providers.

    What is sent is masked by pattern too: a credential in a file is no business of a provider. In answers only known
    keys are: code may well hold an example that looks like one, and its own door (the commit) judges that.
    """

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor

    def request(self, request: Request) -> Request:
        """Return ``request`` with every credential in its messages masked."""
        return request.model_copy(update={"messages": tuple(self._message(message) for message in request.messages)})

    def _message(self, message: Message) -> Message:
        calls = tuple(call.model_copy(update={"arguments": self.sent(call.arguments)}) for call in message.calls)
        return message.model_copy(update={"text": self.sent(message.text), "calls": calls})

    def sent(self, text: str) -> str:
        """Return ``text`` as it may be sent."""
        return clean(self._redactor.redact(text))

    def answer(self, text: str) -> str:
        """Return ``text`` with the known keys masked, in each of their forms."""
        for form, label in self._redactor.forms.items():
            if form in text:
                text = text.replace(form, f"[redacted:{label}]")
        return text

    def quote(self, text: str) -> str:
        """Return the beginning of a foreign text as an error may show it: masked, on one line, nothing invisible."""
        shown = sanitize(" ".join(self._redactor.redact(text[:20_000]).split()))
        data = shown.encode()
        return shown if len(data) <= EXCERPT else data[: EXCERPT - 3].decode(errors="ignore") + "…"

    def listener(self, on_text: Callable[[str], None]) -> Listener:
        """Return what to feed with a stream that ``on_text`` is to hear masked."""
        return Listener(self, frozenset(self._redactor.forms), on_text)


class Listener:
    """Passes a stream on, and keeps back only an end that may be the beginning of a known key."""

    def __init__(self, mask: Mask, forms: frozenset[str], on_text: Callable[[str], None]) -> None:
        self._mask = mask
        self._beginnings = {form[:end] for form in forms for end in range(1, len(form))}
        self._longest = max(map(len, forms), default=0)
        self._on_text = on_text
        self._held = ""

    def feed(self, piece: str) -> None:
        """Take a piece of text."""
        text = self._mask.answer(self._held + piece)
        held = next((n for n in range(min(self._longest, len(text)), 0, -1) if text[-n:] in self._beginnings), 0)
        self._held = text[len(text) - held :]
        if passed := text[: len(text) - held]:
            self._on_text(passed)

    def end(self) -> None:
        """Pass on what was kept back."""
        held, self._held = self._held, ""
        if held:
            self._on_text(held)
