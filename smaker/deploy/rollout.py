"""One deployment: its files are judged, its images built, it is tried on data of its own beside what runs, and only
then does it take the place of what runs. Every part can be done again after a crash, and finds what is there."""

from __future__ import annotations

import asyncio
import json
import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from smaker.core.counting import counted
from smaker.core.errors import Unavailable
from smaker.core.faults import crashpoint
from smaker.core.models import Finding, Project, Severity
from smaker.core.ports import Kept, Release
from smaker.core.profile import Profile
from smaker.deploy.engine import TAIL, DockerEngine
from smaker.deploy.failures import (
    DeployFailed,
    build_failed,
    crashed,
    not_back,
    port_taken,
    refused,
    start_failed,
    too_slow,
)
from smaker.deploy.inventory import LIVE, TRIAL, Inventory
from smaker.deploy.judging import Judged, Port, composed, judge
from smaker.deploy.probing import Seen, Transcript, Wanted, check_ports, published, wait_until_well
from smaker.deploy.records import LABEL_DEPLOYMENT, LABEL_HOME, Live, Record, Records, Trying
from smaker.deploy.sources import check_references, compose_file, dockerfile_report, lay_out

MAX_IMAGE = 4 << 30  # bytes
MASKED = "[masked]"
SECRET_LENGTH = 8  # characters from which a value of .env is looked for in build arguments


@dataclass(frozen=True)
class Patience:
    """How long each part may take, in seconds."""

    build: float = 1200
    start: float = 300  # images of others are fetched, too
    health: float = 90
    smoke: float = 120
    others: float = 60  # until another process is done with this project


