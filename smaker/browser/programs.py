"""Where Chromium and the packages that drive it are on this machine, and how the box sees them."""

from __future__ import annotations

import importlib.util
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from smaker.core.errors import Unavailable
from smaker.core.ports import Mount

INSIDE = "/opt/smaker-browser"

_PACKAGES = (
    "smaker",
    "playwright",
    "greenlet",
    "pydantic",
    "pydantic_core",
    "annotated_types",
    "typing_inspection",
    "typing_extensions",
)
_OF_SOME_VERSIONS = ("pyee",)  # playwright needed it once
_AXE = ("axe_playwright_python", "axe.min.js")
_INSTALLED = (  # the programs themselves: what is on PATH is often a script that reads files the box does not have
    "/usr/lib/chromium/chromium",
    "/usr/lib64/chromium-browser/chromium-browser",
    "/usr/lib/chromium-browser/chromium-browser",
    "/opt/google/chrome/chrome",
)
_ON_PATH = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
_PLAYWRIGHTS = ("chromium-*/chrome-linux*/chrome", "chromium_headless_shell-*/chrome-*/*headless*shell")
_FONTS = ("/etc/fonts", "/usr/local/share/fonts")

MISSING_BROWSER = "Install Chromium: sudo apt install chromium (or your system's way), or set browser.executable"
MISSING_EXTRA = "Install what drives the browser: pip install 'smaker[web]'"


@dataclass(frozen=True)
class Programs:
    """What a box needs to run a browser. Paths in words are those inside."""

    executable: str
    axe: str
    packages: tuple[str, ...]
    mounts: tuple[Mount, ...]


def find(configured: Path | None = None) -> Programs:
    """Return what is there. Raises Unavailable, with what to install."""
    packages = dict(_packages())
    axe = packages.pop(_AXE[0]) / _AXE[1]
    chromium = _chromium(configured)
    mounts = [Mount(host=path, inside=f"{INSIDE}/{path.name}") for path in packages.values()]
    mounts.append(Mount(host=axe, inside=f"{INSIDE}/{axe.name}"))
    mounts += [Mount(host=Path(folder), inside=folder) for folder in _FONTS if _shown(Path(folder))]
    executable = str(chromium)
    if not chromium.is_relative_to("/usr"):
        folder = f"{INSIDE}/chromium"
        mounts.append(Mount(host=_alone(chromium.parent), inside=folder))
        executable = f"{folder}/{chromium.name}"
    return Programs(
        executable=executable,
        axe=f"{INSIDE}/{axe.name}",
        packages=tuple(f"{INSIDE}/{path.name}" for path in packages.values()),
        mounts=tuple(mounts),
    )


def _packages() -> Iterator[tuple[str, Path]]:
    for name in (*_PACKAGES, *_OF_SOME_VERSIONS, _AXE[0]):
        found = importlib.util.find_spec(name)
        if found is None or found.origin is None:
            if name in _OF_SOME_VERSIONS:
                continue
            raise Unavailable(f"The Python package {name} is not installed.", hint=MISSING_EXTRA)
        file = Path(found.origin)
        yield name, file.parent if file.name == "__init__.py" else file


def _chromium(configured: Path | None) -> Path:
    if configured is not None:
        if not os.access(configured, os.X_OK) or configured.is_dir():
            raise Unavailable(
                f"browser.executable is {configured}, which is no program.", hint="Name a Chromium, or leave it out."
            )
        return configured.resolve()
    for candidate in _candidates():
        if os.access(candidate, os.X_OK) and candidate.is_file():
            return candidate.resolve()
    raise Unavailable("There is no Chromium on this machine.", hint=MISSING_BROWSER)


def _candidates() -> Iterator[Path]:
    place = os.environ.get("PLAYWRIGHT_BROWSERS_PATH") or str(Path.home() / ".cache/ms-playwright")
    for pattern in _PLAYWRIGHTS:
        yield from sorted(Path(place).glob(pattern), reverse=True)
    yield from map(Path, _INSTALLED)
    yield from (Path(found) for name in _ON_PATH if (found := shutil.which(name)))


def _alone(folder: Path) -> Path:
    """The folder, if it may be shown in a box."""
    home = Path.home().resolve()
    if folder == home or folder in home.parents:
        raise Unavailable(
            f"Chromium lies in {folder}, which holds a home folder: a box that sees it would see your files.",
            hint="Install Chromium in a folder of its own.",
        )
    return folder


def _shown(folder: Path) -> bool:
    """Whether the folder is there, and not seen by every box anyway."""
    return folder.is_dir() and not folder.is_relative_to("/usr")
