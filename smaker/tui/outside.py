"""Opens a page or a file with the system's own viewer, where there is a screen for it; never in this terminal."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Mapping


def viewer(environ: Mapping[str, str] = os.environ, platform: str = sys.platform) -> str | None:
    """The program that opens things here; None where nothing can be shown but in a terminal."""
    if platform == "darwin":
        return shutil.which("open")
    if environ.get("WSL_DISTRO_NAME") and (found := shutil.which("wslview")):
        return found
    if environ.get("DISPLAY") or environ.get("WAYLAND_DISPLAY"):
        return shutil.which("xdg-open")
    return None


def show(what: str) -> bool:
    """Open an http(s) address or an absolute path; whether there is a viewer. It lives on when this process ends."""
    program = viewer()
    if program is None or not what.startswith(("http://", "https://", "/")):
        return False
    try:
        opened = subprocess.Popen(
            [program, what],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError:
        return False
    threading.Thread(target=opened.wait, daemon=True).start()  # nobody else asks how it ended
    return True
