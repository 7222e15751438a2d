"""An index of a repository's files: kept in memory, brought up to date file by file, searched by words and symbols.

SQLite's FTS5 holds each file's path, the names it defines and the words it uses (identifiers whole and in parts,
stemmed). Beside it are the texts themselves and, for every identifier, in how many files it is used and which define
it: what is shown of a repository is ranked by that. What an index answers depends on the files alone, not on the order
they came in or changed.
"""

from __future__ import annotations

import hashlib
import sqlite3
import threading
import weakref
from array import array
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from smaker.agents.codemap.files import Kind, classify, is_test, reason_by_path
from smaker.agents.codemap.outline import Symbol, outline
from smaker.agents.codemap.scan import Mark, scan
from smaker.agents.codemap.words import Splitter, identifiers
from smaker.core.errors import Unavailable

_TABLES = """
CREATE VIRTUAL TABLE code USING fts5(path, symbols, body, content='', tokenize='porter unicode61');
CREATE VIRTUAL TABLE stems USING fts5(word, tokenize='porter unicode61');
CREATE VIRTUAL TABLE stem USING fts5vocab(stems, 'instance');
CREATE VIRTUAL TABLE frequency USING fts5vocab(code, 'row');
"""
_RANKED = "SELECT rowid, bm25(code, ?, ?, ?) AS b FROM code WHERE code MATCH ?"


@dataclass(slots=True)
class SourceFile:
    """A file as the index knows it. ``text`` is "" and ``marks`` empty where ``kind.reason`` says why."""

    path: str
    kind: Kind
    size: int  # bytes; 0 where it was not read
    digest: str  # sha-256 of the content, or whatever else the caller names its version by
    row: int
    text: str = ""
    marks: list[Mark] = field(default_factory=list)
    _outline: list[Symbol] | None = None
    _starts: array[int] | None = None

    def outline(self) -> list[Symbol]:
        """Its definitions with signatures; read when first asked for."""
        if self._outline is None:
            self._outline = outline(self.path, self.kind.language, self.text)
        return self._outline

    def line_at(self, position: int) -> int:
        """The line (from 1) of a character."""
        return bisect_right(self._line_starts(), position)

    def line(self, number: int) -> str:
        """A line (from 1) without its end; "" beyond the last."""
        starts = self._line_starts()
        if number > len(starts):
            return ""
        end = starts[number] - 1 if number < len(starts) else len(self.text)
        return self.text[starts[number - 1] : end].rstrip("\r")

    def _line_starts(self) -> array[int]:
        if self._starts is None:
            self._starts = array("L", [0])
            at = self.text.find("\n") + 1
            while at:
                self._starts.append(at)
                at = self.text.find("\n", at) + 1
        return self._starts


@dataclass(frozen=True, slots=True)
class Updated:
    """How many files an update read, and how many it dropped."""

    read: int
    dropped: int


