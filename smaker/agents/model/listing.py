"""Files as a list that a model can take in: paths with sizes, and folders of many as one line."""

from __future__ import annotations

from collections.abc import Mapping

MOST = 200  # lines


def listed(sizes: Mapping[str, int | None], folder: str = "") -> str:
    """The files below ``folder`` ("": all) with their sizes in bytes (None: not known), a line each; where these are
    too many, folders with how many files they hold. "" if there is none."""
    within = f"{folder}/" if folder else ""
    below = {path.removeprefix(within): size for path, size in sizes.items() if path.startswith(within)}
    deepest = max((path.count("/") for path in below), default=0) + 1
    lines: list[str] = []
    for depth in range(deepest, 0, -1):
        lines = _lines(below, within, depth)
        if len(lines) <= MOST:
            return "\n".join(lines)
    return "\n".join([*lines[:MOST], f"… and {len(lines) - MOST:,} more"])


def _lines(below: Mapping[str, int | None], within: str, depth: int) -> list[str]:
    """One line for each file that lies no deeper than ``depth`` folders, and for each folder of that depth."""
    folders: dict[str, int] = {}
    entries: dict[str, str] = {}
    for path, size in below.items():
        parts = path.split("/")
        if len(parts) <= depth:
            entries[path] = f"{within}{path}" + ("" if size is None else f" ({size:,})")
        else:
            head = "/".join(parts[:depth]) + "/"
            folders[head] = folders.get(head, 0) + 1
    entries |= {head: f"{within}{head} ({count:,} files)" for head, count in folders.items()}
    return [entries[name] for name in sorted(entries)]
