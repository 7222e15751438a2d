"""Find credentials in text, mask them before text leaves the process, and make foreign text safe to show.

Three doors use it: a commit is scanned (`find_secret`: few false alarms, a hit stops the commit), everything written,
sent or shown is masked (`Redactor`: known values in all their usual encodings, and patterns), and text of others on a
terminal has its control characters spelled out (`sanitize`).

Every pattern is bounded and starts at a literal that is searched for first, so the time is linear in the text.
"""

from __future__ import annotations

import base64
import json
import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from urllib.parse import quote

HOLD_BACK = 512
"""Characters of an unfinished line that a stream keeps back."""

MINIMUM_KNOWN = 8
"""Known values shorter than this are not masked: they would mask ordinary words."""

_LONGEST_TOKEN = 8192  # an unbroken run of token characters is held back up to this length
_LONGEST_KEY_BLOCK = 16_384


@dataclass(frozen=True)
class Hit:
    """A credential at ``text[start:end]``. ``obvious_example`` ones are placeholders of documentation."""

    kind: str
    start: int
    end: int
    obvious_example: bool = False


@dataclass(frozen=True)
class _Pattern:
    """``literals``: one of them is in every match. Group 1 is the secret where there is one, else the whole match."""

    kind: str
    literals: tuple[str, ...]
    regex: re.Pattern[str]
    accept: Callable[[str], bool] | None = None
    folded: bool = False  # literals are looked for in the lower-cased text


# --- how random a value looks -----------------------------------------------------------------------------------------

_EXAMPLE = re.compile(
    r"example|your|xxxx|\*\*\*\*|\.\.\.|0000000|placeholder|changeme|change-me|change_me|dummy|insert|redacted|sample",
    re.IGNORECASE,
)
_WORDS = re.compile(
    r"password|passwd|secret|example|test|dummy|sample|fake|change|your|placeholder|staple|correct|token|default|"
    r"insecure|local|demo|xxxx|1234|abcd|qwerty|admin|letmein|hunter|hello|world|user|value|string|django"
)
_LEET = str.maketrans("013457@$", "oleastas")
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_HEX = re.compile(r"(?:[0-9a-f]{32,}|[0-9A-F]{32,})")


def _entropy(value: str) -> float:
    """Bits per character of the value's own distribution."""
    return -sum(n / len(value) * math.log2(n / len(value)) for n in Counter(value).values())


def _random(value: str) -> bool:
    """Whether a machine drew the value: a name, a sentence, a path, a test's password or a placeholder is not random."""
    if len(value) < 16 or _UUID.fullmatch(value) or _EXAMPLE.search(value):
        return False
    if _HEX.fullmatch(value):
        return _entropy(value) >= 3.0
    low = value.lower()
    if _WORDS.search(low) or _WORDS.search(low.translate(_LEET)):
        return False
    kinds = ["d" if c.isdigit() else "l" if c.islower() else "u" if c.isupper() else "-" for c in value]
    changes = sum(a != b for a, b in zip(kinds, kinds[1:], strict=False)) / (len(value) - 1)
    letters, digits = kinds.count("l") + kinds.count("u"), kinds.count("d")
    if kinds.count("-") * 6 > len(value) or not letters or not digits:
        return False
    if "l" in kinds and "u" in kinds:
        return changes >= 0.42 and _entropy(value) >= 3.4
    return len(value) >= 24 and "-" not in kinds and changes >= 0.25 and _entropy(value) >= 3.4


def _varied(value: str) -> bool:
    """Whether it holds a digit, as random keys do and CSS classes (``sk-fading-circle``) do not."""
    return any(c.isdigit() for c in value)


# --- the patterns -----------------------------------------------------------------------------------------------------

_B = r"(?<![A-Za-z0-9_-])"  # a token starts here: no two matches begin inside one run of token characters
_E = r"(?![A-Za-z0-9_-])"


