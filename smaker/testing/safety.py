"""Safe failure, checked in one way: a clear error, nothing lost, nothing leaked.

A test of something hostile takes a `fingerprint` of what must not change, does it, and hands what came of it to
`assert_safe_failure`. Leaks are found by `Canaries`: fake keys, new in each test, planted where real ones lie. None of
them may turn up in anything that was made or said.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import sqlite3
import stat
import subprocess
import tempfile
import zlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from smaker.core.errors import ConfigError, SmakerError
from smaker.core.models import Problem
from smaker.core.ports import CommandResult
from smaker.core.secrets import Redactor
from smaker.core.terminal import sanitize

Failure = SmakerError | Problem | CommandResult | subprocess.CompletedProcess[str]
"""What can come of an attack: an error, a build's reason, the result of a command in a sandbox or of the program."""

Place = Path | str | bytes | Failure
"""Where canaries are looked for. Of a folder: everything below it, git's objects and rows of SQLite included."""

VARIABLES = ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GITHUB_TOKEN", "AWS_SECRET_ACCESS_KEY")
FILES = {
    ".ssh/id_ed25519": "-----BEGIN OPENSSH PRIVATE KEY-----\n{}\n-----END OPENSSH PRIVATE KEY-----\n",
    ".config/smaker/config.yaml": "# my key: {}\n",
    ".netrc": "machine git.example login me password {}\n",
}
_CODE = re.compile(r"E_[A-Z]+(?:_[A-Z]+)*")
_INSIDES = re.compile(r'Traceback \(most recent call last\)|File "[^"]*", line \d+|<[\w.]+ object at 0x')


@dataclass(frozen=True)
class Leak:
    """A canary where none may be: its name, the place, and the way it was written there."""

    name: str
    place: str
    form: str


@dataclass(frozen=True)
class Canaries:
    """Fake keys by name. All of one test share a random core, which is what is looked for."""

    core: str
    values: Mapping[str, str]
    planted: frozenset[Path] = frozenset()
    heard: list[Callable[[], str]] = field(default_factory=list[Callable[[], str]])
    """Logs and captured output: called, and searched, at each sweep."""

    @classmethod
    def plant(cls, home: Path, setenv: Callable[[str, str], None]) -> Canaries:
        """Put new ones into files of ``home`` and, with ``setenv``, into environment variables."""
        core = secrets.token_hex(12)
        values = {name: f"canary-{number}-{core}" for number, name in enumerate([*VARIABLES, *FILES])}
        for name in VARIABLES:
            setenv(name, values[name])
        for name, text in FILES.items():
            file = home / name
            file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            file.write_text(text.format(values[name]))
            file.chmod(0o600)
        return cls(core, values, frozenset(home / name for name in FILES))

    def sweep(self, *places: Place) -> list[Leak]:
        """Return every canary in ``places`` and in what was heard: as it is, in base64, in hex, reversed, quoted.

        The files it planted are passed over and symbolic links are not followed, but names and targets are read.
        """
        known = Redactor({"canary": self.core}).forms
        leaks: list[Leak] = []
        for where, data in self._everything(places):
            for form in known:
                if form.encode() in data:
                    leaks += [Leak(name, where, form) for name in self._named(data)]
                    break
        return leaks

    def _named(self, data: bytes) -> list[str]:
        """Which of them it is, where the piece that was found says so."""
        forms = Redactor(self.values).forms
        return sorted({name for form, name in forms.items() if form.encode() in data}) or ["one of them"]

    def _everything(self, places: Iterable[Place]) -> Iterator[tuple[str, bytes]]:
        for number, listen in enumerate(self.heard):
            yield f"heard {number}", listen().encode("utf-8", "surrogateescape")
        for place in places:
            if isinstance(place, Path):
                yield from self._below(place)
            elif isinstance(place, bytes):
                yield "bytes", place
            else:
                text = place if isinstance(place, str) else _spoken(place)
                yield "text", text.encode("utf-8", "surrogateescape")

    def _below(self, top: Path) -> Iterator[tuple[str, bytes]]:
        for path in _paths(top):
            if path in self.planted:
                continue
            yield f"name of {path}", os.fsencode(path.name)
            if path.is_symlink():
                yield f"target of {path}", os.fsencode(path.readlink())
            elif path.is_file():
                data = path.read_bytes()
                yield str(path), data
                if b"\0" in data:
                    yield f"{path}, without NUL", data.replace(b"\0", b"")  # UTF-16
                if data.startswith(b"SQLite format 3\0"):
                    yield f"rows of {path}", _rows(path)
            elif path.name == "objects" and path.is_dir():
                yield from _objects(path)


