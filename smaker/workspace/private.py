"""Private git directories: a configuration of ours, and what they borrow of a repository by links.

Git runs on these, never on a repository's own ``.git`` (see `smaker.workspace.program`).
"""

from __future__ import annotations

import os
from pathlib import Path

_BORROWED = ("refs", "packed-refs", "logs", "shallow")
_CONFIG = """\
[core]
\trepositoryformatversion = 0
\tbare = true
\tlogAllRefUpdates = always
\tprotectHFS = true
\tprotectNTFS = true
"""


def borrow(private: Path, directory: Path, *, branch: str) -> None:
    """Make ``private`` a git directory with the objects, refs and reflogs of the repository whose ``.git`` is
    ``directory``, where nothing is written. ``branch`` is for one that is new."""
    (private / "objects" / "info").mkdir(mode=0o700, parents=True, exist_ok=True)
    write(private / "config", _CONFIG)
    write(private / "objects" / "info" / "alternates", "../repository/objects\n")
    if not (private / "HEAD").exists():
        write(private / "HEAD", f"ref: {branch}\n")
    links = {"repository": directory, **{name: Path("repository", name) for name in _BORROWED}}
    for name, target in links.items():
        if not (private / name).is_symlink():
            (private / name).symlink_to(target)


def write(path: Path, text: str) -> None:
    """Have a file that says this, written in one go."""
    if not path.is_file() or path.read_text("utf-8") != text:
        half = path.with_name(f"{path.name}.{os.getpid()}")
        half.write_text(text, "utf-8")
        half.replace(path)
