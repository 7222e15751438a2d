"""Paths as models write them, checked by their spelling; the workspace has the last word on what they reach."""

from __future__ import annotations

import re

DRIVE = re.compile(r"[A-Za-z]:")
CONTROL = re.compile(r"[\x00-\x1f\x7f\u2028\u2029\ud800-\udfff]")


def clean_path(path: str) -> str:
    """Return the path without ``./`` and doubled slashes."""
    parts = [part for part in path.strip().split("/") if part not in {"", "."}]
    return ("/" if path.strip().startswith("/") else "") + "/".join(parts)


def path_problem(path: str) -> str:
    """Return why a path cannot name a file of the project and how it is written, "" if it can."""
    path = path.strip()
    parts = clean_path(path).split("/")
    if CONTROL.search(path):
        return "holds characters that no path has."
    if path.startswith(("/", "~")) or DRIVE.match(path):
        return 'is absolute. Write it from the project\'s folder, such as path="src/app.py".'
    if "\\" in path:
        return 'holds a backslash. Write it with slashes, such as path="src/app.py".'
    if ".." in parts:
        return 'climbs out with "..". Write it from the project\'s folder, such as path="src/app.py".'
    if not any(parts):
        return 'names no file. Write it from the project\'s folder, such as path="src/app.py".'
    if path.endswith(("/", "/.")):
        return "is a folder. Folders come with their files: name a file."
    if len(path) > 4_096 or any(len(part.encode()) > 255 for part in parts):
        return "is too long for a file system."
    if parts[0].lower() == ".git":
        return "belongs to git. Files below .git are not yours to change."
    return ""