def _p(
    kind: str,
    literals: str,
    regex: str,
    accept: Callable[[str], bool] | None = None,
    *,
    folded: bool = False,
) -> _Pattern:
    return _Pattern(kind, tuple(literals.split()), re.compile(regex), accept, folded)


_PATTERNS = (
    _p("anthropic", "sk-ant-", _B + r"sk-ant-[a-z]{2,12}[0-9]{2}-[A-Za-z0-9_-]{24,256}+"),
    _p("openrouter", "sk-or-", _B + r"sk-or-v1-[0-9a-f]{64}" + _E),
    _p("openai", "sk-", _B + r"sk-(?:proj-|svcacct-|admin-|None-)[A-Za-z0-9_-]{20,256}+", _varied),
    _p("openai", "sk-", _B + r"sk-[A-Za-z0-9]{32,128}+" + _E, _varied),
    _p("aws", "AKIA ASIA ABIA ACCA", _B + r"(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}" + _E),
    _p(
        "aws",
        "secret",
        r"(?i:aws_?secret_?(?:access_?)?key|secret_?access_?key)[\"']?[ \t]{0,4}[:=][ \t]{0,4}[\"']?"
        r"([A-Za-z0-9/+]{40})(?![A-Za-z0-9/+=])",
        _varied,
        folded=True,
    ),
    _p("github", "ghp_ gho_ ghu_ ghs_ ghr_", _B + r"gh[pousr]_[A-Za-z0-9]{36,255}+"),
    _p("github", "github_pat_", _B + r"github_pat_[A-Za-z0-9_]{50,255}+"),
    _p("gitlab", "gl", _B + r"gl(?:pat|dt|rt|ptt|cbt|soat|imt|ft|agent)-[A-Za-z0-9_.-]{20,300}+", _varied),
    _p("slack", "xox xapp-", _B + r"(?:xox[abeoprs]|xapp)-[0-9][A-Za-z0-9-]{16,250}+"),
    _p("slack", "hooks.slack.com", r"hooks\.slack\.com/(?:services|workflows)/[A-Za-z0-9+/]{24,120}+"),
    _p(
        "stripe",
        "sk_ rk_ whsec_",
        _B + r"(?:[sr]k_(?:live|test|prod)_[A-Za-z0-9]{16,250}+|whsec_[A-Za-z0-9+/]{32,64}+)",
    ),
    _p("google", "AIza", _B + r"AIza[A-Za-z0-9_-]{35}" + _E),
    _p("google", "GOCSPX- ya29.", _B + r"(?:GOCSPX-[A-Za-z0-9_-]{28}|ya29\.[A-Za-z0-9_-]{30,512}+)"),
    _p("npm", "npm_", _B + r"npm_[A-Za-z0-9]{36}" + _E),
    _p("pypi", "pypi-Ag", _B + r"pypi-Ag[A-Za-z0-9_-]{60,512}+"),
    _p("huggingface", "hf_", _B + r"hf_[A-Za-z0-9]{30,64}" + _E),
    _p("groq", "gsk_", _B + r"gsk_[A-Za-z0-9]{40,64}" + _E),
    _p("xai", "xai-", _B + r"xai-[A-Za-z0-9]{60,100}" + _E),
    _p("sendgrid", "SG.", _B + r"SG\.[A-Za-z0-9_-]{20,24}\.[A-Za-z0-9_-]{39,50}" + _E),
    _p("telegram", ":AA", _B + r"[0-9]{8,10}:AA[A-Za-z0-9_-]{33}" + _E),
    _p("digitalocean", "do", _B + r"do[opr]_v1_[0-9a-f]{64}" + _E),
    _p("azure", "AccountKey=", r"AccountKey=([A-Za-z0-9+/]{86}==)"),
    _p("docker", "dckr_", _B + r"dckr_[po]at_[A-Za-z0-9_-]{24,64}+"),
    _p("vault", "hvs.", _B + r"hvs\.[A-Za-z0-9_-]{24,200}+", _varied),
    _p("shopify", "shp", _B + r"shp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}" + _E),
    _p("smaker", "smk_", _B + r"smk_[A-Za-z0-9]{8}_[A-Za-z0-9_-]{43}" + _E),
    _p(
        "jwt",
        "eyJ",
        r"(?<![A-Za-z0-9_.-])eyJ[A-Za-z0-9_-]{10,2000}+\.eyJ[A-Za-z0-9_-]{10,6000}+\.[A-Za-z0-9_-]{16,1000}+",
    ),
    _p(
        "url",
        "://",
        r"://[A-Za-z0-9._%+-]{0,64}+:([A-Za-z0-9._~%!$&*+,;=-]{12,200}+)@[A-Za-z0-9]",
        _random,
    ),
    _p(
        "credential",
        "password passwd pwd secret token api_key apikey api-key access_key accesskey access-key private_key "
        "auth_key credential",
        r"(?i:passw(?:or)?d|pwd|secret(?:_?key)?|token|api[_-]?key|(?:access|private|auth)[_-]?key|credentials?)[\"']?"
        r"[ \t]{0,4}(?:=>|:=|[:=])[ \t]{0,4}[\"'`]?([A-Za-z0-9+/_.~!@#%^&*-]{16,200}+={0,2})(?![A-Za-z0-9(\[$<{])",
        _random,
        folded=True,
    ),
)

