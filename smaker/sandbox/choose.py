"""Picks the sandbox that the configuration asks for, and refuses rather than run without one."""

from __future__ import annotations

from collections.abc import Callable

from smaker.core.errors import ConfigError, SandboxUnavailable
from smaker.core.ports import Sandbox
from smaker.sandbox.bwrap import BwrapSandbox
from smaker.sandbox.limits import Limits
from smaker.sandbox.local import LocalSandbox, Reach
from smaker.sandbox.process import ProcessSandbox

KINDS = ("auto", "bwrap", "docker", "process")

_UNCONFINED = "To run them unconfined all the same, set sandbox.kind to process."


async def choose_sandbox(
    kind: str,
    *,
    limits: Limits | None = None,
    reach: Reach = "registries",
    image: str | None = None,
    say: Callable[[str], None] | None = None,
) -> Sandbox:
    """Return a sandbox that was tried. ``auto`` is bubblewrap, and where that does not work containers, which ``say``
    is told; ``process`` is none, and only taken when named. ``reach``: see LocalSandbox; ``image``: see DockerSandbox.

    Raises SandboxUnavailable with the remedy if what was asked for does not work here; ConfigError for other kinds.
    """
    if kind == "process":
        return ProcessSandbox(limits, reach=reach)
    if kind not in KINDS:
        raise ConfigError(
            f"There is no sandbox of the kind {kind!r}.", hint=f"Set sandbox.kind to one of: {', '.join(KINDS)}"
        )
    failures: list[str] = []
    remedies: list[str] = []
    for name in ("bwrap", "docker") if kind == "auto" else (kind,):
        sandbox = _make(name, limits, reach, image, say)
        status = await sandbox.probe()
        if status.level >= sandbox.needed:
            if failures and say is not None:
                say(f"Commands run in containers, for {failures[0]}\n")
            return sandbox
        failures.append(f"{_NAMES[name]} does not work here: {status.detail}")
        remedies.append(status.remedy)
    raise SandboxUnavailable(
        f"Commands of generated projects are not run without a sandbox, and {'; '.join(failures)}",
        hint="\n".join([*remedies, _UNCONFINED]),
    )


_NAMES = {"bwrap": "bubblewrap", "docker": "Docker"}


def _make(
    name: str, limits: Limits | None, reach: Reach, image: str | None, say: Callable[[str], None] | None
) -> LocalSandbox:
    if name == "bwrap":
        return BwrapSandbox(limits, reach=reach)
    from smaker.sandbox.docker import DockerSandbox  # noqa: PLC0415  its HTTP client costs 0.1 s, and is rarely needed

    return DockerSandbox(limits, reach=reach, image=image, say=say)
