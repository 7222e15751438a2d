"""The files a deployment is made of: a copy of what is committed, and what its Compose files refer to, judged before
Compose reads a word of them."""

from __future__ import annotations

import os
import posixpath
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from smaker.core.errors import Unavailable
from smaker.core.models import Finding
from smaker.deploy.failures import DeployFailed, no_space, refused, warning

COMPOSE_FILES = ("compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml")
"""In the order in which Compose looks for them."""

MAX_COMPOSE = 256 << 10  # bytes
LINK = "120000"

_URL = re.compile(r"^[A-Za-z][A-Za-z0-9+.-]*:|^git@|^github\.com/")
_FROM = re.compile(r"^\s*FROM\s+(?:--\S+\s+)*(\S+)(?:\s+AS\s+(\S+))?", re.IGNORECASE)
_ADD_URL = re.compile(r"^\s*ADD\s.*\b(?:https?|git|ftp)://", re.IGNORECASE)
_SECRET_MOUNT = re.compile(r"--mount=\S*type=(secret|ssh)")
_ARG_SECRET = re.compile(r"^\s*(?:ARG|ENV)\s+(\w*(?:PASSWORD|SECRET|TOKEN|API_?KEY)\w*)[ =]+\S", re.IGNORECASE)


def compose_file(paths: Sequence[str]) -> str | None:
    """The project's Compose file: the first that Compose would take."""
    return next((name for name in COMPOSE_FILES if name in paths), None)


def lay_out(files: Mapping[str, tuple[str, bytes]], folder: Path) -> None:
    """Write the files of a release to ``folder``, which is there afterwards as a whole or not at all (blocks). Where it
    is already, containers may use it: it stays.

    Raises DeployFailed (a link that leads out, no space), Unavailable if the folder cannot be written.
    """
    if folder.is_dir():
        return
    fresh = folder.with_name(folder.name + ".new")
    try:
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(parents=True, mode=0o700)
        for path, (mode, data) in files.items():
            target = fresh / path
            target.parent.mkdir(parents=True, exist_ok=True)
            if mode == LINK:
                target.symlink_to(_inside(path, os.fsdecode(data)))
            else:
                target.write_bytes(data)
                target.chmod(0o755 if mode == "100755" else 0o644)
        fresh.replace(folder)
    except OSError as error:
        if error.errno is not None and os.strerror(error.errno) == "No space left on device":
            raise no_space(str(error)) from error
        raise Unavailable(f"The files to deploy cannot be written: {error}", hint="See: smaker doctor") from error


def _inside(path: str, target: str) -> str:
    """A link's target, if following it stays within the project."""
    reached = posixpath.normpath(posixpath.join(posixpath.dirname(path), target))
    if target.startswith("/") or reached.startswith("../") or reached == "..":
        raise refused("link", path, "it leads out of the project")
    return target


def check_references(folder: Path, name: str, seen: set[str] | None = None) -> None:
    """Refuse a Compose file that would have Compose read, or fetch, what is not in the project: extends, include,
    env_file. Follows what is inside. Raises DeployFailed."""
    seen = set() if seen is None else seen
    if name in seen:
        return
    seen.add(name)
    content = _load(folder, name)
    here = posixpath.dirname(name)
    for key, path in _named(content.get("include"), "include"):
        check_references(folder, _within(folder, here, path, key, name), seen)
    services = content.get("services")
    for service, body in services.items() if isinstance(services, dict) else ():
        if not isinstance(body, dict):
            continue
        extends = body.get("extends")
        if isinstance(extends, dict) and extends.get("file") is not None:
            check_references(folder, _within(folder, here, extends["file"], "extends", service), seen)
        for key, path in _named(body.get("env_file"), "env_file"):
            _within(folder, here, path, key, str(service))


def _named(value: Any, key: str) -> Iterator[tuple[str, Any]]:
    """The paths within an include or env_file: a word, a list of words or of mappings."""
    for entry in value if isinstance(value, list) else [] if value is None else [value]:
        if isinstance(entry, dict):
            for name in ("path", "project_directory", "env_file"):
                inner = entry.get(name)
                for path in inner if isinstance(inner, list) else [] if inner is None else [inner]:
                    if name == "path":
                        yield key, path
                    else:
                        raise refused(f"{key}.{name}", str(path), "name the file where it is used")
        else:
            yield key, entry


def _within(folder: Path, here: str, path: Any, key: str, service: str) -> str:
    """A path of a Compose file as one within the project."""
    text = str(path)
    if _URL.match(text) or "$" in text or "\\" in text or text.startswith(("/", "~")):
        raise refused(key, service, "only files of the project")
    reached = posixpath.normpath(posixpath.join(here, text))
    if reached == ".." or reached.startswith("../"):
        raise refused(key, service, "outside of the project")
    try:
        real = (folder / reached).resolve()
    except (OSError, RuntimeError) as error:
        raise refused(key, service, "it cannot be followed") from error
    if not real.is_relative_to(folder.resolve()):
        raise refused(key, service, "outside of the project")
    return reached


def _load(folder: Path, name: str) -> dict[str, Any]:
    path = folder / name
    try:
        if path.stat().st_size > MAX_COMPOSE:
            raise DeployFailed("E_DEPLOY_COMPOSE", f"{name} is larger than {MAX_COMPOSE >> 10} kB", file=name)
        content: Any = yaml.safe_load(path.read_bytes())
    except (OSError, UnicodeDecodeError, yaml.YAMLError, RecursionError, ValueError) as error:
        raise DeployFailed("E_DEPLOY_COMPOSE", f"{name} cannot be read: {error}", file=name) from error
    if not isinstance(content, dict):
        raise DeployFailed("E_DEPLOY_COMPOSE", f"{name} is not a Compose file", file=name)
    return content


def dockerfile_report(name: str, text: str) -> list[Finding]:
    """What a reader should know of a Dockerfile: what it fetches, which secrets it wants, which bases may change."""
    found: list[Finding] = []
    stages: set[str] = set()
    for number, line in enumerate(text.splitlines(), 1):
        base = _FROM.match(line)
        if base:
            image = base[1]
            if image not in stages | {"scratch"} and not _pinned(image):
                found.append(
                    warning(
                        f"{name}:{number}: FROM {image} is not pinned to a version", file=name, detail=f"from:{image}"
                    )
                )
            stages |= {base[2]} if base[2] else set()
        if _ADD_URL.match(line):
            found.append(warning(f"{name}:{number}: ADD fetches from the network", file=name, detail="add"))
        if _SECRET_MOUNT.search(line):
            found.append(warning(f"{name}:{number}: a secret mount, and none is given", file=name, detail="secret"))
        kept = _ARG_SECRET.match(line)
        if kept:
            found.append(warning(f"{name}:{number}: {kept[1]} stays in the image", file=name, detail=f"arg:{kept[1]}"))
    return found


def _pinned(image: str) -> bool:
    """Whether an image is named by digest or by a tag that is not "latest"."""
    if "@sha256:" in image:
        return True
    tag = image.rpartition("/")[2].partition(":")[2]
    return bool(tag) and tag != "latest"
