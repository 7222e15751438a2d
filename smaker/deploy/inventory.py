"""What the engine has of ours, found by our labels alone: containers, networks, volumes, images. Nothing else is ever
stopped or removed."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from smaker.deploy.engine import DockerEngine
from smaker.deploy.probing import Seen, seen
from smaker.deploy.records import LABEL_HOME, LABEL_PROJECT, LABEL_RELEASE, Records

if TYPE_CHECKING:
    from docker import DockerClient

HELD_S = 5
STOP_S = 10  # how long software may take to end by itself
LOG_LINES = 100
DATA, TRIAL, LIVE, IMAGE = "data", "trial", "live", "image"

_BUILT = re.compile(r"^Step \d+/\d+ : (\w+)|^( ---> Using cache)|^ ---> ([0-9a-f]{12})$", re.MULTILINE)


class Inventory:
    """The engine's things that belong to one home."""

    def __init__(self, engine: DockerEngine, records: Records) -> None:
        self._engine = engine
        self._records = records

    async def containers(self, project: str, number: int, role: str) -> list[Seen]:
        """The containers of a deployment, by service."""
        filters = self._records.ours(project, release=number, role=role)
        return await self._engine.call(lambda client: [seen(entry) for entry in _inspected(client, filters)])

    async def numbers(self, project: str) -> set[int]:
        """The numbers of all deployments of which anything is left."""
        labels = await self._engine.call(partial(_labels, filters=self._records.ours(project)))
        tags = await self._engine.call(partial(_tags, filters=self._images(project, None)))
        found = {entry.get(LABEL_RELEASE, "") for entry in labels} | {tag.rpartition(":")[2] for tag in tags}
        return {int(number) for number in found if number.isdigit()}

    async def projects(self) -> set[str]:
        """All projects of which anything is left, data included."""
        labels = await self._engine.call(partial(_labels, filters=self._records.ours()))
        tags = await self._engine.call(partial(_tags, filters=self._records.ours()))
        return {entry[LABEL_PROJECT] for entry in labels} | {tag.split("/")[1] for tag in tags}

    @staticmethod
    def tag(project: str, service: str, number: int) -> str:
        """The name of an image: it says of which deployment it is, for each label costs a layer."""
        return f"smaker/{project}/{service}:{number}".lower()

    def _images(self, project: str, number: int | None) -> dict[str, list[str]]:
        return self._records.ours() | {"reference": [self.tag(project, "*", 0).replace(":0", f":{number or '*'}")]}

    async def foreign(self, *names: str) -> bool:
        """Whether a Compose project of one of these names is somebody else's: Compose would take it for ours."""

        def look(client: DockerClient) -> bool:
            found: list[Mapping[str, Any]] = []
            for name in names:
                filters = {"label": [f"com.docker.compose.project={name}"]}
                found += client.api.containers(all=True, filters=filters)
                found += client.api.networks(filters=filters)
            return any((entry["Labels"] or {}).get(LABEL_HOME) != self._records.mark for entry in found)

        return await self._engine.call(look)

    async def log(self, entry: Seen) -> str:
        """The last lines of a container's output."""

        def look(client: DockerClient) -> str:
            from docker.errors import NotFound  # noqa: PLC0415

            try:
                raw = client.api.logs(entry.id, tail=LOG_LINES, timestamps=False)
            except NotFound:
                return ""
            return raw.decode("utf-8", "replace")

        return await self._engine.call(look)

    async def stop(self, project: str, number: int) -> None:
        """End the containers of a deployment; they stay, so that they can be started again."""
        filters = self._records.ours(project, release=number, role=LIVE)

        def end(client: DockerClient) -> None:
            for entry in client.api.containers(filters=filters):
                _if_there(client.api.stop, entry["Id"], timeout=STOP_S)

        await self._engine.call(end)

    async def start(self, project: str, number: int) -> bool:
        """Start the containers of a deployment that do not run; whether there are any at all."""
        filters = self._records.ours(project, release=number, role=LIVE)

        def begin(client: DockerClient) -> bool:
            found = client.api.containers(all=True, filters=filters)
            for entry in found:
                if entry["State"] != "running":
                    client.api.start(entry["Id"])
            return bool(found)

        return await self._engine.call(begin)

    async def remove(self, project: str, number: int | None, *, roles: Sequence[str] = (TRIAL, LIVE, IMAGE)) -> int:
        """Remove what there is of a deployment (None: of all), by role; return how many containers that were. Volumes
        with data are a role of their own."""
        removed = 0
        for role in roles:
            if role == IMAGE:
                await self._engine.call(partial(_remove_images, filters=self._images(project, number)))
            else:
                filters = self._records.ours(project, release=None if role == DATA else number, role=role)
                removed += await self._engine.call(partial(_remove, filters=filters))
        return removed

    async def remove_layers(self, build_log: str) -> None:
        """Remove what a build without end has left: the images it made on its way that nothing was made of."""
        made: list[str] = []
        step, cached = "", False
        for match in _BUILT.finditer(build_log):
            if match[1]:
                step, cached = match[1], False
            elif match[2]:
                cached = True
            elif step != "FROM" and not cached:
                made.append(match[3])

        def remove(client: DockerClient) -> None:
            for identifier in reversed(made):
                for _ in range(HELD_S * 5):  # the container of the step that was ended is being removed
                    if not _if_there(client.api.remove_image, identifier):
                        break
                    time.sleep(0.2)

        await self._engine.call(remove)

    async def volumes(self, project: str, names: Sequence[str]) -> dict[str, str]:
        """Make the volumes for a project's data that are not there yet; return their names on this engine."""
        made = {name: f"smaker-{project}-{name}".lower() for name in names}
        labels = {
            key: value
            for key, value in self._records.labels(project, 0, "", DATA).items()
            if key not in {LABEL_RELEASE, "smaker.deployment"}
        }

        def make(client: DockerClient) -> dict[str, str]:
            for name, full in made.items():
                there = client.api.volumes(filters={"name": full})["Volumes"] or []
                theirs = [
                    entry
                    for entry in there
                    if entry["Name"] == full and (entry["Labels"] or {}).get(LABEL_HOME) != self._records.mark
                ]
                if theirs:
                    made[name] = f"{full}-{self._records.mark}"  # that name is somebody else's
                client.api.create_volume(made[name], labels=labels)  # idempotent
            return made

        return await self._engine.call(make)

    async def image(self, name: str) -> Mapping[str, Any] | None:
        """What the engine says of an image; None if it is not there."""

        def look(client: DockerClient) -> Mapping[str, Any] | None:
            from docker.errors import NotFound  # noqa: PLC0415

            try:
                return client.api.inspect_image(name)
            except NotFound:
                return None

        return await self._engine.call(look)


