"""The image whose programs boxes have: one of ours, made once from a usual one, or the one the user names."""

from __future__ import annotations

import hashlib
import io
import tarfile
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from smaker.core.errors import SandboxUnavailable
from smaker.sandbox import host, variables
from smaker.sandbox.docker_engine import Engine, Refused

Say = Callable[[str], None]

RECIPE = r"""FROM python:3.13-slim
ARG DEBIAN_FRONTEND=noninteractive
RUN apt-get -qq update \
 && apt-get -qq install --no-install-recommends nodejs make >/dev/null \
 && rm -rf /var/lib/apt/lists/*
"""
"""What profiles run: Python, which also starts every program and carries its ports, and Node.js, in one image, because
a project may need both. The base is that of the Dockerfiles of our profiles: what is tested is what is deployed."""

OURS = f"smaker-box:{hashlib.sha256(RECIPE.encode()).hexdigest()[:12]}"
LABEL = "smaker.box"

_NOT_FOUND = 404
_DULL = ("--->", "Removing intermediate")
_SHOWN = 5  # lines of what was told before it failed
_NAME_IT = "or name an image that has Python 3.10 or newer (and Node.js, for projects in JavaScript): sandbox.image"


@dataclass(frozen=True)
class Image:
    """An image the engine has."""

    name: str
    id: str  # "sha256:…", of its content
    path: tuple[str, ...]  # its PATH
    volumes: tuple[str, ...]  # folders for which containers would get a writable volume


async def ready(engine: Engine, name: str | None, say: Say | None) -> Image:
    """Return the image ``name`` (None: ours); it is pulled or made first where it is missing, which ``say`` hears.

    Raises SandboxUnavailable with what to do.
    """
    wanted = name or OURS
    found = await _look(engine, wanted)
    if found is None:
        heard: deque[str] = deque(maxlen=_SHOWN)

        def tell(line: str) -> None:
            heard.append(line)
            if say is not None:
                say(f"{line}\n")

        try:
            if name is None:
                tell(f"Making the image {OURS} for the boxes, once")
                await _make(engine, tell)
            else:
                tell(f"Pulling the image {name} for the boxes, once")
                await _pull(engine, name, tell)
        except Refused as refusal:
            raise SandboxUnavailable(
                "\n".join([f"The image {wanted} of the boxes cannot be had: {refusal.said}", *heard]),
                hint=f"Connect this machine and try again, {_NAME_IT}",
            ) from refusal
        found = await _look(engine, wanted)
    if found is None:
        raise SandboxUnavailable(f"The engine has no image {wanted}.", hint=f"Get it with docker pull, {_NAME_IT}")
    return found


async def _look(engine: Engine, name: str) -> Image | None:
    try:
        about: dict[str, Any] = await engine.ask("GET", f"/images/{quote(name)}/json")
    except Refused as refusal:
        if refusal.status == _NOT_FOUND:
            return None
        raise
    config: dict[str, Any] = about.get("Config") or {}
    pairs = (entry.partition("=") for entry in config.get("Env") or [])
    path = next((value for key, _, value in pairs if key == "PATH"), "")
    folders = tuple(folder for folder in path.split(":") if folder) or variables.SYSTEM_PATH
    return Image(name=name, id=str(about["Id"]), path=folders, volumes=tuple(config.get("Volumes") or ()))


async def _make(engine: Engine, say: Say) -> None:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        entry = tarfile.TarInfo("Dockerfile")
        entry.size = len(RECIPE)
        archive.addfile(entry, io.BytesIO(RECIPE.encode()))
    how = {"t": OURS, "rm": "1", "forcerm": "1", "labels": {f"{LABEL}.image": "1"}, "buildargs": host.proxies()}
    rest = ""
    async for told in engine.follow("/build", packed.getvalue(), **how):
        *lines, rest = f"{rest}{told.get('stream') or _progress(told)}".split("\n")
        for line in lines:
            if line.strip() and not line.lstrip().startswith(_DULL):
                say(line.rstrip())


async def _pull(engine: Engine, name: str, say: Say) -> None:
    image, at, digest = name.partition("@")
    if not at:
        image, _, digest = name.rpartition(":") if ":" in name.rpartition("/")[2] else (name, "", "latest")
    async for told in engine.follow("/images/create", fromImage=image, tag=digest):
        if line := _progress(told).rstrip():
            say(line)


def _progress(told: dict[str, Any]) -> str:
    """A line for what is worth one: not for every part of a layer."""
    if not told.get("status") or told.get("progressDetail"):
        return ""
    return f"{told['id']}: {told['status']}\n" if told.get("id") else f"{told['status']}\n"
