"""What is ignored, judged by git itself."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from smaker.workspace.ignore import Rules, as_bytes

PATTERNS = [
    "*.log",
    "build/",
    "/top",
    "a/b",
    "**/deep",
    "a/**",
    "a/**/z",
    "foo*bar",
    "fo?",
    "[a-c]x",
    "[!a-c]y",
    "[^a]z",
    "[]]q",
    "[[:digit:]]*",
    "\\#hash",
    "\\!bang",
    "#comment",
    "trail ",
    "keep\\ ",
    "!build",
    "*",
    "!*.py",
    "!*/",
    "/*",
    "!/top",
    "a/*",
    "!a/b",
    "**",
    "x**y",
    "[",
    "[a",
    "end\\",
    "*.tar.*",
    "a/***/z",
    "**/a/b",
    "dir/**",
    "é*",
    "?",
    "a\\*b",
    "crlf\r",
    "[b-a]",
    "[a-]",
    "[\\]]",
    "*a*a*a",
]
FILES = [
    "x.log", "build/out", "top", "sub/top", "a/b", "a/c/z", "a/z", "deep", "q/deep/file", "foobar", "foo-x-bar", "fob",
    "ax", "dx", "dy", "bz", "]q", "7up", "#hash", "!bang", "trail", "keep ", "m.py", "n/m.py", "xy", "xmmy", "[", "end",
    "v.tar.gz", "a/q/r/z", "é1", "1", "a*b", "crlf", "-", "banana", "aXaYa", "dir/one/two", "build2", "n/build/x",
]  # fmt: skip


def ignored(rules: list[tuple[str, Rules]], path: str) -> bool:
    """Whether a file or a folder above it is ignored, as a walk from the top finds out."""
    parts = tuple(as_bytes(part) for part in path.split("/"))
    for depth in range(1, len(parts) + 1):
        above = "".join(f"{part}/" for part in path.split("/")[: depth - 1])
        here = [rule for folder, rule in rules if above.startswith(folder)]
        if here[-1].ignores(parts[:depth], folder=depth < len(parts)):
            return True
    return False


def by_git(git: Callable[..., str], folder: Path, paths: list[str]) -> set[str]:
    said = git("check-ignore", "-z", "--no-index", "--stdin", at=folder, ok=False, stdin="\0".join(paths).encode())
    return {path for path in said.split("\0") if path}


@pytest.fixture
def tree(tmp_path: Path, git: Callable[..., str]) -> Path:
    folder = tmp_path / "tree"
    for path in FILES:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text("")
    git("init", "-q", at=folder)
    return folder


def test_each_pattern_is_read_as_git_reads_it(tree: Path, git: Callable[..., str]) -> None:
    wrong: list[tuple[str, set[str]]] = []
    for pattern in PATTERNS:
        (tree / ".gitignore").write_bytes(pattern.encode() + b"\n")
        expected = by_git(git, tree, FILES)
        found = {path for path in FILES if ignored([("", Rules(pattern.encode()))], path)}
        if found != expected:
            wrong.append((pattern, found ^ expected))
    assert wrong == []


def test_patterns_together_and_in_folders_are_read_as_git_reads_them(tree: Path, git: Callable[..., str]) -> None:
    top = b"\xef\xbb\xbf*.log\n*.py\n!n/m.py\na/*\n!a/b\n\n# c\nbuild/\r\n"
    inner = b"!*.py\nb\n/z\n"
    (tree / ".gitignore").write_bytes(top)
    (tree / "a" / ".gitignore").write_bytes(inner)
    above = Rules(top)
    rules = [("", above), ("a/", Rules(inner, depth=1, above=above))]
    paths = [*FILES, "a/m.py", "a/x.log"]
    assert {path for path in paths if ignored(rules, path)} == by_git(git, tree, paths)


@pytest.mark.parametrize("pattern", [b"*a" * 60 + b"b", b"**/" * 60 + b"b", b"a/**/" * 40 + b"b", b"[a-z]*" * 60])
def test_no_pattern_takes_long(pattern: bytes) -> None:
    path = tuple(["a" * 250] * 100)
    began = time.process_time()
    Rules(pattern).ignores(path, folder=False)
    assert time.process_time() - began < 0.5