KINDS = tuple(dict.fromkeys([*(pattern.kind for pattern in _PATTERNS), "private-key"]))
"""The names of everything that is recognised by its shape."""

_BEGIN_KEY = re.compile(r"-----BEGIN [A-Z ]{0,24}PRIVATE KEY(?: BLOCK)?-----")
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
    folded: str | None = None
    for pattern in _PATTERNS:
        if pattern.folded:
            # ASCII only, so that a capital whose lower case is longer cannot matter: only presence is asked
            folded = text.lower() if folded is None else folded
            if not any(literal in folded for literal in pattern.literals):
                continue
        elif not any(literal in text for literal in pattern.literals):
            continue
        for match in pattern.regex.finditer(text):
            group = 1 if pattern.regex.groups else 0
            value = match[group]
            if pattern.accept is None or pattern.accept(value):
                example = _EXAMPLE.search(value) is not None
                hits.append(Hit(pattern.kind, match.start(group), match.end(group), example))
    return sorted(hits, key=lambda hit: (hit.start, -hit.end))


def find_secret(data: bytes) -> str | None:
    """Return the kind of the first credential in ``data`` (see `KINDS`), or None. Placeholders do not count."""
    texts = [data.decode("latin-1")]  # every byte is a character: the patterns are ASCII
    if b"\0" in data:
        texts.append(data.replace(b"\0", b"").decode("latin-1"))  # UTF-16
    for text in texts:
        for hit in scan(text):
            if not hit.obvious_example:
                return hit.kind
    return None


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
    _known_forms: dict[str, str] = field(default_factory=dict[str, str], init=False, repr=False)

    def __post_init__(self) -> None:
        for label, value in self.known.items():
            self.add(label, value)

    def __repr__(self) -> str:
        return f"Redactor({len(self._known_forms)} known forms)"

    def add(self, label: str, value: str) -> None:
        """Mask ``value`` from now on, as ``[redacted:LABEL]``."""
        if len(value) >= MINIMUM_KNOWN:
            self._known_forms.update((form, label) for form in _forms(value))

    def redact(self, text: str) -> str:
        """Return ``text`` with every credential masked."""
        pieces: list[str] = []
        done = 0
        for start, end, label in self.spans(text):
            pieces += [text[done:start], f"[redacted:{label}]"]
            done = end
        return "".join([*pieces, text[done:]]) if pieces else text

    def spans(self, text: str) -> list[tuple[int, int, str]]:
        """Return (start, end, label) of every credential, in order, overlapping ones joined."""
        found: list[tuple[int, int, str]] = []
        for form, label in self._known_forms.items():
            position = text.find(form)
            while position >= 0:
                found.append((position, position + len(form), label))
                position = text.find(form, position + len(form))
        found += [(hit.start, hit.end, hit.kind) for hit in scan(text)]
        found.sort(key=lambda span: (span[0], -span[1]))
        joined: list[tuple[int, int, str]] = []
        for start, end, label in found:
            if joined and start < joined[-1][1]:
                first, last, kept = joined[-1]
                joined[-1] = (first, max(last, end), kept)
            else:
                joined.append((start, end, label))
        return joined

    def stream(self) -> StreamRedactor:
        """Return a redactor for text that comes in pieces."""
        return StreamRedactor(self)

    @property
    def longest_form(self) -> int:
        """Length of the longest known form; 0 without known values."""
        return max(map(len, self._known_forms), default=0)

    @property
    def spans_lines(self) -> bool:
        """Whether a known value holds a line break, so that a finished line proves nothing."""
        return any("\n" in form for form in self._known_forms)