class Rollout:
    """The deployment ``number`` of a project."""

    def __init__(
        self,
        engine: DockerEngine,
        records: Records,
        project: Project,
        profile: Profile,
        release: Release,
        *,
        number: int,
        hold: int,
        patience: Patience,
    ) -> None:
        self._engine = engine
        self._records = records
        self._inventory = Inventory(engine, records)
        self._project = project
        self._profile = profile
        self._release = release
        self._number = number
        self._hold = hold
        self._patience = patience
        self._folder = records.place(project.id, number)
        self._judged: Judged | None = None
        self._images: dict[str, str] = {}
        self._made: list[Mapping[str, Any]] = []
        self._log = ""
        self._private: frozenset[str] = frozenset()
        self.transcript = Transcript(release.say)
        self.warnings: list[Finding] = []

    async def make(self) -> Live:
        """Do it all. Raises DeployFailed, Unavailable; what there is of it then is for `undo`."""
        await self._judge()
        await self._build()
        await self._try()
        return await self._take_over()

    async def undo(self) -> tuple[Finding, ...]:
        """Remove all there is of this deployment, and have the one before it up again; return why that is not so."""
        project = self._project.id
        log = self._folder / "build.log"
        await self._inventory.remove(project, self._number)
        if log.is_file():
            await self._inventory.remove_layers(log.read_text(encoding="utf-8", errors="replace"))
        live = self._records.read(project).live
        if live is None or live.number == self._number:
            return ()
        try:
            if await self._inventory.start(project, live.number):
                self._release.say(f"{live.url} answers as before\n")
        except Unavailable as error:
            return not_back(live.url, error.message).findings
        return ()

    def masked(self, text: str) -> str:
        """Text without the values of the user's .env."""
        for value in self._private:
            text = text.replace(value, MASKED)
        return text

    def kept(self) -> tuple[Kept, ...]:
        """What is to be kept of it: images, logs, health."""
        build = self._folder / "build.log"
        text = build.read_text(encoding="utf-8", errors="replace")[-TAIL:] if build.is_file() else ""
        return (
            Kept(kind="health", name="health.txt", media_type="text/plain", text=str(self.transcript)),
            Kept(
                kind="log",
                name="deployment.log",
                media_type="text/plain",
                text=self.masked(f"{text}{self._log}")[-TAIL:],
            ),
            Kept(
                kind="image", name="images.json", media_type="application/json", text=json.dumps(self._made, indent=2)
            ),
        )

    # --- the files ----------------------------------------------------------------------------------------------------

    async def _judge(self) -> None:
        name = compose_file([*self._release.files])
        if name is None:
            raise DeployFailed("E_DEPLOY_COMPOSE", "The project has no compose.yaml")
        source = self._folder / "source"
        await asyncio.to_thread(lay_out, self._release.files, source)
        await asyncio.to_thread(check_references, source, name)
        private = Path(self._project.workspace) / ".env"
        variables = private if private.is_file() and not private.is_symlink() else Path(os.devnull)
        merged = await self._merged(source, name, variables)
        judged = await asyncio.to_thread(judge, merged, source)
        self._private = _private_values(variables)
        _keep_out_of_images(judged, self._private)
        for build in judged.builds:
            text = (source / build.dockerfile).read_text(encoding="utf-8", errors="replace")
            self.warnings += dockerfile_report(build.dockerfile, text)
        self.warnings += judged.warnings
        self._judged = judged

    async def _merged(self, source: Path, name: str, variables: Path) -> dict[str, Any]:
        words = ["compose", "--file", str(source / name), "--project-directory", str(source)]
        words += ["--project-name", self._name(TRIAL), "--env-file", str(variables), "config"]
        what = "docker compose config"
        ended = await self._engine.run(*words, "--format", "json", timeout_s=60, what=what, separate=True)
        if ended.code:
            said = await self._engine.run(*words, "--quiet", timeout_s=60, what=what)
            last = (said.output.strip().splitlines() or ["Compose cannot read it"])[-1].replace(f"{source}/", "")
            raise DeployFailed("E_DEPLOY_COMPOSE", f"{name}: {last}", evidence=said.output, file=name)
        return json.loads(ended.output)

    @property
    def _plan(self) -> Judged:
        assert self._judged is not None
        return self._judged

    @property
    def _main(self) -> Port:
        """The port that users come to: the profile's, or the only one."""
        open_ports = [port for port in self._plan.ports if port.protocol == "tcp"]
        chosen = [port for port in open_ports if port.target == self._profile.port] or open_ports
        if len(chosen) != 1:
            wanted = self._profile.port or "of the software"
            message = f"{len(chosen) or 'No'} services publish the port {wanted}: one should"
            raise DeployFailed("E_DEPLOY_PORTS", message)
        return chosen[0]

    # --- the images ---------------------------------------------------------------------------------------------------

    async def _build(self) -> None:
        _ = self._main  # a file that publishes nothing is not worth a build
        source, log = self._folder / "source", self._folder / "build.log"
        labels = {LABEL_HOME: self._records.mark, LABEL_DEPLOYMENT: self._release.key}
        for build in self._plan.builds:
            tag = self._inventory.tag(self._project.id, build.service, self._number)
            self._images[build.service] = tag
            there = await self._inventory.image(tag)
            if there is None or (there["Config"].get("Labels") or {}).get(LABEL_DEPLOYMENT) != self._release.key:
                words = ["build", "--force-rm", "--tag", tag, "--file", str(source / build.dockerfile)]
                for key, value in labels.items():
                    words += ["--label", f"{key}={value}"]
                for key, value in build.args.items():
                    words += ["--build-arg", f"{key}={value.replace('$$', '$')}"] if value is not None else []
                words += ["--target", build.target] if build.target else []
                crashpoint("deploy.build")
                await self._built(build.service, [*words, str(source / build.context)], log)
                there = await self._inventory.image(tag)
            assert there is not None
            size = int(there.get("Size") or 0)
            if size > MAX_IMAGE:
                words_of_size = f"The image of {build.service} has {size / 2**30:.1f} GiB, more than {MAX_IMAGE >> 30}"
                raise DeployFailed("E_DEPLOY_SIZE", words_of_size, detail=build.service)
            self._made.append({"service": build.service, "image": tag, "digest": there["Id"], "bytes": size})

    async def _built(self, service: str, words: list[str], log: Path) -> None:
        with log.open("a", encoding="utf-8") as out:  # what a killed build made is read from it

            def heard(text: str) -> None:
                out.write(text)
                out.flush()
                self._release.say(text)

            ended = await self._engine.run(
                *words,
                timeout_s=self._patience.build,
                what=f"Building the image of {service}",
                heard=heard,
                hold=self._hold,
            )
        if ended.code:
            raise build_failed(service, ended.output)

    # --- the trial ----------------------------------------------------------------------------------------------------

    async def _try(self) -> None:
        project, record = self._project.id, self._records.read(self._project.id)
        if record.trying is not None and record.trying.smoked:
            await self._inventory.remove(project, self._number, roles=(TRIAL,))  # its data are used
        await self._up(TRIAL, None, None)
        crashpoint("deploy.run")
        containers = await self._well(TRIAL)
        await check_ports(containers, self._plan.ports, self.transcript)
        trying = Trying(key=self._release.key, number=self._number, smoked=True)
        self._records.write(project, record.model_copy(update={"trying": trying}))
        crashpoint("deploy.smoke")
        await self._smoke(f"http://127.0.0.1:{published(containers, self._main)}")
        self._log = "\n".join([f"--- {entry.service}\n{await self._inventory.log(entry)}" for entry in containers])
        await self._inventory.remove(project, self._number, roles=(TRIAL,))

    async def _smoke(self, url: str) -> None:
        try:
            async with asyncio.timeout(self._patience.smoke):
                found = await self._release.smoke(url)
        except TimeoutError as error:
            raise too_slow("The smoke test", self._patience.smoke) from error
        wrong = [finding for finding in found if finding.severity is Severity.ERROR]
        self.transcript.note(f"smoke test of {url}", counted(len(wrong), "finding"))
        if wrong:
            logs = [await self._inventory.log(entry) for entry in await self._look(TRIAL)]
            failed = DeployFailed("E_DEPLOY_SMOKE", wrong[0].message, evidence="\n".join(logs))
            failed.findings = tuple(wrong)
            raise failed

    # --- the hand-over ------------------------------------------------------------------------------------------------

    async def _take_over(self) -> Live:
        """Stop what runs, start the new one on its ports and data, and remove the old one when the new one is well."""
        project, record = self._project.id, self._records.read(self._project.id)
        ports = self._ports(record)
        record = record.model_copy(update={"ports": {**record.ports, **{str(port): n for port, n in ports.items()}}})
        self._records.write(project, record)
        volumes = await self._inventory.volumes(project, self._plan.volumes)
        before = record.live
        if before is not None:
            await self._inventory.stop(project, before.number)
        crashpoint("deploy.handover")
        if not await self._look(LIVE):
            for number in ports.values():
                if not _free(number):
                    raise port_taken(number)
        await self._up(LIVE, ports, volumes)
        containers = await self._well(LIVE)
        await check_ports(containers, self._plan.ports, self.transcript)
        live = Live(key=self._release.key, number=self._number, url=f"http://127.0.0.1:{ports[self._main]}")
        self._records.write(project, record.model_copy(update={"live": live, "trying": None}))
        crashpoint("deploy.live")
        return live

    def _ports(self, record: Record) -> dict[Port, int]:
        """The ports of this machine: those the project had before, else free ones."""
        taken = set(record.ports.values())
        found: dict[Port, int] = {}
        for port in self._plan.ports:
            number = record.ports.get(str(port)) or _any_free(taken)
            taken.add(number)
            found[port] = number
        return found

    # --- inside -------------------------------------------------------------------------------------------------------

    def _name(self, role: str) -> str:
        return project_name(self._project.id, self._number, role)

    async def _look(self, role: str) -> list[Seen]:
        return await self._inventory.containers(self._project.id, self._number, role)

    async def _up(self, role: str, ports: Mapping[Port, int] | None, volumes: Mapping[str, str] | None) -> None:
        name = self._name(role)
        content = composed(
            self._plan,
            name=name,
            images=self._images,
            labels=self._records.labels(self._project.id, self._number, self._release.key, role),
            ports=ports,
            volumes=volumes,
        )
        file = self._folder / f"{role}.json"
        file.touch(mode=0o600)
        file.write_text(json.dumps(content), encoding="utf-8")
        words = ("up", "--detach", "--no-build", "--quiet-pull")
        ended = await self._engine.compose(
            file, name, *words, timeout_s=self._patience.start, what="Starting the containers", hold=self._hold
        )
        if ended.code:
            for entry in await self._look(role):
                if entry.exit_code and entry.status in {"exited", "dead"} and not _not_started(ended.output):
                    raise crashed(entry.service, entry.exit_code, await self._inventory.log(entry))
            raise start_failed(ended.output)

    async def _well(self, role: str) -> list[Seen]:
        wanted = Wanted(
            look=lambda: self._look(role),
            log=self._inventory.log,
            main=self._main,
            path=self._profile.health or "/",
            exactly=self._profile.health is not None,
            once=self._plan.once,
        )
        return await wait_until_well(wanted, self.transcript, timeout_s=self._patience.health, settled=role == TRIAL)


