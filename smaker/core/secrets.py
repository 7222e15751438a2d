"""Find credentials in text, and mask them before text leaves the process.

Three doors use it: a commit is scanned (`find_secret`: few false alarms, a hit stops the commit), a history is searched
for what is in it already (`find_secrets`), and everything written, sent or shown is masked (`Redactor`: known values in
all their usual encodings, and patterns).

Every pattern is bounded and starts at a literal that is searched for first, so the time is linear in the text.
"""

from __future__ import annotations

import base64
import hashlib
import json
import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import NamedTuple
from urllib.parse import quote

LOOK_BACK = 512
"""Characters that a stream remembers of what it passed on: a name before a value makes it a credential."""

MINIMUM_KNOWN = 8
"""Known values shorter than this are not masked: they would mask ordinary words."""

_LONGEST_TOKEN = 8192  # an unbroken run of token characters is held back up to this length
_LONGEST_KEY_BLOCK = 16_384


@dataclass(frozen=True)
class Hit:
    """A credential at ``text[start:end]``; ``obvious_example`` ones are placeholders of documentation."""

    kind: str
    start: int
    end: int
    obvious_example: bool = False


# --- how random a value looks -----------------------------------------------------------------------------------------

_EXAMPLE = re.compile(
    r"example|your|xxxx|\*\*\*\*|\.\.\.|0000000|placeholder|change[-_]?me|dummy|insert|redacted|sample|"
    r"IkpvaG4gRG9l",  # "John Doe" in the payload of the JWT that every introduction shows
    re.IGNORECASE,
)
_WORDS = re.compile(
    r"password|passwd|secret|example|test|dummy|sample|fake|change|your|placeholder|staple|correct|token|default|"
    r"insecure|local|demo|xxxx|1234|abcd|qwerty|admin|letmein|hunter|hello|world|user|value|string|django"
)
_LEET = str.maketrans("013457@$", "oleastas")
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_RUNS = re.compile(r"[0-9]+|[a-z]+|[A-Z]+|[^0-9a-zA-Z]+")
_PUNCTUATION = re.compile(r"[^0-9a-zA-Z]+")
_HEX = re.compile(r"(?:[0-9a-f]{32,}|[0-9A-F]{32,})")


def _entropy(value: str) -> float:
    """Bits per character of the value's own distribution."""
    size = len(value)
    return math.log2(size) - sum(n * math.log2(n) for n in Counter(value).values()) / size


def _random(value: str) -> bool:
    """Whether a machine drew the value: a name, a path, a test's password or a placeholder is not random."""
    if len(value) < 16 or _UUID.fullmatch(value) or _EXAMPLE.search(value):
        return False
    if value.startswith(("/", "./", "~", "http")) and value.count("/") > 1:
        return False
    if _HEX.fullmatch(value):
        return _entropy(value) >= 3.0
    low = value.lower()
    if _WORDS.search(low) or _WORDS.search(low.translate(_LEET)):
        return False
    runs = _RUNS.findall(value)
    changes = (len(runs) - 1) / (len(value) - 1)
    kinds = {"0" if run[0].isdigit() else "a" if run[0].islower() else "A" if run[0].isupper() else "-" for run in runs}
    if "0" not in kinds or kinds <= {"0", "-"} or len(_PUNCTUATION.sub("", value)) * 6 < len(value) * 5:
        return False
    if {"a", "A"} <= kinds:
        return changes >= 0.42 and _entropy(value) >= 3.4
    return len(value) >= 24 and "-" not in kinds and changes >= 0.25 and _entropy(value) >= 3.4


def _varied(value: str) -> bool:
    """Whether it holds a digit, as random keys do and CSS classes (``sk-fading-circle``) do not."""
    return any(c.isdigit() for c in value)


# --- the patterns -----------------------------------------------------------------------------------------------------

