"""Files of a repository whose names say that they hold credentials (``.env``, ``id_rsa``): no model sees their values.

Two doors use it. What shows a file to a model asks `text_without_values`: names stay, values go. And a `Mask` that
learned such files covers what they hold in all that is sent, recorded or shown: a command's output may quote them too.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import PurePosixPath

from smaker.core.secrets import MINIMUM_KNOWN, Redactor, scan

_SAMPLES = (".example", ".sample", ".template", ".tmpl", ".dist", ".defaults")
_SETTINGS = re.compile(
    r"\.env(?:rc)?|\.env\..+|.+\.env|\.netrc|_netrc|\.npmrc|\.yarnrc|\.pypirc|\.pgpass|\.my\.cnf|\.htpasswd|"
    r"\.git-credentials|credentials|\.dockercfg|secrets?\.(?:ya?ml|toml|json|ini)|credentials?\.(?:json|ya?ml|toml|ini)|"
    r"service[-_]account.*\.json|.+\.tfvars"
)
_PASSWORDS = frozenset({".pgpass", ".htpasswd"})  # "host:port:database:user:password"
_KEYS = re.compile(
    r"id_(?:rsa|dsa|ecdsa|ed25519)(?:_sk)?|.+\.(?:pem|key|ppk|p8|p12|pfx|jks|keystore|kdbx|asc|gpg)|\.?secring.*"
)
_ASSIGNED = re.compile(r"(\s*(?:#\s*)?(?:export\s+|set\s+)?[\"']?[\w./:-]*\w[\"']?\s*[=:]\s*)(\S.*)")
_NAMED_SECRET = re.compile(
    r"pass|pwd|secret|token|key|credential|auth|private|salt|signature|dsn|webhook", re.IGNORECASE
)
_USER_INFO = re.compile(r"://[^\s/:@]*:([^\s/@]+)@")
_LOGIN = re.compile(r"\bpassword\s+(\S+)")  # .netrc
_MASK = "[redacted:confidential]"
_KEY_LINE = 16  # characters of a line of a key that are looked for
_LARGEST = 256 * 1024  # bytes looked at


def is_confidential(path: str) -> bool:
    """Whether a file's name says that it holds credentials; a sample (``.env.example``) does not."""
    name = PurePosixPath(path).name.lower()
    return not name.endswith(_SAMPLES) and bool(_SETTINGS.fullmatch(name) or _KEYS.fullmatch(name))


def text_without_values(path: str, data: bytes) -> str:
    """A confidential file as a model may read it: the names of settings, none of their values."""
    if _KEYS.fullmatch(PurePosixPath(path).name.lower()):
        return f"[redacted:confidential] ({len(data):,} bytes of a key)\n"
    shown: list[str] = []
    for line in data[:_LARGEST].decode("utf-8", "replace").splitlines():
        given = _ASSIGNED.fullmatch(line)
        if given is not None:
            shown.append(f"{given[1]}{_MASK}")
        else:
            shown.append(line if not line.strip() or line.lstrip().startswith("#") else _MASK)
    return "\n".join([*shown, ""])


def confidential_values(path: str, data: bytes) -> Iterator[str]:
    """What of a confidential file is to be masked wherever it turns up: values whose name or look says they are secret,
    passwords in addresses, and the lines of keys."""
    text = data[:_LARGEST].decode("utf-8", "replace")
    name = PurePosixPath(path).name.lower()
    nothing_else = name in _PASSWORDS
    if _KEYS.fullmatch(name):
        yield from (
            line for line in map(str.strip, text.splitlines()) if len(line) >= _KEY_LINE and line[:5] != "-----"
        )
        return
    for line in text.splitlines():
        yield from _USER_INFO.findall(line)
        yield from _LOGIN.findall(line)
        given = _ASSIGNED.fullmatch(line)
        if given is None:
            continue
        value = _unquoted(given[2])
        named = nothing_else or _NAMED_SECRET.search(given[1])
        if len(value) >= MINIMUM_KNOWN and (named or scan(f"secret={value}")):
            yield value


class Mask:
    """Masks the credentials that all builds know, and what the confidential files it has learned hold."""

    def __init__(self, redactor: Redactor) -> None:
        self._common = redactor
        self._learned = Redactor()

    def learn(self, path: str, data: bytes) -> None:
        """Cover the values of a confidential file from now on, even when the file is gone."""
        for value in confidential_values(path, data):
            self._learned.add("confidential", value)

    def __call__(self, text: str) -> str:
        """The text without them."""
        return self._learned.redact(self._common.redact(text))

    def live(self, show: Callable[[str], None]) -> Live:
        """Return what to feed with text that comes in pieces and that ``show`` is to have without them."""
        return Live(self._common, self._learned, show)


class Live:
    """Passes text on as it comes, wherever its pieces cut a credential. What is kept back is passed on at its `end`."""

    def __init__(self, common: Redactor, learned: Redactor, show: Callable[[str], None]) -> None:
        self._common = common.stream()
        self._learned = learned.stream()
        self._show = show

    def __enter__(self) -> Live:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def __call__(self, piece: str) -> None:
        """Take a piece."""
        self._pass_on(self._learned.feed(self._common.feed(piece)))

    def end(self) -> None:
        """Nothing more comes."""
        self._pass_on(self._learned.feed(self._common.flush()) + self._learned.flush())

    def _pass_on(self, text: str) -> None:
        if text:
            self._show(text)


def _unquoted(value: str) -> str:
    """A value without its quotes, the comma of JSON, and a comment behind it."""
    value = value.strip().rstrip(",")
    if value[:1] in {'"', "'"}:
        end = value.find(value[0], 1)
        return value[1:end] if end > 0 else value[1:]
    return value.partition(" #")[0].rstrip()
