"""The strong sandbox: namespaces by bubblewrap, a system-call filter, rlimits, and a cgroup where one can be had."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Callable
from contextlib import AsyncExitStack, ExitStack
from dataclasses import dataclass
from pathlib import Path

from smaker.core.errors import SandboxUnavailable
from smaker.core.ports import Command, SandboxLevel, SandboxStatus
from smaker.sandbox import cgroup, doors, host, policy, seccomp, spawn, trees, variables
from smaker.sandbox.box import Started
from smaker.sandbox.doors import Doors
from smaker.sandbox.limits import Limits
from smaker.sandbox.local import LocalSandbox, Reach
from smaker.sandbox.nursery import Nurseries
from smaker.sandbox.registries import Registries
from smaker.sandbox.trees import NamespaceTree

_INSIDE = "/run/smaker"
_RELAY = f"{_INSIDE}/relay.py"
_PROXY = f"{_INSIDE}/proxy.sock"
_APPARMOR = Path("/proc/sys/kernel/apparmor_restrict_unprivileged_userns")
_PROBE_S = 20.0
_COUNTED_BY_NAMESPACE = tuple(map(int, re.findall(r"\d+", os.uname().release)[:2])) >= (5, 14)
"""Whether the kernel counts a user's processes by user namespace; an older one counts all that the user has."""


@dataclass(frozen=True)
class _Means:
    """What was found on this machine."""

    abilities: policy.Abilities
    prlimit: Path
    toolchains: host.Toolchains
    groups: cgroup.Groups | None
    nurseries: Nurseries | None
    filter: bytes | None