_GENERIC = "credential"  # recognised by the name it is given to; any other kind says more
_STARTS = r"(?<![A-Za-z0-9_-])"  # no two matches begin inside one run of token characters
_ENDS = r"(?![A-Za-z0-9_-])"
_GIVEN_TO = r"[\"']?[ \t]{0,4}(?:=>|:=|[:=])[ \t]{0,4}[\"'`]?"

# kind, literals one of which every match begins with, the rest of its shape, a further test of the value
_SHAPES: tuple[tuple[str, str, str, Callable[[str], bool] | None], ...] = (
    ("anthropic", "sk-ant-", r"sk-ant-[a-z]{2,12}[0-9]{2}-[A-Za-z0-9_-]{24,256}+", None),
    ("openrouter", "sk-or-v1-", r"sk-or-v1-[0-9a-f]{64}" + _ENDS, None),
    ("openai", "sk-", r"sk-(?:proj-|svcacct-|admin-|None-)[A-Za-z0-9_-]{20,256}+", _varied),
    ("openai", "sk-", r"sk-[A-Za-z0-9]{32,128}+" + _ENDS, _varied),
    ("aws", "AKIA ASIA ABIA ACCA", r"A(?:KI|SI|BI|CC)A[A-Z2-7]{16}" + _ENDS, None),
    ("github", "ghp_ gho_ ghu_ ghs_ ghr_", r"gh[pousr]_[A-Za-z0-9]{36,255}+", None),
    ("github", "github_pat_", r"github_pat_[A-Za-z0-9_]{50,255}+", None),
    ("gitlab", "glpat- gldt- glrt- glptt- glcbt- glsoat- glimt-", r"gl[a-z]{2,4}-[A-Za-z0-9_.-]{20,300}+", _varied),
    ("slack", "xox xapp-", r"(?:xox[abeoprs]|xapp)-[0-9][A-Za-z0-9-]{16,250}+", None),
    ("slack", "hooks.slack.com/", r"hooks\.slack\.com/(?:services|workflows)/[A-Za-z0-9+/]{24,120}+", None),
    ("stripe", "sk_ rk_", r"[sr]k_(?:live|test|prod)_[A-Za-z0-9]{16,250}+", None),
    ("stripe", "whsec_", r"whsec_[A-Za-z0-9+/]{32,64}+", None),
    ("google", "AIza", r"AIza[A-Za-z0-9_-]{35}" + _ENDS, None),
    ("google", "GOCSPX- ya29.", r"(?:GOCSPX-[A-Za-z0-9_-]{28}|ya29\.[A-Za-z0-9_-]{30,512}+)", None),
    ("npm", "npm_", r"npm_[A-Za-z0-9]{36}" + _ENDS, None),
    ("pypi", "pypi-Ag", r"pypi-Ag[A-Za-z0-9_-]{60,512}+", None),
    ("huggingface", "hf_", r"hf_[A-Za-z0-9]{30,64}" + _ENDS, None),
    ("groq", "gsk_", r"gsk_[A-Za-z0-9]{40,64}" + _ENDS, None),
    ("xai", "xai-", r"xai-[A-Za-z0-9]{60,100}" + _ENDS, None),
    ("sendgrid", "SG.", r"SG\.[A-Za-z0-9_-]{20,24}\.[A-Za-z0-9_-]{39,50}" + _ENDS, None),
    ("digitalocean", "doo_v1_ dop_v1_ dor_v1_", r"do[opr]_v1_[0-9a-f]{64}" + _ENDS, None),
    ("docker", "dckr_", r"dckr_[po]at_[A-Za-z0-9_-]{24,64}+", None),
    ("vault", "hvs.", r"hvs\.[A-Za-z0-9_-]{24,200}+", _varied),
    ("shopify", "shp", r"shp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}" + _ENDS, None),
    ("smaker", "smk_", r"smk_[A-Za-z0-9]{8}_[A-Za-z0-9_-]{43}" + _ENDS, None),
    ("jwt", "eyJ", r"eyJ[A-Za-z0-9_-]{10,2000}+\.eyJ[A-Za-z0-9_-]{10,6000}+\.[A-Za-z0-9_-]{16,1000}+", None),
)
# the same, where the value is group 1 and what stands before it makes it a secret
_NAMED: tuple[tuple[str, str, str, Callable[[str], bool] | None], ...] = (
    ("telegram", ":aa", rf"(?<=[0-9]{{8}}):(AA[A-Za-z0-9_-]{{33}}){_ENDS}", None),
    ("azure", "accountkey=", r"AccountKey=([A-Za-z0-9+/]{86}==)", None),
    ("url", "://", r"://[A-Za-z0-9._%+-]{0,64}+:([A-Za-z0-9._~%!$&*+,;=-]{12,200}+)@[A-Za-z0-9]", _random),
    (
        "aws",
        "secret",
        rf"(?i:secret_?(?:access_?)?key){_GIVEN_TO}([A-Za-z0-9/+]{{40}})(?![A-Za-z0-9/+=])",
        _random,
    ),
    (
        _GENERIC,
        "passw pwd secret token api_key apikey api-key access_key accesskey private_key auth_key credential",
        r"(?i:passw(?:or)?d|pwd|secret(?:_?key)?|token|api[_-]?key|(?:access|private|auth)_?key|credentials?)"
        rf"{_GIVEN_TO}([A-Za-z0-9+/_.~!@#%^&*-]{{16,200}}+={{0,2}})(?![A-Za-z0-9(\[$<{{])",
        _random,
    ),
)


