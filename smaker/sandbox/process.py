"""The sandbox that is none: limits on resources, a clean environment, and nothing else. Only where the user chose it.

It exists for machines on which no real sandbox works, and says what it is: programs see the user's files and network.
A port that one listens on is the machine's, so others reach it without a door (``Command.reach``).
"""

from __future__ import annotations

import contextlib
import secrets
import shutil
import tempfile
from contextlib import AsyncExitStack, ExitStack
from pathlib import Path

from smaker.core.errors import SandboxUnavailable
from smaker.core.ports import WORKSPACE, Command, Mount, SandboxLevel, SandboxStatus
from smaker.sandbox import cgroup, doors, host, policy, spawn, trees, variables
from smaker.sandbox.box import Started
from smaker.sandbox.doors import Doors
from smaker.sandbox.limits import Limits
from smaker.sandbox.local import LocalSandbox, Reach
from smaker.sandbox.registries import Registries


class ProcessSandbox(LocalSandbox):
    """Runs commands as plain processes with rlimits. Paths of mounts and workspace in words are the host's."""

    def __init__(
        self, limits: Limits | None = None, *, reach: Reach = "registries", control_groups: bool = True
    ) -> None:
        super().__init__(limits, reach=reach, control_groups=control_groups)
        self._where: cgroup.Groups | None = None
        self._launcher: tuple[str, ...] = ()
        self._prlimit = ""
        self._path: tuple[str, ...] = (str(host.python().parent),)

    @property
    def needed(self) -> SandboxLevel:
        """The lowest level at which commands are run."""
        return SandboxLevel.OFF

    async def _try(self) -> SandboxStatus:
        self._where = self._groups()
        prlimit, setpriv = host.program("prlimit"), host.program("setpriv")
        self._prlimit = str(prlimit or "")
        with contextlib.suppress(SandboxUnavailable):  # nothing is hidden here, wherever a toolchain lies
            self._path = (await host.toolchains()).path
        if setpriv is not None:
            self._launcher = (str(setpriv), "--no-new-privs", "--pdeathsig", "KILL", "--")
        held = "resource limits only" if prlimit else "no limits (prlimit is not installed)"
        return SandboxStatus(
            name="process",
            level=SandboxLevel.OFF,
            detail=f"off ({held}): programs can read your files, use your network and leave processes behind",
            remedy="Use the real one: sandbox.kind: auto",
        )

    async def _launch(self, command: Command, closing: AsyncExitStack, *, background: bool) -> Started:
        workspace = policy.workspace_folder(command)
        found = await self.registries() if command.profile == "install" else None
        home = Path(tempfile.mkdtemp(prefix="smaker-home-"))
        closing.callback(shutil.rmtree, home, ignore_errors=True)
        group = self._where.make(self.limits) if self._where else None
        if group is not None:
            closing.callback(group.remove)
        mark = secrets.token_hex(16)
        with ExitStack() as near, ExitStack() as far:
            gates = self._doors(command, found, near, far, closing)
            output, written = spawn.pipe(near, far)
            path = tuple(_on_host(folder, command.mounts, workspace) for folder in command.path)
            wanted = {name: _on_host(value, command.mounts, workspace) for name, value in command.env.items()}
            own = {"HOME": str(home), "TMPDIR": str(home), trees.MARK: mark, **_caches(home), **gates.variables}
            program = spawn.launch(
                [
                    *(group.launcher("/bin/sh") if group else ()),
                    *self._launcher,
                    *self._rlimits(command, background=background),
                    *gates.prefix,
                    *(_on_host(word, command.mounts, workspace) for word in command.argv),
                ],
                env=variables.environment(wanted, (*path, *self._path), own),
                output=written,
                stdin=None if command.stdin is None else spawn.readable(command.stdin, far),
                keep=gates.keep,
                cwd=str(workspace / command.cwd),
            )
            near.pop_all()
        return Started(
            program=program,
            tree=trees.MarkedTree(program, mark, group),
            output=output,
            group=group,
            socket=gates.socket,
            ready=gates.ready,
            folders=(workspace, home, *(mount.host for mount in command.mounts if mount.writable)),
        )

    def _rlimits(self, command: Command, *, background: bool) -> tuple[str, ...]:
        if not self._prlimit:
            return ()
        processes = self.limits.processes + trees.count()  # the kernel counts all of this user's
        return (self._prlimit, *self.limits.rlimits(command, background=background, processes=processes), "--")

    @staticmethod
    def _doors(
        command: Command, found: Registries | None, near: ExitStack, far: ExitStack, closing: AsyncExitStack
    ) -> Doors:
        if command.profile == "web" and command.port is not None:
            start = doors.relay(str(host.python()), str(doors.RELAY))
            return doors.web(command.port, start, near, far, closing)
        return Doors() if found is None else Doors(variables={**host.proxies(), **found.variables})


def _caches(home: Path) -> dict[str, str]:
    """Return the base variables that name folders of a box, moved below ``home``."""
    old = variables.BASE["TMPDIR"]
    return {
        name: str(home / value.removeprefix(old).lstrip("/"))
        for name, value in variables.BASE.items()
        if value.startswith(f"{old}/")
    }


def _on_host(word: str, mounts: tuple[Mount, ...], workspace: Path) -> str:
    """Return ``word`` with a leading path of the box replaced by the host's."""
    for inside, there in [*((mount.inside, mount.host) for mount in mounts), (WORKSPACE, workspace)]:
        if word == inside or word.startswith(inside.rstrip("/") + "/"):
            return str(there) + word[len(inside) :]
    return word
