"""Commands of one task in the sandbox: run to the end with reports collected, or started to see whether it answers."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import JsonValue

from smaker.core.confidential import Live
from smaker.core.errors import NotFound, Unavailable
from smaker.core.http_probe import http_get
from smaker.core.ports import Checkout, Command, Environments, Mount, Process, Sandbox, SandboxProfile, Store
from smaker.core.profile import Profile
from smaker.core.spec import Frozen

INLINE_OUTPUT = 8192  # characters of output kept in the step itself; longer ones become a blob


class Ran(Frozen):
    """How a command ended (see `smaker.core.ports.CommandResult`), and the files that were asked for."""

    exit_code: int
    output: str
    seconds: float
    limit: str | None = None
    files: dict[str, bytes] = {}


class Started(Frozen):
    """Whether a program that was started answered: its HTTP status (0: none) and the reply, or the output it left."""

    status: int
    detail: str
    seconds: float


class Box:
    """The sandbox with a task's environment in it."""

    def __init__(
        self,
        *,
        sandbox: Sandbox,
        environments: Environments,
        store: Store,
        redact: Callable[[str], str],
        live: Callable[[], Live],
    ) -> None:
        self._sandbox = sandbox
        self._environments = environments
        self._store = store
        self._redact = redact
        self.live = live
        self._mounts: tuple[Mount, ...] = ()

    async def prepare(self, profile: Profile, checkout: Checkout) -> None:
        """Make the profile's environment ready. Raises Unavailable."""
        with self.live() as say:
            self._mounts = await self._environments.prepare(profile, checkout.path, say)

    async def run(
        self,
        checkout: Checkout,
        argv: tuple[str, ...],
        *,
        profile: SandboxProfile,
        timeout_s: float,
        collect: Sequence[str],
        reach: Mapping[int, Path] | None = None,
    ) -> dict[str, JsonValue]:
        """Run to the end; return what the ledger keeps, long parts as blobs. ``reach``: see `Command`."""
        await checkout.discard(collect)
        command = self._command(checkout, argv, profile=profile, reach=reach)
        command = command.model_copy(update={"timeout_s": timeout_s})
        with self.live() as say:
            result = await self._sandbox.run(command, say)
        files: dict[str, JsonValue] = {}
        for path in collect:
            try:
                files[path] = await self._store.put_blob(await checkout.read(path))
            except NotFound:
                continue
        return {
            "exit_code": result.exit_code,
            "output": await self.kept(result.output),
            "seconds": round(result.seconds, 3),
            "limit": result.limit,
            "files": files,
        }

    async def recall(self, output: Mapping[str, Any]) -> Ran:
        """Read back what `run` returned."""
        files = {path: await self._store.get_blob(sha) for path, sha in output.get("files", {}).items()}
        return Ran(
            exit_code=output["exit_code"],
            output=await self.told(output.get("output", "")),
            seconds=output["seconds"],
            limit=output.get("limit"),
            files=files,
        )

    async def kept(self, output: str) -> JsonValue:
        """What the ledger keeps of an output: the text without credentials, or the blob it is in."""
        text = self._redact(output)
        if len(text) <= INLINE_OUTPUT:
            return text
        return {"blob": await self._store.put_blob(text.encode("utf-8", "replace"))}

    async def told(self, kept: JsonValue) -> str:
        """Read back what `kept` returned."""
        if isinstance(kept, dict):
            return (await self._store.get_blob(str(kept["blob"]))).decode("utf-8", "replace")
        return str(kept)

    async def start(
        self,
        checkout: Checkout,
        argv: tuple[str, ...],
        *,
        variables: Mapping[str, str],
        port: int | None,
        on_output: Callable[[str], None],
        reach: Mapping[int, Path] | None = None,
    ) -> Process:
        """Start a program that goes on by itself. Raises SandboxUnavailable, UsageError."""
        profile: SandboxProfile = "run" if port is None else "web"
        command = self._command(checkout, argv, profile=profile, port=port, reach=reach, env=variables)
        return await self._sandbox.start(command, on_output)

    async def try_start(
        self,
        checkout: Checkout,
        argv: tuple[str, ...],
        *,
        variables: Mapping[str, str],
        port: int,
        path: str,
        timeout_s: float,
    ) -> dict[str, JsonValue]:
        """Start a server, ask it for ``path`` once it listens, and stop it."""
        with self.live() as say:
            process = await self.start(checkout, argv, variables=variables, port=port, on_output=say)
            try:
                await process.wait_for_port(timeout_s=timeout_s)
                assert process.socket is not None
                status, body = await http_get(process.socket, path, timeout_s=10)
                return {"status": status, "detail": self._redact(body.decode("utf-8", "replace")[:2000])}
            except Unavailable as error:
                return {"status": 0, "detail": self._redact(f"{error.message}\n{process.tail()}")}
            finally:
                await process.stop()

    def _command(
        self,
        checkout: Checkout,
        argv: tuple[str, ...],
        *,
        profile: SandboxProfile,
        port: int | None = None,
        reach: Mapping[int, Path] | None = None,
        env: Mapping[str, str] | None = None,
    ) -> Command:
        return Command(
            argv=argv,
            workspace=checkout.path,
            profile=profile,
            mounts=self._mounts,
            path=("/env/bin",) if self._mounts else (),
            port=port,
            reach={**(reach or {})},
            env={**(env or {})},
        )


def digests(files: Mapping[str, bytes | None]) -> dict[str, JsonValue]:
    """What a step's input says of files: path -> sha-256 of the content, None where it is deleted."""
    return {path: None if data is None else hashlib.sha256(data).hexdigest() for path, data in files.items()}