@dataclass(frozen=True)
class _Pattern:
    kind: str
    literals: tuple[str, ...]
    shape: str
    accept: Callable[[str], bool] | None
    named: bool

    @cached_property
    def regex(self) -> re.Pattern[str]:
        """Compiled where a literal is met: few are, and all of them take as long as a small module to import."""
        return re.compile(self.shape)


_PATTERNS = (
    *(_Pattern(kind, tuple(lits.split()), _STARTS + rest, ok, False) for kind, lits, rest, ok in _SHAPES),
    *(_Pattern(kind, tuple(lits.split()), rest, ok, True) for kind, lits, rest, ok in _NAMED),
)

KINDS = tuple(dict.fromkeys([*(pattern.kind for pattern in _PATTERNS), "private-key"]))
"""The names of everything that is recognised by its shape."""

_BEGIN_KEY = re.compile(r"-----BEGIN [A-Z ]{0,24}PRIVATE KEY(?: BLOCK)?-----")
_KEY_HEADER = "-----BEGIN "
_LONGEST_HEADER = 60
_KEY_BODY = re.compile(r"(?:\\[rn]|[\s\"'+,])*+(?:[A-Za-z-]{2,20}: [^\n]{0,100}\n\s*+)*+[A-Za-z0-9+/=]{32}")
_KEY_RUN = re.compile(r"(?:[A-Za-z0-9+/=\s\"',]|\\[rn])*+")


def _key_blocks(text: str) -> Iterable[Hit]:
    """Private keys in PEM armour, whole or cut off; a bare BEGIN line (code that looks for one) is none."""
    position = 0
    while begin := _BEGIN_KEY.search(text, position):
        position = begin.end()
        if not _KEY_BODY.match(text, position):
            continue
        limit = position + _LONGEST_KEY_BLOCK
        following = text.find("-----BEGIN ", position, limit)
        end = text.find("-----END ", position, following if following >= 0 else limit)
        if end >= 0:
            closing = text.find("-----", end + 9, end + 60)
            position = closing + 5 if closing >= 0 else end
        else:
            run = _KEY_RUN.match(text, position, min(limit, len(text)))
            position = run.end() if run else position
        yield Hit("private-key", begin.start(), position)


