"""Which package registries this machine uses, read from its own pip, uv and npm: no registry is named in our source.

An installation reaches these hosts and no other. Indexes and wheel folders on the machine's disk are shown read-only.
"""

from __future__ import annotations

import ast
import asyncio
import itertools
import json
import logging
import os
import re
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from shutil import which
from urllib.parse import unquote, urljoin, urlsplit

from smaker.sandbox import host

Target = tuple[str, int]
"""A host name in lower case, and a port."""

_BUILT_IN = "from pip._internal.models.index import PyPI as i; print(i.simple_url, i.file_storage_domain)"
_SECTIONS = ("global", "install", ":env:")  # the later one wins, as in pip
_LINK = re.compile(rb"""href\s*=\s*["']([^"'#]+)""", re.IGNORECASE)
_SAMPLED_PAGES = 30
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Registries:
    """What an installation may use."""

    hosts: frozenset[Target]
    folders: tuple[Path, ...]  # on this machine's disk
    variables: Mapping[str, str]  # that make pip, uv and npm in a box use the same
    proxy: str | None = None  # that pip is told to go through


async def find() -> Registries:
    """Ask this machine's pip and npm. Takes about a second."""
    (options, defaults), npm = await asyncio.gather(_pip(), _npm())
    hosts: set[Target] = set()
    folders: list[Path] = []
    variables: dict[str, str] = {}

    index = options.get("index-url", "") or (defaults[0] if defaults else "")
    extra = options.get("extra-index-url", "").split()
    links = options.get("find-links", "").split()
    offline = options.get("no-index", "").lower() in {"1", "true", "yes", "on", "t", "y"}
    for url in ([] if offline else [index, *extra]) + links:
        _admit(url, hosts, folders)
    if defaults and hosts:
        hosts.add((defaults[1], 443))  # where the usual index keeps its files; mirrors link there
    if offline:
        variables["PIP_NO_INDEX"] = "1"
    elif index:
        variables["PIP_INDEX_URL"] = variables["UV_DEFAULT_INDEX"] = index
        variables["UV_INDEX"] = " ".join(extra)
        variables["UV_INDEX_STRATEGY"] = "unsafe-best-match"  # as pip chooses: the best of all indexes
    for option in ("extra-index-url", "find-links", "trusted-host", "default-timeout"):
        if value := options.get(option):
            variables["PIP_" + option.upper().replace("-", "_")] = " ".join(value.split())
    if links:
        variables["UV_FIND_LINKS"] = ",".join(links)
    if certificate := options.get("cert"):
        variables["PIP_CERT"] = variables["SSL_CERT_FILE"] = certificate
        folders.append(Path(certificate))

    for name, value in npm.items():
        if isinstance(value, str) and (name == "registry" or name.endswith(":registry")):
            _admit(value, hosts, folders)
            variables[f"npm_config_{name}"] = value
    if isinstance(cafile := npm.get("cafile"), str):
        variables["npm_config_cafile"] = cafile
        folders.append(Path(cafile))

    files, authorities = host.certificates()
    existing = [folder for folder in (*folders, *files) if folder.exists()]
    return Registries(
        frozenset(hosts), tuple(dict.fromkeys(existing)), {**authorities, **variables}, options.get("proxy")
    )


def _admit(url: str, hosts: set[Target], folders: list[Path]) -> None:
    """Sort one index or link into the hosts to reach or the folders to show."""
    parts = urlsplit(url)
    if parts.scheme in {"http", "https"} and parts.hostname:
        hosts.add((parts.hostname.rstrip("."), parts.port or (443 if parts.scheme == "https" else 80)))
    elif parts.scheme == "file" or (not parts.scheme and url.startswith("/")):
        folder = Path(unquote(parts.path)).resolve()
        folders.extend(_shown(folder))


def _shown(folder: Path) -> Iterable[Path]:
    """Return ``folder``, and the folder its pages link to: indexes on disk keep their files beside the pages."""
    home = Path.home().resolve()
    targets: set[str] = set()
    pages = itertools.islice(folder.glob("*/index.html"), _SAMPLED_PAGES)
    for page in (folder / "index.html", *pages):
        try:
            links = _LINK.findall(page.read_bytes())
        except OSError:
            continue
        for link in links:
            parts = urlsplit(urljoin(page.as_uri(), link.decode("utf-8", "replace")))
            if parts.scheme == "file":
                targets.add(str(Path(unquote(parts.path)).resolve().parent))
    found = [folder, *([Path(os.path.commonpath(targets))] if targets else [])]
    for one in found:
        if one == Path("/") or one == home or one in home.parents:
            _log.warning("the package folder %s holds a home folder and is not shown to installations", one)
        elif not any(other != one and other in one.parents for other in found):
            yield one


async def _pip() -> tuple[dict[str, str], tuple[str, str] | None]:
    """Return pip's effective options, and the index and file host it uses when nobody chose one."""
    for interpreter, env in _interpreters():
        listed, built_in = await asyncio.gather(
            host.ask(interpreter, "-m", "pip", "config", "list", env=env),
            host.ask(interpreter, "-c", _BUILT_IN, env=env),
        )
        if listed is None:
            continue
        words = (built_in or "").split()
        return _options(listed), (words[0], words[1]) if len(words) == 2 else None
    _log.warning("no pip of this machine says which package index it uses")
    return {}, None


def _interpreters() -> Iterable[tuple[str, dict[str, str] | None]]:
    yield sys.executable, None
    base = host.python()
    yield str(base), None
    bundled = Path(sys.base_prefix, "lib", base.name, "ensurepip", "_bundled")
    for wheel in sorted(bundled.glob("pip-*.whl"), reverse=True):  # an environment without pip still brings it
        yield str(base), {**os.environ, "PYTHONPATH": str(wheel)}


def _options(listed: str) -> dict[str, str]:
    """Read the lines ``section.option='value'`` of ``pip config list``."""
    found: dict[str, dict[str, str]] = {section: {} for section in _SECTIONS}
    for line in listed.splitlines():
        key, _, literal = line.partition("=")
        section, _, option = key.rpartition(".")
        if section in found:
            try:
                found[section][option] = str(ast.literal_eval(literal))
            except (ValueError, SyntaxError):
                continue
    return {option: value for section in _SECTIONS for option, value in found[section].items()}


async def _npm() -> dict[str, object]:
    if which("npm") is None:
        return {}
    listed = await host.ask("npm", "config", "list", "--json")
    try:
        answer: object = json.loads(listed or "{}")
    except ValueError:
        return {}
    return {str(key): value for key, value in answer.items()} if isinstance(answer, dict) else {}
