"""When two addresses, names or messages are the same but for what a program filled in."""

from __future__ import annotations

import hashlib
import re
from urllib.parse import parse_qsl, urljoin, urlsplit

from smaker.core.ports.browser import UNIQUE

_VARIES = re.compile(
    r"\d+|[0-9a-f]{8,}|[0-9a-f-]{32,36}|[\w-]*\d[\w-]*\d[\w.-]*|(?=[\w-]*\d)(?=[\w-]*[A-Za-z])[\w-]{10,}|zq[a-z]{6}.*",
    re.IGNORECASE,
)
_TOKEN = re.compile(r"zq[a-z]{6}", re.IGNORECASE)


def unique(seed: str, number: int) -> str:
    """Eight letters that are the same for the same seed and number, and begin with two that no word begins with."""
    digest = hashlib.sha256(f"{seed}/{number}".encode()).digest()
    return "zq" + "".join(chr(97 + byte % 26) for byte in digest[:6])


def tokens(text: str) -> list[str]:
    """What ``unique`` made, in order of appearance."""
    return list(dict.fromkeys(_TOKEN.findall(text)))


def shape(path: str) -> str:
    """The address without ids and values: ``/notes/7?tag=a`` and ``/notes/8?tag=b`` are ``/notes/*?tag``."""
    parts = urlsplit(path)
    segments = ["*" if _VARIES.fullmatch(segment) else segment for segment in parts.path.split("/")]
    names = sorted({name for name, _ in parse_qsl(parts.query, keep_blank_values=True)})
    return ("/".join(segments) or "/") + (f"?{'&'.join(names)}" if names else "")


def has_id(path: str) -> bool:
    """Whether the address is of one record: it means nothing in another run."""
    return "*" in shape(path) or bool(_TOKEN.search(path))


def repeatable(text: str) -> str:
    """The text with what ``unique`` made as ``{unique}``."""
    return _TOKEN.sub(UNIQUE, text)


def plain(text: str) -> str:
    """A message or name without numbers, addresses and what ``unique`` made."""
    text = _TOKEN.sub(UNIQUE, text)
    text = re.sub(r"https?://[^\s)'\"]+", lambda found: urlsplit(found.group()).path, text)
    text = re.sub(r"\b[0-9a-f]{8}-[0-9a-f-]{27}\b", "#", text)
    return " ".join(re.sub(r"\d+", "#", text).split())[:200]


def own_path(base: str, href: str, origin: str) -> str | None:
    """Path and query of a link to the app itself, else None."""
    parts = urlsplit(urljoin(base, href))
    if f"{parts.scheme}://{parts.netloc}" != origin:
        return None
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


def like(pattern: str) -> str:
    """A regular expression, for Python and JavaScript, of the addresses (path, query, fragment) that a pattern means:
    "*" is any part of one, and the fragment counts where the pattern has one; alone it is of any page."""
    before, mark, after = pattern.partition("#")
    address = _parts(before, "[^#]*") if before or not mark else "[^#]*"
    if not mark:
        return f"{address}(#.*)?"
    return f"{address}#{_parts(after, '.*')}" if after else f"{address}#?"


def _parts(text: str, anything: str) -> str:
    return anything.join(UNIQUE.join(map(re.escape, part.split(UNIQUE))) for part in text.split("*"))
