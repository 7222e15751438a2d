"""A smaker that is killed while it deploys: the same deployment is then found, goes on, and leaves nothing behind."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.timeout(150)]

BUILDER = Path(__file__).with_name("builder.py")


async def start(yard: Any, files: Mapping[str, tuple[str, bytes]], key: str, **variables: str) -> Any:
    given = {
        "home": str(yard.home),
        "project": yard.project.model_dump(mode="json"),
        "profile": yard.profile.model_dump(mode="json"),
        "key": f"{yard.project.id}.{key}",
        "files": {path: (mode, data.decode()) for path, (mode, data) in files.items()},
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(BUILDER),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, **variables},
    )
    process.stdin.write(json.dumps(given).encode())
    process.stdin.close()
    return process


def answer(url: str) -> str:
    with urllib.request.urlopen(url, timeout=5) as reply:
        return reply.read().decode()


class Starts:
    """Counts how often containers of a project were started, as the engine tells it."""

    def __init__(self, yard: Any) -> None:
        self._yard = yard
        self._since = f"{time.time():.9f}"

    def by_name(self) -> Counter[str]:
        words = ("events", "--since", self._since, "--until", f"{time.time():.9f}", "--filter", "event=start")
        label = f"label=smaker.project={self._yard.project.id}"
        told = self._yard.docker(*words, "--filter", label, "--format", "{{.Actor.Attributes.name}}")
        return Counter(told.split())


STARTED = {
    "build": {"trial": 1, "live": 1},
    "run": {"trial": 1, "live": 1},
    "smoke": {"trial": 2, "live": 1},
    "in the smoke test": {"trial": 2, "live": 1},
    "handover": {"trial": 2, "live": 1},
    "live": {"trial": 1, "live": 1},
}
"""How often each is started, over the death and what comes after it. A trial that was tried is made anew: what the test
wrote would be found by the next one."""


@pytest.mark.attack("D149")
async def test_killed_at_any_point_the_same_deployment_goes_on(yard: Any) -> None:
    first = await yard.deploy()
    project = yard.project.id
    for number, point in enumerate(["build", "run", "smoke", "in the smoke test", "handover", "live"], 2):
        files = yard.software(yard.server(f"version {number}"))
        starts = Starts(yard)
        how = {"DIE_IN_SMOKE": "1"} if point.startswith("in") else {"SMAKER_CRASH_AT": f"deploy.{point}:1"}
        killed = await start(yard, files, f"t{number}", **how)
        said = (await killed.communicate())[1].decode()
        assert killed.returncode == -signal.SIGKILL, said
        if point not in {"handover", "live"}:
            assert answer(first.deployment.url) == "one" if number == 2 else f"version {number - 1}", point
        mine = f"name=smaker-{project}-{number}"
        there = set(yard.docker("ps", "--quiet", "--filter", mine).split())
        yard.said.clear()
        resumed = await yard.deploy(files, key=f"t{number}")
        assert resumed.deployment == first.deployment, point
        assert answer(first.deployment.url) == f"version {number}", point
        assert yard.on_engine() == {
            "containers": [f"smaker-{project}-{number}-app-1"],
            "networks": [f"smaker-{project}-{number}_default"],
            "volumes": [f"smaker-{project}-data"],
            "images": [f"smaker/{project}/app:{number}"],
        }, point
        assert ("Step 1/" in "".join(yard.said)) == (point == "build"), f"{point}: what is built is not built again"
        named = {"trial": f"smaker-{project}-{number}-trial-app-1", "live": f"smaker-{project}-{number}-app-1"}
        assert starts.by_name() == {named[role]: count for role, count in STARTED[point].items()}, point
        if point == "live":
            assert there == set(yard.docker("ps", "--quiet", "--filter", mine).split()), "it is not started twice"


@pytest.mark.attack("D149")
async def test_killed_in_a_build_the_engine_stops_it_and_it_is_built_once(yard: Any) -> None:
    own = yard.project.id.upper()
    files = yard.software(Dockerfile=f"FROM smaker-tests/server:1\nRUN echo {own} && sleep 4\nCOPY server.py .\n")
    killed = await start(yard, files, "t1")
    while b"Running in" not in (line := await killed.stderr.readline()) and b"RUN echo" not in line:
        assert line, "it ended"
    await asyncio.sleep(0.7)
    killed.kill()
    await killed.wait()
    done = await yard.deploy(files, key="t1")
    assert answer(done.deployment.url) == "one"
    assert own not in yard.docker("ps", "--all", "--no-trunc", "--format", "{{.Command}}")
    assert len(yard.left["images"]) == len(yard.left["containers"]) == 1


@pytest.mark.attack("D149")
async def test_what_a_killed_one_left_is_removed_by_the_next_and_by_clean(yard: Any) -> None:
    killed = await start(yard, yard.software(), "t1", SMAKER_CRASH_AT="deploy.run:1")
    await killed.communicate()
    assert yard.left["containers"] == [f"smaker-{yard.project.id}-1-trial-app-1"]
    killed = await start(yard, yard.software(), "t2", SMAKER_CRASH_AT="deploy.run:1")
    await killed.communicate()
    assert yard.left["containers"] == [f"smaker-{yard.project.id}-2-trial-app-1"], "the first was swept away"
    stranger = yard.docker(
        "run",
        "--detach",
        "--rm",
        "--name",
        f"{yard.project.id}-stranger",
        "--label",
        f"smaker.project={yard.project.id}-else",
        "smaker-tests/server:1",
        "sleep",
        "60",
    ).strip()
    try:
        cleaned = await yard.target.clean(keep=[yard.project.id])
        assert cleaned.containers == 1
        assert yard.left == yard.nothing
        assert stranger[:12] in yard.docker("ps", "--quiet")
    finally:
        yard.docker("rm", "--force", stranger)
    await yard.target.clean(yard.project.id)
    assert yard.on_engine() == yard.nothing | {"volumes": []}
    assert not list((yard.home / "deployments").glob(f"{yard.project.id}*.json"))


@pytest.mark.attack("D147")
async def test_names_and_labels_of_others_are_never_taken(yard: Any) -> None:
    """Another Compose project has the name ours would get, and a volume the name of our data."""
    project = yard.project.id
    name = f"smaker-{project}-1-trial"
    label = ("--label", f"com.docker.compose.project={name}", "--label", "com.docker.compose.service=app")
    theirs = yard.docker(
        "run", "--detach", *label, "--name", f"{project}-theirs", "smaker-tests/server:1", "sleep", "60"
    )
    yard.docker("volume", "create", f"smaker-{project}-data")
    try:
        done = await yard.deploy()
        assert answer(f"{done.deployment.url}/write") == "one"
        (ours,) = yard.left["containers"]
        assert ours == f"smaker-{project}-2-app-1", "a free number was taken"
        assert f"smaker-{project}-data-" in yard.docker("inspect", "--format", "{{json .Mounts}}", ours)
        await yard.target.clean(project)
        assert theirs.strip()[:12] in yard.docker("ps", "--quiet")
        assert f"smaker-{project}-data" in yard.docker("volume", "ls", "--format", "{{.Name}}").split()
    finally:
        yard.docker("rm", "--force", f"{project}-theirs")
        yard.docker("volume", "rm", f"smaker-{project}-data")