class CodeIndex:
    """Thread-safe; a call may take long on a large repository, so keep it off an event loop."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.files: dict[str, SourceFile] = {}
        self.used: Counter[str] = Counter()
        """identifier -> number of files it is used in"""
        self.defined: dict[str, set[str]] = {}
        """name -> paths that define it"""
        self._rows: dict[int, SourceFile] = {}
        self._next_row = 1
        self._split = Splitter()
        self._stems: dict[str, str] = {}
        self._frequencies: dict[str, int] = {}
        self._database = sqlite3.connect(":memory:", check_same_thread=False, isolation_level=None)
        weakref.finalize(self, self._database.close)
        try:
            self._database.executescript(_TABLES)
        except sqlite3.OperationalError as problem:
            raise Unavailable(
                f"This Python's SQLite ({sqlite3.sqlite_version}) cannot index text: {problem}.",
                hint="Use a Python whose SQLite has FTS5 and is 3.34 or newer.",
            ) from problem

    @classmethod
    def of(cls, files: Mapping[str, bytes]) -> CodeIndex:
        """Index files at once."""
        index = cls()
        index.replace(files, files.__getitem__)
        return index

    def replace(
        self, paths: Iterable[str], read: Callable[[str], bytes | None], *, versions: Mapping[str, str] | None = None
    ) -> Updated:
        """Make the index that of these files and no others; a file of an unchanged content costs a hash.

        ``read`` returns None where there is nothing to read (a link, a folder of another repository). A file whose
        entry in ``versions`` (git's name of its content, say) is the one it had before is not even read.
        """
        named = versions or {}
        with self.lock:
            wanted = sorted(set(paths))
            gone = sorted(self.files.keys() - set(wanted))
            changed = self._changed(wanted, read, named)
            return self._apply(changed, gone)

    def change(self, files: Mapping[str, bytes | None]) -> Updated:
        """Take over what was written; None is a file that was deleted."""
        with self.lock:
            gone = [path for path, content in files.items() if content is None and path in self.files]
            present = sorted(path for path, content in files.items() if content is not None)
            return self._apply(self._changed(present, files.__getitem__, {}), gone)

    # --- what searching needs -----------------------------------------------------------------------------------------

    def stem(self, word: str) -> str:
        """The stem under which a word is indexed; "" if it is no word."""
        known = self._stems.get(word)
        if known is None:
            self._database.execute("INSERT INTO stems(rowid, word) VALUES (1, ?)", (word,))
            row = self._database.execute("SELECT term FROM stem").fetchone()
            self._database.execute("DELETE FROM stems")
            known = self._stems[word] = row[0] if row else ""
        return known

    def frequency(self, word: str) -> int:
        """In how many files a word is, in any of its forms."""
        stem = self.stem(word)
        known = self._frequencies.get(stem)
        if known is None:
            row = self._database.execute("SELECT doc FROM frequency WHERE term = ?", (stem,)).fetchone()
            known = self._frequencies[stem] = row[0] if row else 0
        return known

    def ranked(self, match: str, weights: tuple[float, float, float], limit: int) -> list[SourceFile]:
        """The files that match an FTS5 expression, best first by BM25 with weights of path, symbols and body."""
        given = (*weights, match)
        rows = self._database.execute(f"{_RANKED} ORDER BY b LIMIT ?", (*given, limit + 1)).fetchall()
        if len(rows) > limit and round(rows[-1][1], 9) == round(rows[-2][1], 9):  # equals on both sides of the limit
            rows = self._database.execute(_RANKED, given).fetchall()
        scored = sorted((round(score, 9), self._rows[row].path) for row, score in rows)
        return [self.files[path] for _, path in scored[:limit]]

    def count(self, match: str) -> int:
        """How many files match an FTS5 expression: ten times cheaper than ranking them."""
        return self._database.execute("SELECT count(*) FROM code WHERE code MATCH ?", (match,)).fetchone()[0]

    # --- inside -------------------------------------------------------------------------------------------------------

    def _changed(
        self, paths: list[str], read: Callable[[str], bytes | None], versions: Mapping[str, str]
    ) -> Iterator[SourceFile]:
        for path in paths:
            old = self.files.get(path)
            version = versions.get(path, "")
            if version and old is not None and old.digest == version:
                continue
            reason = reason_by_path(path)
            content = None if reason else read(path)
            if content is None:
                kind = Kind("text", reason or "unreadable", is_test(path))
                if old is None or old.kind != kind:
                    yield SourceFile(path, kind, 0, version, 0)
                continue
            digest = version or hashlib.sha256(content).hexdigest()
            if old is not None and old.digest == digest:
                continue
            kind = classify(path, content)
            if kind.reason:
                yield SourceFile(path, kind, len(content), digest, 0)
            else:
                text = content.decode("utf-8", "replace")
                yield SourceFile(path, kind, len(content), digest, 0, text, scan(kind.language, text))

    def _apply(self, changed: Iterable[SourceFile], gone: list[str]) -> Updated:
        self._frequencies.clear()
        read = 0
        self._database.execute("BEGIN")
        try:
            for path in gone:
                self._drop(self.files[path])
            for file in changed:
                if file.path in self.files:
                    self._drop(self.files[file.path])
                self._add(file)
                read += 1
        finally:
            self._database.execute("COMMIT")
        return Updated(read, len(gone))

    def _add(self, file: SourceFile) -> None:
        file.row, self._next_row = self._next_row, self._next_row + 1
        self.files[file.path] = self._rows[file.row] = file
        words = identifiers(file.text)
        self.used.update(words)
        for mark in file.marks:
            self.defined.setdefault(mark.name, set()).add(file.path)
        self._database.execute(
            "INSERT INTO code(rowid, path, symbols, body) VALUES (?, ?, ?, ?)", self._entry(file, words)
        )

    def _drop(self, file: SourceFile) -> None:
        words = identifiers(file.text)
        self._database.execute(
            "INSERT INTO code(code, rowid, path, symbols, body) VALUES ('delete', ?, ?, ?, ?)", self._entry(file, words)
        )
        self.used.subtract(words)
        for word in words:
            if not self.used[word]:
                del self.used[word]
        for name in {mark.name for mark in file.marks}:
            paths = self.defined[name]
            paths.discard(file.path)
            if not paths:
                del self.defined[name]
        del self.files[file.path], self._rows[file.row]

    def _entry(self, file: SourceFile, words: Iterable[str]) -> tuple[int, str, str, str]:
        split = self._split.__getitem__
        path = " ".join(map(split, identifiers(file.path)))
        symbols = " ".join(split(mark.name) for mark in file.marks)
        return file.row, path, symbols, " ".join(map(split, words))