def _labels(client: DockerClient, filters: Mapping[str, Any]) -> list[Mapping[str, str]]:
    """The labels of all containers, networks and volumes."""
    found = [*client.api.containers(all=True, filters=dict(filters)), *client.api.networks(filters=dict(filters))]
    found += client.api.volumes(filters=dict(filters))["Volumes"] or ()
    return [entry["Labels"] or {} for entry in found]


def _tags(client: DockerClient, filters: Mapping[str, Any]) -> list[str]:
    """The names we gave to images."""
    found = client.api.images(filters=dict(filters))
    return [tag for entry in found for tag in entry["RepoTags"] or () if tag.startswith("smaker/")]


def _inspected(client: DockerClient, filters: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    from docker.errors import NotFound  # noqa: PLC0415

    found: list[Mapping[str, Any]] = []
    for entry in client.api.containers(all=True, filters=dict(filters)):
        try:
            found.append(client.api.inspect_container(entry["Id"]))
        except NotFound:
            continue
    return sorted(found, key=lambda entry: str(entry["Name"]))


def _remove(client: DockerClient, filters: Mapping[str, Any]) -> int:
    containers = client.api.containers(all=True, filters=dict(filters))
    for entry in containers:
        _if_there(client.api.remove_container, entry["Id"], v=True, force=True)
    for entry in client.api.networks(filters=dict(filters)):
        _if_there(client.api.remove_network, entry["Id"])
    for entry in client.api.volumes(filters=dict(filters))["Volumes"] or []:
        _if_there(client.api.remove_volume, entry["Name"])
    return len(containers)


def _remove_images(client: DockerClient, filters: Mapping[str, Any]) -> None:
    for entry in client.api.images(filters=dict(filters)):
        ours = [tag for tag in entry["RepoTags"] or [] if tag.startswith("smaker/")]
        for name in ours or [entry["Id"]]:
            _if_there(client.api.remove_image, name)


def _if_there(remove: Callable[..., object], name: str, **how: object) -> bool:
    """Remove, or leave what is gone already or in use by somebody else; whether a container uses it."""
    from docker.errors import APIError  # noqa: PLC0415

    try:
        remove(name, **how)
    except APIError as error:
        if error.status_code not in {404, 409}:
            raise
        return error.status_code == 409 and "container" in str(error.explanation)
    return False