def project_name(project: str, number: int, role: str) -> str:
    """What Compose calls a deployment."""
    return f"smaker-{project}-{number}".lower() + ("-trial" if role == TRIAL else "")


def _not_started(output: str) -> bool:
    """Whether the engine could not even start a container, so that its exit code says nothing of the software."""
    return "failed to set up container networking" in output or "driver failed programming" in output


def _private_values(variables: Path) -> frozenset[str]:
    """The values of the user's .env that are long enough to be told from other words."""
    lines = variables.read_text(encoding="utf-8", errors="replace").splitlines() if variables.is_file() else []
    values = {line.partition("=")[2].strip().strip("'\"") for line in lines if not line.lstrip().startswith("#")}
    return frozenset(value for value in values if len(value) >= SECRET_LENGTH)


def _keep_out_of_images(judged: Judged, private: frozenset[str]) -> None:
    """Refuse build arguments with a value of the user's .env: they would stay in the image. Raises DeployFailed."""
    for build in judged.builds:
        for key, value in build.args.items():
            if any(secret in (value or "") for secret in private):
                raise refused(f"build.args.{key}", build.service, "a value of .env would stay in the image")


def _free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _any_free(taken: set[int]) -> int:
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            number = int(probe.getsockname()[1])
        if number not in taken:
            return number