def scan(text: str) -> list[Hit]:
    """Return everything in ``text`` that has the shape of a credential, by position. Hits may overlap."""
    hits = list(_key_blocks(text)) if "PRIVATE KEY" in text else []
    folded = text.replace("\u0130", "i").lower()  # the one capital whose lower case is longer would shift the rest
    for pattern in _PATTERNS:
        for literal in pattern.literals:
            searched = folded if pattern.named else text
            position = searched.find(literal)
            while position >= 0:
                match = pattern.regex.match(text, position)
                if match is not None and (hit := _judge(pattern, match)):
                    hits.append(hit)
                    position = match.end() - 1
                position = searched.find(literal, position + 1)
    return sorted(hits, key=_order)


def _judge(pattern: _Pattern, match: re.Match[str]) -> Hit | None:
    value = match[1] if pattern.named else match[0]
    if pattern.accept is not None and not pattern.accept(value):
        return None
    start, end = match.span(1 if pattern.named else 0)
    return Hit(pattern.kind, start, end, _EXAMPLE.search(value) is not None)


def _order(hit: Hit) -> tuple[int, bool, int]:
    return (hit.start, hit.kind == _GENERIC, -hit.end)


class Found(NamedTuple):
    """A credential in a file: its kind, its line from 1, and a digest of its value, which itself is nowhere in this."""

    kind: str
    line: int
    digest: bytes


def find_secrets(data: bytes) -> Iterator[Found]:
    """Yield each credential in ``data`` (kinds: `KINDS`), overlapping ones as one. Placeholders do not count."""
    texts = [data.decode("latin-1")]  # every byte is a character: the patterns are ASCII
    if b"\0" in data:
        texts.append(data.replace(b"\0", b"").decode("latin-1"))  # UTF-16
    seen: set[Found] = set()
    for text in texts:
        line, counted, end = 1, 0, 0
        for hit in scan(text):
            if hit.obvious_example or hit.start < end:
                continue
            line += text.count("\n", counted, hit.start)
            counted, end = hit.start, hit.end
            value = text[hit.start : hit.end].encode("latin-1")
            found = Found(hit.kind, line, hashlib.sha256(value).digest())
            if found not in seen:
                seen.add(found)
                yield found


def find_secret(data: bytes) -> str | None:
    """Return the kind of the first credential in ``data`` (see `KINDS`), or None. Placeholders do not count."""
    return next((found.kind for found in find_secrets(data)), None)


# --- masking ----------------------------------------------------------------------------------------------------------


def _forms(value: str) -> set[str]:
    """The value as it appears when encoded: base64 at any offset, hex, URL, JSON, reversed."""
    raw = value.encode("utf-8", "surrogatepass")
    forms = {value, value[::-1], raw.hex(), raw.hex().upper(), quote(value, safe=""), quote(value)}
    forms |= {json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1]}
    for offset in range(3):
        # the characters that depend on this value alone, wherever it starts in what was encoded
        first, last = (offset * 8 + 5) // 6, (offset + len(raw)) * 8 // 6
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            forms.add(encode(b"\0" * offset + raw + b"\0\0")[first:last].decode())
    return {form for form in forms if len(form) >= MINIMUM_KNOWN}


@dataclass
class Redactor:
    """Masks credentials as ``[redacted:KIND]``: what it was told of, in every usual encoding, and what has the shape.

    ``known`` maps a label ("openai") to a value. Values under `MINIMUM_KNOWN` characters are not looked for.
    """

    known: Mapping[str, str] = field(default_factory=dict[str, str])
    forms: dict[str, str] = field(default_factory=dict[str, str], init=False)

    def __post_init__(self) -> None:
        for label, value in self.known.items():
            self.add(label, value)

    def __repr__(self) -> str:
        return f"Redactor({len(self.forms)} known forms)"

    def add(self, label: str, value: str) -> None:
        """Mask ``value`` from now on, as ``[redacted:LABEL]``."""
        if len(value) >= MINIMUM_KNOWN:
            self.forms.update((form, label) for form in _forms(value))

    def redact(self, text: str) -> str:
        """Return ``text`` with every credential masked."""
        return _mask(text, self.find(text))

    def find(self, text: str) -> list[Hit]:
        """Return every credential in ``text``, in order, overlapping ones joined into one."""
        found = scan(text)
        for form, label in self.forms.items():
            position = text.find(form)
            while position >= 0:
                end = position + len(form)
                found.append(Hit(label, position, end))
                position = text.find(form, end)
        found.sort(key=_order)
        joined: list[Hit] = []
        for hit in found:
            if joined and hit.start < joined[-1].end:
                last = joined[-1]
                kind = hit.kind if last.kind == _GENERIC else last.kind
                joined[-1] = Hit(kind, last.start, max(last.end, hit.end))
            else:
                joined.append(hit)
        return joined

    def stream(self) -> StreamRedactor:
        """Return a redactor for text that comes in pieces."""
        return StreamRedactor(self)


