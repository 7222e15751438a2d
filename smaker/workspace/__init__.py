"""The room for git and files: repositories, tasks' folders, snapshots, and the locks on them."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from smaker.workspace.lock import FileLock
    from smaker.workspace.names import Limits
    from smaker.workspace.workspaces import GitWorkspaces

__all__ = ["FileLock", "GitWorkspaces", "Limits"]

_MODULES = {"FileLock": "lock", "GitWorkspaces": "workspaces", "Limits": "names"}


def __getattr__(name: str) -> Any:
    """Load what is asked for: who only wants the lock or the head does not pay for the rest."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
