"""Picks the sandbox that the configuration asks for, and refuses rather than run without one."""

from __future__ import annotations

from smaker.core.errors import ConfigError, SandboxUnavailable
from smaker.core.ports import Sandbox
from smaker.sandbox.bwrap import BwrapSandbox
from smaker.sandbox.limits import Limits
from smaker.sandbox.local import Reach
from smaker.sandbox.process import ProcessSandbox

KINDS = ("auto", "bwrap", "process")


async def choose_sandbox(kind: str, *, limits: Limits | None = None, reach: Reach = "registries") -> Sandbox:
    """Return a sandbox that was tried. ``process`` is none, and only taken when named; ``reach``: see LocalSandbox.

    Raises SandboxUnavailable with the remedy if ``auto`` or ``bwrap`` does not work here; ConfigError for other kinds.
    """
    if kind == "process":
        return ProcessSandbox(limits, reach=reach)
    if kind not in KINDS:
        raise ConfigError(
            f"There is no sandbox of the kind {kind!r}.", hint=f"Set sandbox.kind to one of: {', '.join(KINDS)}"
        )
    sandbox = BwrapSandbox(limits, reach=reach)
    status = await sandbox.probe()
    if status.level < sandbox.needed:
        raise SandboxUnavailable(
            f"Commands of generated projects are not run without a sandbox, and bubblewrap does not work here: "
            f"{status.detail}",
            hint=f"{status.remedy}\nTo run them unconfined all the same, set sandbox.kind to process.",
        )
    return sandbox