def _mask(text: str, hits: Iterable[Hit], done: int = 0) -> str:
    """The text from ``done`` on with the hits masked."""
    pieces: list[str] = []
    for hit in hits:
        pieces += [text[done : hit.start], f"[redacted:{hit.kind}]"]
        done = hit.end
    return "".join([*pieces, text[done:]])


_LETTER = re.compile(r"[A-Za-z0-9]")


class StreamRedactor:
    """Masks a stream whose pieces may cut a credential anywhere, and keeps back as little as that allows.

    Only key blocks and known values can have white space in them. So what is kept back is the word that is still coming
    (a row of dots is none) up to 8 kB, what may be the beginning of a known value, and a key block until its end.
    """

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._known = [*redactor.forms, _KEY_HEADER]
        self._first = {form[0] for form in self._known}
        self._longest = max(map(len, self._known))
        self._buffer = ""
        self._passed = 0  # characters at its beginning that were passed on

    def feed(self, chunk: str) -> str:
        """Take a piece and return what can be passed on."""
        self._buffer += chunk
        return self._emit(self._cut())

    def flush(self) -> str:
        """Return the rest, at the stream's end."""
        return self._emit(len(self._buffer))

    def _cut(self) -> int:
        """How much of the buffer cannot be part of a credential that is still coming."""
        buffer, size = self._buffer, len(self._buffer)
        word = 1 + max(buffer.rfind(space) for space in " \t\r\n")
        begun = _LETTER.search(buffer, word)
        cut = size if begun is None else begun.start()
        if size - cut > _LONGEST_TOKEN:
            cut = size - LOOK_BACK
        for begin in range(max(self._passed, size - self._longest), cut):
            if buffer[begin] in self._first and any(form.startswith(buffer[begin:]) for form in self._known):
                cut = begin
                break
        opened = buffer.rfind(_KEY_HEADER, max(0, cut - _LONGEST_KEY_BLOCK))
        return min(cut, opened) if opened >= 0 and self._still_open(opened) else cut

    def _still_open(self, opened: int) -> bool:
        """Whether the armour that begins at ``opened`` may be a private key whose end has not come."""
        begin = _BEGIN_KEY.match(self._buffer, opened)
        if begin is None:
            return len(self._buffer) - opened < _LONGEST_HEADER and self._buffer.find("\n", opened) < 0
        if len(self._buffer) - begin.end() > LOOK_BACK and not _KEY_BODY.match(self._buffer, begin.end()):
            return False
        end = self._buffer.find("-----END ", begin.end())
        return end < 0 or self._buffer.find("-----", end + 9) < 0

    def _emit(self, cut: int) -> str:
        begin = self._passed
        hits = self._redactor.find(self._buffer) if cut > begin else []
        cut = max(begin, min([cut, *(hit.start for hit in hits if hit.start < cut < hit.end)]))
        due = [replace(hit, start=max(hit.start, begin)) for hit in hits if begin < hit.end <= cut]
        out = _mask(self._buffer[:cut], due, begin)
        forgotten = max(0, cut - max(LOOK_BACK, self._longest))
        self._buffer, self._passed = self._buffer[forgotten:], cut - forgotten
        return out
