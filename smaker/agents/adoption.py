"""Adopting a repository: recognise its stack, take over its plan if smaker made it, else say what that would need."""

from __future__ import annotations

import hashlib
from pathlib import Path

from pydantic import ValidationError

from smaker.config.spec_file import SPEC_FILE, load_spec
from smaker.core.control import Control, NewProject
from smaker.core.errors import NotFound, Refused, UsageError
from smaker.core.models import Project
from smaker.core.ports import Workspace, Workspaces
from smaker.core.spec import Spec
from smaker.profiles import Catalog


async def adopt(
    where: str,
    folder: Path | None,
    *,
    settings: NewProject,
    home: Path,
    control: Control,
    workspaces: Workspaces,
    catalog: Catalog,
) -> Project:
    """Record a project on an existing repository; ``settings`` has its prompt, mode, budget and the like.

    Raises UsageError if there is none, Refused (with what was recognised) if its plan is not known and the mode is
    offline: reading a plan from foreign code needs a model.
    """
    workspace = await _repository(where, folder, home=home, workspaces=workspaces)
    head = await workspace.head()
    if head is None:
        raise UsageError(f"{workspace.path} has no commit yet.", hint="Commit something first, or use: smaker init")
    tree = await workspace.tree(head)
    spec = await _plan(workspace, tree)
    if spec is None and settings.mode != "offline":
        return await control.create(settings.model_copy(update={"workspace": workspace.path, "adopt": True}))
    if spec is None:
        known = await recognise(workspace, tree, catalog)
        stack = f"It looks like {' or '.join(known)}" if known else "No profile recognises its stack"
        raise Refused(
            f"{workspace.path} was not made by smaker, and reading a plan from its code needs a model. {stack}.",
            hint="Build with a model (smaker config set llm.mode …), or begin anew with: smaker init",
        )
    history = await workspace.history()
    skeleton = next((commit.sha for commit in history if commit.trailers.get("Smaker-Stage") == "skeleton"), None)
    known_plan = {
        "name": spec.name,
        "workspace": workspace.path,
        "profile": spec.profile,
        "adopt": True,
        "spec": spec,
        "skeleton": skeleton or history[-1].sha,
    }
    return await control.create(settings.model_copy(update=known_plan))


async def recognise(workspace: Workspace, tree: str, catalog: Catalog) -> list[str]:
    """The titles of the profiles whose marks ("file" or "file:text") the repository bears."""
    found: list[str] = []
    for loaded in catalog.all():
        for mark in loaded.profile.detect:
            name, _, text = mark.partition(":")
            content = await _read(workspace, name, tree)
            if content is not None and text.encode() in content:
                found.append(loaded.profile.title)
                break
    return found


async def _repository(where: str, folder: Path | None, *, home: Path, workspaces: Workspaces) -> Workspace:
    path = Path(where).expanduser().absolute()
    if path.is_dir():
        if folder is not None:
            raise UsageError("--dir is for an address to clone.", hint=f"{path} is adopted where it is.")
        return await workspaces.adopt(path)
    if "://" not in where and "@" not in where:
        raise UsageError(f"There is no folder {path}.", hint="Name a git repository: a folder or an address.")
    name = hashlib.sha256(where.encode()).hexdigest()[:8]
    return await workspaces.clone(where, (folder or home / "projects" / f"adopted-{name}").expanduser().absolute())


async def _plan(workspace: Workspace, tree: str) -> Spec | None:
    content = await _read(workspace, SPEC_FILE, tree)
    if content is None:
        return None
    try:
        return load_spec(content)
    except (ValueError, ValidationError) as error:
        raise UsageError(f"{SPEC_FILE} of {workspace.path} cannot be read: {error}", hint="Mend it first.") from error


async def _read(workspace: Workspace, path: str, tree: str) -> bytes | None:
    try:
        return await workspace.read(path, tree=tree)
    except NotFound:
        return None