@dataclass(frozen=True)
class Fingerprint:
    """What folders held at one moment: kind, mode and content of each path, but not times."""

    folders: tuple[Path, ...]
    allowed: tuple[Path, ...]
    entries: Mapping[Path, str]

    def changes(self) -> list[str]:
        """Return what was made, removed or changed since, one line each."""
        now = _entries(self.folders, self.allowed)
        return (
            [f"removed: {path}" for path in self.entries if path not in now]
            + [f"made: {path}" for path in now if path not in self.entries]
            + [f"changed: {path}" for path, entry in self.entries.items() if now.get(path, entry) != entry]
        )


def fingerprint(*folders: Path, allowed: Iterable[Path] = ()) -> Fingerprint:
    """Note what is in ``folders``; whatever is at or below ``allowed`` may change."""
    kept = tuple(allowed)
    return Fingerprint(folders, kept, _entries(folders, kept))


def assert_safe_failure(
    failure: Failure | None,
    *,
    code: str | Collection[str] | None = None,
    exit_code: int | None = None,
    says: str = "",
    remedy: bool = True,
    unchanged: Fingerprint | None = None,
    canaries: Canaries | None = None,
    places: Iterable[Place] = (),
) -> None:
    """Raise AssertionError unless something ended safely.

    ``failure`` is what came of it, or None where it is to have no effect at all. ``code`` is the stable code of an
    error, or the limit that stopped a command; several may be right. ``says`` is in the message. ``remedy``: the user
    can do something about it, so there is a hint; a configuration error may name what is to be edited
    instead. ``places`` are swept for ``canaries``, and so is the failure itself.
    """
    codes = {code} if isinstance(code, str) else set(code or ())
    if isinstance(failure, SmakerError | Problem):
        _assert_clear(failure.message, failure.hint, several=isinstance(failure, ConfigError))
        assert _CODE.fullmatch(failure.code), f"{failure.code!r} is no stable code"
        assert not codes or failure.code in codes, f"{failure.code}, not {codes}: {failure.message}"
        placed = isinstance(failure, ConfigError) and failure.message.startswith("config error: ")
        assert failure.hint or placed or not remedy, f"no remedy is named: {failure.message}"
        ended = failure.exit_code if isinstance(failure, SmakerError) else None
        assert exit_code in {None, ended}, f"exit code {ended}, not {exit_code}"
        assert says in failure.message, failure.message
    elif isinstance(failure, CommandResult):
        assert not codes or failure.limit in codes, f"{failure.limit}, not {codes}: {failure.output[-500:]}"
        assert failure.exit_code != 0 or failure.limit is None, "stopped, and yet exit code 0"
        assert exit_code in {None, failure.exit_code}, f"exit code {failure.exit_code}, not {exit_code}"
        assert says in failure.output, failure.output[-500:]
    elif failure is not None:
        first, _, rest = failure.stderr.partition("\n")
        assert first.startswith("smaker: "), failure.stderr
        _assert_clear(first, rest, several=False)
        assert rest.startswith("  ") or not remedy, f"no remedy is named: {failure.stderr}"
        assert failure.returncode != 0
        assert exit_code in {None, failure.returncode}, f"exit code {failure.returncode}, not {exit_code}"
        assert says in failure.stderr, failure.stderr
    if unchanged is not None:
        changes = unchanged.changes()
        assert not changes, "not left as it was:\n" + "\n".join(changes[:20])
    if canaries is not None:
        leaks = canaries.sweep(*places, *([] if failure is None else [failure]))
        assert not leaks, "leaked:\n" + "\n".join(f"{leak.name} in {leak.place} as {leak.form}" for leak in leaks[:20])