class BwrapSandbox(LocalSandbox):
    """Runs commands in boxes made by bubblewrap (``program``: by default the system's)."""

    def __init__(
        self,
        limits: Limits | None = None,
        *,
        reach: Reach = "registries",
        control_groups: bool = True,
        program: Path | None = None,
    ) -> None:
        super().__init__(limits, reach=reach, control_groups=control_groups)
        self._program = program
        self._means: _Means | None = None

    @property
    def needed(self) -> SandboxLevel:
        """The lowest level at which commands are run."""
        return SandboxLevel.PARTIAL

    async def _try(self) -> SandboxStatus:
        program = self._program or host.program("bwrap")
        if program is None:
            return _off("bubblewrap is not installed", "Install it: sudo apt install bubblewrap (or your system's way)")
        prlimit = host.program("prlimit")
        if prlimit is None:
            return _off("prlimit is not installed", "Install it: sudo apt install util-linux (or your system's way)")
        usage = await host.ask(str(program), "--help")
        if usage is None:
            return _off(f"{program} cannot be run", "Install bubblewrap again: sudo apt install --reinstall bubblewrap")
        groups = self._groups()
        try:
            self._means = _Means(
                abilities=policy.Abilities(program, disable_userns="--disable-userns" in usage),
                prlimit=prlimit,
                toolchains=await host.toolchains(),
                groups=groups,
                nurseries=None if groups is None else Nurseries(groups, self.limits),
                filter=seccomp.program(),
            )
            with tempfile.TemporaryDirectory(prefix="smaker-probe-") as folder:
                command = Command(argv=("true",), workspace=Path(folder), timeout_s=_PROBE_S)
                result = await (await self._box(command, background=False)).wait()
        except SandboxUnavailable as error:
            return _off(error.message, _remedy(error.message))
        except OSError as error:
            return _off(str(error), "Make room or rights for temporary folders, and try again: smaker doctor")
        if result.exit_code != 0:
            return _off(f"/bin/true ended with exit code {result.exit_code}: {result.output.strip()}", _remedy(""))
        return self._describe(self._means)

    def _describe(self, means: _Means) -> SandboxStatus:
        bounds = [
            name
            for name, bounded in (
                ("memory", means.groups is not None and means.groups.memory),
                ("processes", means.groups is not None and means.groups.processes),
            )
            if bounded
        ]
        words = [
            f"{' and '.join(bounds)} bounded by control groups" if bounds else "no control groups: bounds by process"
        ]
        if os.geteuid() == 0 and "processes" not in bounds:
            words.append(
                "as smaker runs as root, processes are counted four times a second and not bounded by the kernel"
            )
        level = SandboxLevel.STRONG
        if means.filter is None and not means.abilities.disable_userns:
            level = SandboxLevel.PARTIAL
            words.append("partial: programs can make user namespaces of their own (bubblewrap 0.8 would forbid it)")
        elif means.filter is None:
            words.append("without a system-call filter, which is not made for this processor")
        return SandboxStatus(name="bwrap", level=level, detail="; ".join(words))

    async def _launch(self, command: Command, closing: AsyncExitStack, *, background: bool) -> Started:
        means = self._means
        if means is None:
            raise SandboxUnavailable("The sandbox was not tried yet.", hint="Find out what is missing: smaker doctor")
        workspace = policy.workspace_folder(command)
        found = await self.registries() if command.profile == "install" else None
        nursery = await means.nurseries.take() if means.nurseries else None
        if means.nurseries is not None and nursery is not None:
            closing.callback(means.nurseries.give_back, nursery)
        with ExitStack() as near, ExitStack() as far:
            output, written = spawn.pipe(near, far)
            reports, reported = spawn.pipe(near, far)
            gates = await self._doors(command, found, near, far, closing)
            files = [(spawn.opened(file, far), inside) for file, inside in host.system_files(command.network)]
            rules = () if means.filter is None else (spawn.readable(means.filter, far),)
            argv = [
                *policy.arguments(
                    command,
                    workspace,
                    abilities=means.abilities,
                    limits=self.limits,
                    toolchains=means.toolchains,
                    files=files,
                    readable=gates.readable,
                    sockets=gates.sockets,
                ),
                *("--json-status-fd", str(reported), *(word for rule in rules for word in ("--seccomp", str(rule)))),
                *("--", str(means.prlimit), *self._rlimits(command, background=background), "--"),
                *gates.prefix,
                *command.argv,
            ]
            env = variables.environment(command.env, (*command.path, *means.toolchains.path), gates.variables)
            stdin = None if command.stdin is None else spawn.readable(command.stdin, far)
            keep = (reported, *gates.keep, *rules, *(descriptor for descriptor, _ in files))
            if nursery is None:
                program = spawn.launch(argv, env=env, output=written, stdin=stdin, keep=keep)
            else:
                program = nursery.launch(argv, env, output=written, stdin=stdin, keep=keep)
            near.pop_all()
        return Started(
            program=program,
            tree=NamespaceTree(program, reports),
            output=output,
            group=None if nursery is None else nursery.group,
            socket=gates.socket,
            ready=gates.ready,
            folders=(workspace, *(mount.host for mount in command.mounts if mount.writable)),
        )

    def _rlimits(self, command: Command, *, background: bool) -> tuple[str, ...]:
        processes = self.limits.processes
        if not _COUNTED_BY_NAMESPACE:
            processes += trees.count()
        return self.limits.rlimits(command, background=background, processes=processes)

    async def _doors(
        self, command: Command, found: Registries | None, near: ExitStack, far: ExitStack, closing: AsyncExitStack
    ) -> Doors:
        start = doors.relay(str(host.python()), _RELAY)
        if command.profile == "web" and command.port is not None:
            gates = doors.web(command.port, start, near, far, closing)
        elif found is not None:
            if command.network:
                readable = tuple((folder, str(folder)) for folder in found.folders)
                gates = Doors(variables=dict(found.variables), readable=readable)
            else:
                gates = await doors.registries(found, start, _PROXY, closing)
        else:
            gates = Doors()
        if command.reach and not command.network:
            doors.others(gates, command.reach, start, _INSIDE)
        if command.network:
            files, names = host.certificates()
            gates.readable += tuple((file, str(file)) for file in files)
            gates.variables = {**host.proxies(), **names, **gates.variables}
        return gates


def _off(detail: str, remedy: str) -> SandboxStatus:
    return SandboxStatus(name="bwrap", level=SandboxLevel.OFF, detail=detail, remedy=remedy)


def _remedy(said: str) -> str:
    """Return what to do about a refusal of the kernel, from bubblewrap's words."""
    apparmor = _APPARMOR.exists() and _APPARMOR.read_text("ascii").strip() == "1"
    causes: tuple[tuple[Callable[[], bool], str], ...] = (
        (
            lambda: apparmor,
            "AppArmor forbids user namespaces to bubblewrap here. Load the profile made for it: sudo apt install "
            "apparmor-profiles && sudo ln -s /usr/share/apparmor/extra-profiles/bwrap-userns-restrict /etc/apparmor.d/ "
            "&& sudo apparmor_parser -r /etc/apparmor.d/bwrap-userns-restrict",
        ),
        (
            lambda: "ENOSPC" in said or "No space left" in said,
            "No further user namespace may be made here: run smaker outside the sandbox it is in, or raise "
            "user.max_user_namespaces.",
        ),
        (
            lambda: Path("/.dockerenv").exists() or Path("/run/.containerenv").exists(),
            "This container may not make user namespaces: start it with a seccomp profile that allows them, "
            "for example --security-opt seccomp=unconfined",
        ),
    )
    for applies, words in causes:
        if applies():
            return words
    return "Allow user namespaces on this machine, or mend bubblewrap: sudo apt install --reinstall bubblewrap"