_TOKEN_TAIL = re.compile(r"[A-Za-z0-9_.+/=~%-]*+\Z")


class StreamRedactor:
    """Masks a stream whose pieces may cut a credential anywhere.

    Whole lines are passed on at once, for no credential but a key block spans lines, and key blocks are followed to
    their end. Of an unfinished line the last `HOLD_BACK` characters are kept until more comes; so is an unbroken run of
    token characters (a long JWT) up to 8 kB.
    """

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._hold = max(HOLD_BACK, redactor.longest_form)
        self._buffer = ""

    def feed(self, chunk: str) -> str:
        """Take a piece and return what can be passed on."""
        self._buffer += chunk
        if len(self._buffer) < self._hold and "\n" not in chunk:
            return ""
        return self._emit(self._cut())

    def flush(self) -> str:
        """Return the rest, at the stream's end."""
        return self._emit(len(self._buffer))

    def _cut(self) -> int:
        """How much of the buffer cannot be part of a credential that is still coming."""
        buffer = self._buffer
        line = 0 if self._redactor.spans_lines else buffer.rfind("\n") + 1
        cut = max(line, len(buffer) - self._hold)
        if cut > line:
            run = _TOKEN_TAIL.search(buffer, max(line, cut - _LONGEST_TOKEN), cut)
            if run and run.start() > cut - _LONGEST_TOKEN:
                cut = run.start()
        opened = buffer.rfind("-----BEGIN ", 0, cut)
        if opened >= 0 and len(buffer) - opened < _LONGEST_KEY_BLOCK:
            unfinished = buffer.find("-----END ", opened) < 0 or not buffer[opened:].rstrip().endswith("-----")
            if unfinished and _BEGIN_KEY.match(buffer, opened):
                cut = opened
        return cut

    def _emit(self, cut: int) -> str:
        for start, end, _label in self._redactor.spans(self._buffer):
            if start < cut < end:
                cut = start if end == len(self._buffer) else end
        out, self._buffer = self._redactor.redact(self._buffer[:cut]), self._buffer[cut:]
        return out


# --- showing text of others -------------------------------------------------------------------------------------------

_UNSAFE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u0600-\u0605\u061c\u06dd\u070f\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f"
    "\ufeff\ufff9-\ufffb\U000e0000-\U000e007f\ud800-\udfff]"
)


def sanitize(text: str) -> str:
    r"""Return ``text`` with control, bidirectional, invisible and surrogate characters spelled out (``\x1b``).

    Line feeds and tabs stay, and a carriage return before a line feed is dropped: foreign text can neither move the
    cursor nor reorder or hide what a person reads.
    """
    return _UNSAFE.sub(_spell_out, text.replace("\r\n", "\n"))


def _spell_out(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
