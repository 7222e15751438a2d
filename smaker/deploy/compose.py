"""Deploy target "compose": images and containers on this machine's Docker engine, behind ports of loopback.

A new deployment is tried beside the one that runs, on ports and data of its own, with health checks and smoke tests.
Then it takes over the project's port and data; where it fails, what ran before runs again and nothing of the new one is
left.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import urllib.parse
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from pydantic import ValidationError

from smaker.core.errors import NotFound
from smaker.core.models import Deployment, DeployTarget, Finding, Project
from smaker.core.ports import Container, Deployed, Release
from smaker.core.profile import Profile
from smaker.core.spec import Frozen
from smaker.deploy.engine import DockerEngine, connect
from smaker.deploy.failures import DeployFailed
from smaker.deploy.inventory import DATA, IMAGE, LIVE, TRIAL, Inventory
from smaker.deploy.recipes import lacking
from smaker.deploy.records import Live, Records, Trying
from smaker.deploy.rollout import Patience, Rollout, project_name


class Cleaned(Frozen):
    """What was removed: containers, and the projects whose deployments are forgotten."""

    containers: int
    projects: tuple[str, ...]


class ComposeTarget:
    """Implements `smaker.core.ports.Deployer` on the engine that the user's docker command talks to."""

    def __init__(
        self, home: Path, *, environ: Mapping[str, str] = os.environ, patience: Patience | None = None
    ) -> None:
        self._records = Records(home)
        self._environ = environ
        self._patience = patience or Patience()

    def lacking(self, profile: Profile, package: str, paths: Sequence[str]) -> Mapping[str, bytes]:
        """A Dockerfile and a Compose file, where there are none. Raises UsageError if the profile has no server."""
        return lacking(profile, package, paths)

    async def deploy(self, project: Project, profile: Profile, release: Release) -> Deployed:
        """Try it, then let it take over. Raises Unavailable if the engine is not there, InUse."""
        async with self._engine() as engine, self._records.alone(project.id, wait_s=self._patience.others) as hold:
            inventory = Inventory(engine, self._records)
            done = await self._finished(inventory, project.id, release.key)
            if done is not None:
                return done
            number = await self._number(inventory, project.id, release.key)
            rollout = Rollout(
                engine,
                self._records,
                project,
                profile,
                release,
                number=number,
                hold=hold,
                patience=self._patience,
            )
            return await self._roll_out(rollout, inventory, project.id, number)

    async def stop(self, project: str) -> bool:
        """Remove its containers and networks; its image, its port and its data stay for the next deployment."""
        record = self._records.read(project)
        if record.live is None and record.trying is None:
            return False
        async with self._engine() as engine, self._records.alone(project, wait_s=self._patience.others):
            inventory = Inventory(engine, self._records)
            if record.live is not None:
                await inventory.stop(project, record.live.number)
            removed = await inventory.remove(project, None, roles=(TRIAL, LIVE))
            self._records.write(project, record.model_copy(update={"live": None, "trying": None}))
        return removed > 0

    def current(self, project: str) -> Deployment | None:
        """What was last found healthy, and whether its port is open now."""
        live = self._records.read(project).live
        if live is None:
            return None
        return Deployment(target=DeployTarget.COMPOSE, url=live.url, healthy=_open(live.url))

    async def logs(self, project: str, heard: Callable[[str], None], *, follow: bool = False) -> None:
        """Give ``heard`` what the containers print; with ``follow`` until they end. Raises NotFound."""
        live = self._records.read(project).live
        if live is None:
            raise NotFound("Nothing of this project is deployed.", hint="Deploy it with: smaker deploy ID")
        name = project_name(project, live.number, LIVE)
        words = ("compose", "--project-name", name, "--ansi", "never", "logs", "--tail", "1000")
        async with self._engine() as engine:
            await engine.run(
                *words,
                *(("--follow",) if follow else ()),
                timeout_s=365 * 86_400.0 if follow else 60.0,
                what="docker compose logs",
                heard=heard,
            )

    async def containers(self, project: str) -> tuple[Container, ...]:
        """The containers that were last found healthy, as they are now. Raises Unavailable."""
        live = self._records.read(project).live
        if live is None:
            return ()
        async with self._engine() as engine:
            found = await Inventory(engine, self._records).containers(project, live.number, LIVE)
        return tuple(
            Container(
                service=entry.service,
                status=entry.status,
                health=entry.health,
                restarts=entry.restarts,
                ports=tuple(port for _, port in entry.ports.values()),
                image=entry.image,
            )
            for entry in found
        )

    def remembers(self, project: str) -> bool:
        """Whether anything of a project was ever deployed here, and not cleaned away since."""
        return project in self._records.known()

    async def clean(self, project: str | None = None, *, keep: Sequence[str] = ()) -> Cleaned:
        """Remove everything of a project, its data included; without one, of all projects but ``keep`` and what a
        process that died has left of those. Only what has our labels is touched."""
        cleaned: list[str] = []
        containers = 0
        async with self._engine() as engine:
            inventory = Inventory(engine, self._records)
            known = await inventory.projects() | {*self._records.known()}
            for name in sorted(known) if project is None else [project]:
                async with self._records.alone(name, wait_s=self._patience.others):
                    if project is None and name in keep:
                        containers += await self._sweep(inventory, name, None)
                        continue
                    containers += await inventory.remove(name, None, roles=(TRIAL, LIVE, IMAGE, DATA))
                    await asyncio.to_thread(self._records.forget, name)
                    cleaned.append(name)
        return Cleaned(containers=containers, projects=tuple(cleaned))

    # --- inside -------------------------------------------------------------------------------------------------------

    @asynccontextmanager
    async def _engine(self) -> AsyncGenerator[DockerEngine]:
        engine = await connect(self._records.folder / ".docker", self._environ)
        try:
            yield engine
        finally:
            await engine.close()

    async def _finished(self, inventory: Inventory, project: str, key: str) -> Deployed | None:
        """The result of a deployment that was made before this process died, or could say so."""
        record = self._records.read(project)
        live = record.live
        if live is None or live.key != key:
            return None
        await self._sweep(inventory, project, None)
        try:
            kept = Deployed.model_validate_json(
                (self._records.place(project, live.number) / "result.json").read_bytes()
            )
        except (OSError, ValidationError):
            kept = _answers(live)
        return kept if await inventory.start(project, live.number) else None

    async def _number(self, inventory: Inventory, project: str, key: str) -> int:
        """The number of this deployment: the one it had before this process died, or the next. What is left of any
        other that never came to be is removed."""
        record = self._records.read(project)
        if record.trying is not None and record.trying.key == key:
            await self._sweep(inventory, project, record.trying.number)
            return record.trying.number
        await self._sweep(inventory, project, None)
        number = 1 + max([record.last, *await inventory.numbers(project)])
        while await inventory.foreign(project_name(project, number, TRIAL), project_name(project, number, LIVE)):
            number += 1
        trying = Trying(key=key, number=number)
        self._records.write(project, record.model_copy(update={"trying": trying, "last": number}))
        return number

    async def _sweep(self, inventory: Inventory, project: str, going_on: int | None) -> int:
        """Remove what is left of deployments that are neither live nor going on."""
        live = self._records.read(project).live
        stay = {going_on, live.number if live else None}
        removed = 0
        for number in await inventory.numbers(project) - stay:
            removed += await inventory.remove(project, number)
        for folder in self._records.folder.glob(f"{project}-*"):
            ending = folder.name.removeprefix(f"{project}-")
            if ending.isdigit() and int(ending) not in stay:
                await self._drop(inventory, folder)
        return removed

    @staticmethod
    async def _drop(inventory: Inventory, folder: Path) -> None:
        log = folder / "build.log"
        if log.is_file():
            await inventory.remove_layers(log.read_text(encoding="utf-8", errors="replace"))
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)

    async def _roll_out(self, rollout: Rollout, inventory: Inventory, project: str, number: int) -> Deployed:
        try:
            live = await rollout.make()
        except DeployFailed as failed:
            found = [
                finding.model_copy(update={"evidence": rollout.masked(finding.evidence)}) for finding in failed.findings
            ]
            kept = rollout.kept()
            found += await self._undo(rollout, project)
            return Deployed(deployment=None, findings=(*found, *rollout.warnings), kept=kept)
        except BaseException:  # cancelled, or the engine went away: nothing stays, as far as it can be reached
            await asyncio.shield(self._undo(rollout, project))
            raise
        result = _answers(live).model_copy(update={"findings": tuple(rollout.warnings), "kept": rollout.kept()})
        (self._records.place(project, number) / "result.json").write_text(result.model_dump_json(), encoding="utf-8")
        await self._sweep(inventory, project, None)
        return result

    async def _undo(self, rollout: Rollout, project: str) -> tuple[Finding, ...]:
        found = await rollout.undo()
        record = self._records.read(project)
        if record.trying is not None:
            folder = self._records.place(project, record.trying.number)
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
        self._records.write(project, record.model_copy(update={"trying": None}))
        return found


def _answers(live: Live) -> Deployed:
    return Deployed(deployment=Deployment(target=DeployTarget.COMPOSE, url=live.url, healthy=True))


def _open(url: str) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", urllib.parse.urlsplit(url).port or 80), timeout=0.5):
            return True
    except OSError:
        return False
