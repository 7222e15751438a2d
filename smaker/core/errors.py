"""The exception tree, drawn whole.

::

    SmakerError                  anything smaker says to its user: code, message, hint, exit code
    ├── UsageError               the call's words are off                                   (exit 2)
    │   └── ConfigError          a configuration file, variable or flag                     (exit 2)
    ├── NotFound                 no such project, step, artifact                            (exit 2)
    ├── InUse                    another process drives this project                        (exit 2)
    ├── Refused                  the builder cannot do what the prompt asks                 (exit 4)
    ├── Unavailable              a model, program or service could not be reached           (exit 4)
    │   └── SandboxUnavailable   no strong sandbox on this machine                          (exit 78)
    ├── ModelError               a model's answer cannot be used, and asking again does not help  (exit 1)
    ├── WaitingForUser           paused, a gate or question, or over budget                 (exit 3)
    ├── StorageError             the database or disk                                       (exit 1)
    ├── WorkspaceError           git or the files of a project                              (exit 1)
    │   ├── PathError            a path that leaves the workspace or is protected
    │   ├── StaleEdit            the file changed since it was read
    │   ├── MergeConflict        two branches of work touch the same lines
    │   └── SecretFound          a commit would contain a credential
    ├── BuildFailed              the build ended FAILED                                     (exit 1)
    ├── Diverged                 a replay does something else than the record               (exit 1)
    └── Fenced                   this attempt is no longer the current one (never shown)
        └── Conflict             the row changed since it was read (retried)
"""

from __future__ import annotations


class SmakerError(Exception):
    """An error with a stable ``code``, one sentence, and a ``hint`` that names the next command to type."""

    code = "E_SMAKER"
    exit_code = 1

    def __init__(self, message: str, *, hint: str = "", code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        if code is not None:
            self.code = code


class UsageError(SmakerError):
    """The call's words are off."""

    code = "E_USAGE"
    exit_code = 2


class ConfigError(UsageError):
    """A configuration value cannot be used; the message names file, line, key and the nearest valid one."""

    code = "E_CONFIG"


class NotFound(SmakerError):
    """No such project, step or artifact."""

    code = "E_NOT_FOUND"
    exit_code = 2


class InUse(SmakerError):
    """Another process drives this project."""

    code = "E_IN_USE"
    exit_code = 2


class Refused(SmakerError):
    """The builder cannot do what the prompt asks, and says what would be needed."""

    code = "E_REFUSED"
    exit_code = 4


class Unavailable(SmakerError):
    """A model, program or service could not be reached."""

    code = "E_UNAVAILABLE"
    exit_code = 4


class ModelAway(Unavailable):
    """No model answers: E_UNAVAILABLE where that may pass, E_MODEL_AUTH and E_MODEL_UNKNOWN where it will not."""


class SandboxUnavailable(Unavailable):
    """No sandbox of the needed level runs on this machine; nothing is run without one."""

    code = "E_SANDBOX"
    exit_code = 78


class ModelError(SmakerError):
    """A model's answer, or what it was asked, cannot be used, and asking again would not help: E_MODEL, or more exactly
    E_MODEL_EMPTY, E_MODEL_LENGTH, E_MODEL_CONTEXT, E_MODEL_REQUEST, E_MODEL_FILTERED."""

    code = "E_MODEL"


class WaitingForUser(SmakerError):
    """The build is paused, at a gate, waiting for an answer, or over budget. It can be resumed."""

    code = "E_WAITING"
    exit_code = 3


class StorageError(SmakerError):
    """The database or the disk failed."""

    code = "E_STORAGE"


class WorkspaceError(SmakerError):
    """Git or the files of a project failed."""

    code = "E_WORKSPACE"


class PathError(WorkspaceError):
    """A path leaves the workspace (E_PATH_OUTSIDE), is protected (E_PATH_PROTECTED), or is of the wrong kind."""

    code = "E_PATH_OUTSIDE"


class StaleEdit(WorkspaceError):
    """The file changed since it was read; the edit was not applied."""

    code = "E_STALE_EDIT"


class MergeConflict(WorkspaceError):
    """Two branches of work changed the same lines."""

    code = "E_MERGE_CONFLICT"


class SecretFound(WorkspaceError):
    """A commit would contain a credential; nothing was committed."""

    code = "E_SECRET_STAGED"


class BuildFailed(SmakerError):
    """The build ended FAILED."""

    code = "E_BUILD_FAILED"


class Diverged(SmakerError):
    """A replay did something else than its record says."""

    code = "E_DIVERGED"


class Fenced(SmakerError):
    """This attempt at a task is no longer the current one: its results are refused."""

    code = "E_FENCED"


class Conflict(Fenced):
    """The project changed since it was read; read again and decide anew."""

    code = "E_CONFLICT"