def _assert_clear(message: str, hint: str, *, several: bool) -> None:
    """For a person: one sentence (of a configuration, one a line), no insides of the program, nothing invisible.

    Below a sentence that ends with a colon another program may be quoted.
    """
    lines = message.split("\n")
    assert all(line.strip() for line in lines), f"an empty message: {message!r}"
    assert several or len(lines) == 1 or lines[0].endswith(":"), f"more than one sentence: {message}"
    for text in (message, hint):
        assert not _INSIDES.search(text), f"insides are shown: {text}"
        assert sanitize(text) == text, f"control characters are shown: {text!r}"


def _spoken(failure: Failure) -> str:
    if isinstance(failure, SmakerError):
        return "\n".join([failure.message, failure.hint, repr(failure), repr(failure.__cause__)])
    if isinstance(failure, Problem):
        return f"{failure.message}\n{failure.hint}"
    return failure.output if isinstance(failure, CommandResult) else f"{failure.stdout}\n{failure.stderr}"


def _paths(top: Path) -> Iterator[Path]:
    """Yield ``top`` and all below it, in order, following no link."""
    yield top
    if top.is_dir() and not top.is_symlink():
        for path in sorted(top.iterdir()):
            yield from _paths(path)


def _entries(folders: Iterable[Path], allowed: tuple[Path, ...]) -> dict[Path, str]:
    return {
        path: _entry(path)
        for folder in folders
        for path in _paths(folder)
        if not any(path.is_relative_to(one) for one in allowed)
    }


def _entry(path: Path) -> str:
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return "nothing"
    content = ""
    if stat.S_ISREG(mode):
        content = hashlib.sha256(path.read_bytes()).hexdigest()
    elif stat.S_ISLNK(mode):
        content = str(path.readlink())
    return f"{mode:o} {content}"


def _rows(database: Path) -> bytes:
    """Every value of every table: in the file a long one lies in pieces."""
    pieces: list[bytes] = []
    with closing(sqlite3.connect(f"file:{quote(str(database))}?mode=ro", uri=True)) as connection:
        for (table,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            for row in connection.execute(f'SELECT * FROM "{table}"'):  # noqa: S608  the names are the database's own
                pieces += [value if isinstance(value, bytes) else str(value).encode() for value in row]
    return b"\n".join(pieces)


def _objects(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Objects of a git repository: loose ones are unpacked here, packs by git, with none of their configuration."""
    for path in folder.glob("[0-9a-f][0-9a-f]/*"):
        if not path.is_symlink() and path.is_file():
            unpacker = zlib.decompressobj()
            try:
                yield f"object {path}", unpacker.decompress(path.read_bytes())
            except zlib.error:
                continue  # no object of git's: its bytes are searched as any file's
    if not any(folder.glob("pack/*.pack")):
        return
    with tempfile.TemporaryDirectory() as empty:
        for name in ("objects", "refs"):
            Path(empty, name).mkdir()
        Path(empty, "HEAD").write_text("ref: refs/heads/main\n")
        ran = subprocess.run(
            ["git", "cat-file", "--batch-all-objects", "--unordered", "--batch"],
            env={
                "PATH": os.environ.get("PATH", os.defpath),
                "GIT_DIR": empty,
                "GIT_OBJECT_DIRECTORY": str(folder),
                "GIT_CONFIG_NOSYSTEM": "1",
            },
            capture_output=True,
            check=True,
        )
    yield f"packs in {folder}", ran.stdout
