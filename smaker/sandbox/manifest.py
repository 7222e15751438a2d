"""What a Python project needs, read from its manifest without running any of it."""

from __future__ import annotations

import os
import re
import tomllib
from pathlib import Path
from typing import Any

from smaker.core.errors import Unavailable
from smaker.core.profile import Environment

_LARGEST = 1 << 20
_REQUIREMENT = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?\s*(?:$|[\[(<>=!~;@ ])")


def wanted(environment: Environment, workspace: Path) -> tuple[str, ...]:
    """Return all that an environment needs for the manifests in ``workspace``, sorted, each once.

    Raises Unavailable if a manifest is missing that must be there, cannot be read, or holds what is no requirement.
    """
    found = set(environment.packages)
    if environment.manifest is not None:
        found.update(requirements(workspace / environment.manifest, environment.extras))
    for name in environment.also:
        if os.path.lexists(workspace / name):
            found.update(requirements(workspace / name, environment.extras))
    return tuple(sorted(found))


def requirements(manifest: Path, extras: tuple[str, ...]) -> tuple[str, ...]:
    """Return the requirements of ``[project]`` and its named extras, or those of a requirements file (``*.txt``; its
    options are left out), sorted, each once.

    A missing extra is none. Raises Unavailable if the file is missing, is no TOML, or holds what is no requirement.
    """
    if manifest.suffix == ".txt":
        lines = (line.partition(" #")[0].strip() for line in _text(manifest).splitlines())
        return tuple(sorted({_checked(manifest, line) for line in lines if line and line[0] not in "#-"}))
    project = _project(manifest)
    optional = project.get("optional-dependencies", {})
    lists = [
        project.get("dependencies", []),
        *(optional.get(extra, []) for extra in extras if isinstance(optional, dict)),
    ]
    found: set[str] = set()
    for words in lists:
        if not isinstance(words, list):
            raise _unusable(manifest, "its dependencies are not a list")
        for word in words:
            found.add(_checked(manifest, word))
    return tuple(sorted(found))


def _text(manifest: Path) -> str:
    try:
        descriptor = os.open(manifest, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            data = file.read(_LARGEST + 1)
    except OSError as error:
        raise _unusable(manifest, error.strerror or str(error)) from error
    if len(data) > _LARGEST:
        raise _unusable(manifest, "it is larger than a megabyte")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _unusable(manifest, str(error)) from error


def _project(manifest: Path) -> dict[str, Any]:
    try:
        project = tomllib.loads(_text(manifest)).get("project", {})
    except (ValueError, RecursionError) as error:
        raise _unusable(manifest, str(error)) from error
    if not isinstance(project, dict):
        raise _unusable(manifest, "[project] is not a table")
    return project


def _checked(manifest: Path, word: object) -> str:
    """Return a requirement stripped. What starts with a dash would be an option to the installer, not a name."""
    if not isinstance(word, str) or not word.isprintable() or not _REQUIREMENT.match(word.strip()):
        raise _unusable(manifest, f"{word!r} is not a requirement")
    return word.strip()


def _unusable(manifest: Path, why: str) -> Unavailable:
    return Unavailable(
        f"The dependencies in {manifest} cannot be read: {why}",
        hint='They are declared as: [project] dependencies = ["name>=1.0"], or one a line in requirements.txt',
    )
