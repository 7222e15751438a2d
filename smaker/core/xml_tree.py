"""Parse XML that strangers wrote: bounded in size and depth, without document types, so without entities."""

from __future__ import annotations

from typing import NoReturn
from xml.etree.ElementTree import Element, ParseError, TreeBuilder, XMLParser

MAX_BYTES = 32 * 1024 * 1024
MAX_DEPTH = 64
MAX_ELEMENTS = 500_000

# XML 1.0 has no way to write these, but runners copy them from output (colours, NUL) into reports.
_CONTROL = bytes(code for code in range(32) if code not in b"\t\n\r")


class _Builder(TreeBuilder):
    def __init__(self) -> None:
        super().__init__()
        self._depth = 0
        self._elements = 0

    def doctype(self, _name: str, _public: str | None, _system: str | None) -> NoReturn:
        raise ValueError("it declares a document type, which no test report needs")

    def start(self, tag: str, attrs: dict[str, str], /) -> Element:
        self._depth += 1
        self._elements += 1
        if self._depth > MAX_DEPTH:
            raise ValueError(f"its elements are nested more than {MAX_DEPTH} deep")
        if self._elements > MAX_ELEMENTS:
            raise ValueError(f"it has more than {MAX_ELEMENTS} elements")
        return super().start(tag, attrs)

    def end(self, tag: str, /) -> Element:
        self._depth -= 1
        return super().end(tag)


def parse_xml(content: bytes) -> Element:
    """Return the root element. Raises ValueError with the reason: empty, too large, too deep, a DOCTYPE, broken."""
    if not content.strip():
        raise ValueError("it is empty")
    if len(content) > MAX_BYTES:
        raise ValueError(f"it is larger than {MAX_BYTES // 1024 // 1024} MiB")
    parser = XMLParser(target=_Builder())  # noqa: S314  the builder refuses what makes XML dangerous
    try:
        # Reports of both runners are UTF-8; the byte order marks of UTF-16 would make the filter below destroy text.
        if content[:2] not in {b"\xff\xfe", b"\xfe\xff"}:
            content = content.translate(None, _CONTROL)
        parser.feed(content)
        return parser.close()
    except ParseError as error:
        raise ValueError(f"it is not well-formed XML: {error}") from error
    except (LookupError, UnicodeError) as error:
        raise ValueError(f"its encoding cannot be read: {error}") from error


def local(element: Element) -> str:
    """The tag without its namespace."""
    return element.tag.rpartition("}")[2]
