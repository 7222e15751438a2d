"""Deployments on a real engine: what comes up, what takes over, what is left of those that fail."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import socket
import subprocess
import threading
import time
import urllib.request
from contextlib import suppress
from typing import Any

import pytest

from smaker.core.errors import NotFound
from smaker.core.models import DeployTarget, Finding

pytestmark = pytest.mark.timeout(120)


def get(url: str) -> str:
    with urllib.request.urlopen(url, timeout=5) as answer:
        return answer.read().decode()


async def answer(url: str) -> str:
    """The same of a program that has just been started."""
    for _ in range(200):
        with suppress(OSError):
            return await asyncio.to_thread(get, url)
        await asyncio.sleep(0.05)
    return get(url)


def layers(yard: Any) -> list[str]:
    """Images without a name that were made by a step with the project's id in it; other tests make images, too."""
    found: list[str] = []
    for image in yard.docker("images", "--quiet", "--filter", "dangling=true").split():
        looked = subprocess.run(["docker", "history", "--no-trunc", image], capture_output=True, text=True, check=False)
        found += [image] if yard.project.id in looked.stdout else []
    return found


async def ticking(until: asyncio.Future[Any]) -> float:
    """The longest time for which the loop did not get round, in seconds."""
    loop, longest = asyncio.get_running_loop(), 0.0
    while not until.done():
        before = loop.time()
        await asyncio.sleep(0.01)
        longest = max(longest, loop.time() - before)
    return longest


@pytest.mark.attack("D144")
async def test_what_is_deployed_answers_keeps_its_proofs_and_is_fenced_in(yard: Any) -> None:
    deploying = asyncio.ensure_future(yard.deploy())
    assert await ticking(deploying) < 1.0, "something blocks the event loop"
    done = await deploying
    assert done.deployment is not None
    assert done.deployment.target is DeployTarget.COMPOSE
    assert get(done.deployment.url) == "one"
    assert yard.target.current(yard.project.id) == done.deployment

    kept = {entry.name: entry.text for entry in done.kept}
    assert "→ 200 (" in kept["health.txt"]
    assert "Successfully built" in kept["deployment.log"] or "naming to" in kept["deployment.log"]
    assert "the server begins" in kept["deployment.log"]
    (image,) = json.loads(kept["images.json"])
    assert image["digest"].startswith("sha256:")
    assert any("published on every address" in finding.message for finding in done.findings)

    (name,) = yard.left["containers"]
    (about,) = json.loads(yard.docker("inspect", name))
    host = about["HostConfig"]
    assert about["Image"] == image["digest"]
    assert (host["Memory"], host["PidsLimit"], host["NanoCpus"]) == (1 << 30, 512, 2_000_000_000)
    assert host["SecurityOpt"] == ["no-new-privileges:true"]
    assert host["LogConfig"]["Config"] == {"max-size": "5m", "max-file": "2"}
    assert host["RestartPolicy"]["Name"] == "unless-stopped"
    assert {binding["HostIp"] for ports in host["PortBindings"].values() for binding in ports} == {"127.0.0.1"}
    assert about["Config"]["Labels"]["smaker.deployment"] == f"{yard.project.id}.t1"


async def test_the_next_one_takes_over_the_address_and_the_data(yard: Any) -> None:
    first = await yard.deploy()
    get(f"{first.deployment.url}/write")

    async def smoke(url: str) -> list[Finding]:
        assert url != first.deployment.url
        seen = await asyncio.to_thread(get, f"{url}/read"), await asyncio.to_thread(get, first.deployment.url)
        assert seen == ("", "one"), "the trial has data of its own, beside the old one that still answers"
        await asyncio.to_thread(get, f"{url}/write")
        return []

    yard.smoke = smoke
    second = await yard.deploy(yard.software(yard.server("two")), key="t2")
    assert second.deployment.url == first.deployment.url
    assert get(second.deployment.url) == "two"
    assert get(f"{second.deployment.url}/read") == "x"
    project = yard.project.id
    assert yard.on_engine() == {
        "containers": [f"smaker-{project}-2-app-1"],
        "networks": [f"smaker-{project}-2_default"],
        "volumes": [f"smaker-{project}-data"],
        "images": [f"smaker/{project}/app:2"],
    }

    before = yard.docker("inspect", "--format", "{{.Id}} {{.State.StartedAt}}", f"smaker-{project}-2-app-1")
    again = await yard.deploy(yard.software(yard.server("two")), key="t2")
    assert again == second, "what is there is found, with all that was kept of it"
    assert before == yard.docker("inspect", "--format", "{{.Id}} {{.State.StartedAt}}", f"smaker-{project}-2-app-1")

    (container,) = await yard.target.containers(project)
    assert (container.service, container.status, container.restarts) == ("app", "running", 0)
    assert [f"http://127.0.0.1:{port}" for port in container.ports] == [second.deployment.url]

    heard: list[str] = []
    await yard.target.logs(project, heard.append)
    assert "the server begins" in "".join(heard)
    assert await yard.target.stop(project)
    assert not await yard.target.stop(project)
    assert await yard.target.containers(project) == ()
    assert yard.target.current(project) is None
    assert yard.left == yard.nothing | {"images": [f"smaker/{project}/app:2"]}
    with pytest.raises(NotFound):
        await yard.target.logs(project, heard.append)
    yard.smoke = None
    third = await yard.deploy(key="t3")
    assert third.deployment.url == first.deployment.url, "an address is kept"
    assert get(f"{third.deployment.url}/read") == "x"


FAULTS: dict[str, tuple[dict[str, Any], str, str]] = {
    "broken Dockerfile": (
        {"Dockerfile": "FROM python:3.13-slim\nRUN echo {id} > /one\nRUN exit 3\n"},
        "E_DEPLOY_BUILD",
        "failed at `RUN exit 3`",
    ),
    "no such base": ({"Dockerfile": "FROM there-is-no-such-image:1\n"}, "E_DEPLOY_BUILD", "FROM there-is-no-such"),
    "no space": (
        {"Dockerfile": "FROM python:3.13-slim\nRUN cat /dev/zero > /dev/full\n"},
        "E_DEPLOY_SPACE",
        "no space",
    ),
    "no space at run": (
        {"before": "open('/dev/shm/all', 'wb').write(b'x' * (80 << 20))"},
        "E_DEPLOY_CRASH",
        "app ended with exit code 1",
    ),
    "crash": ({"before": "sys.exit('the key is missing')"}, "E_DEPLOY_CRASH", "app ended with exit code 1"),
    "memory": ({"before": "hold = b'x' * (2 << 30)"}, "E_DEPLOY_CRASH", "app ended with exit code 137"),
    "never green": ({"within": "status = 503"}, "E_DEPLOY_HEALTH", "GET /health was never answered"),
    "flapping": ({"within": "status = 200 if COUNT[0] % 3 else 500"}, "E_DEPLOY_HEALTH", "GET /health was never"),
    "hangs": ({"within": "time.sleep(60)"}, "E_DEPLOY_HEALTH", "GET /health was never"),
    "loopback": ({"host": "127.0.0.1"}, "E_DEPLOY_HEALTH", "must listen on 0.0.0.0"),
    "nothing published": (
        {"compose.yaml": "services: {app: {build: .}}\n"},
        "E_DEPLOY_PORTS",
        "No services publish the port 8000",
    ),
    "a port with nothing behind it": (
        {"compose.yaml": "services: {app: {build: ., ports: ['8000', '9000']}}\n"},
        "E_DEPLOY_PORTS",
        "app:9000/tcp is published and nothing listens there",
    ),
    "own check": (
        {"compose.yaml": "services: {app: {build: ., ports: ['8000'], healthcheck: {test: 'false', retries: 1}}}\n"},
        "E_DEPLOY_HEALTH",
        "The health check of app was not green",
    ),
    "no Compose file": ({"compose.yaml": "services: [\n"}, "E_DEPLOY_COMPOSE", "compose.yaml cannot be read"),
    "unset variable": (
        {"compose.yaml": "services: {app: {build: ., ports: ['8000'], environment: {A: '${KEY:?not set}'}}}\n"},
        "E_DEPLOY_COMPOSE",
        "KEY",
    ),
}


SAID = {
    "broken Dockerfile": "returned a non-zero code: 3",
    "no space": "No space left on device",
    "no space at run": "No space left on device",
    "crash": "the key is missing",
    "never green": "→ 503",
}
"""What the evidence of a finding holds, word for word, for whoever mends it."""

HEALTH_S = {"never green": 1.5, "flapping": 1.5, "hangs": 1.5, "loopback": 1.5, "own check": 5}


@pytest.fixture
async def running(yard: Any) -> Any:
    """A yard whose first deployment is up."""
    yard.first = await yard.deploy()
    assert yard.first.deployment is not None
    yard.patience = dataclasses.replace(yard.patience, smoke=2)
    return yard


@pytest.mark.attack("D148")
async def test_each_fault_ends_in_a_finding_and_the_last_good_one_stays_up(running: Any) -> None:
    before = running.on_engine()
    wrong: list[str] = []
    for number, (name, (fault, code, message)) in enumerate(FAULTS.items()):
        files = {key: value for key, value in fault.items() if "." in key or key == "Dockerfile"}
        settings = {key: value for key, value in fault.items() if key not in files}
        given = running.software(running.server("bad", **settings))
        own = running.project.id
        given |= {path: ("100644", text.replace("{id}", own).encode()) for path, text in files.items()}
        running.patience = dataclasses.replace(running.patience, health=HEALTH_S.get(name, 15))
        done = await running.deploy(given, key=f"bad{number}")
        found = done.findings[0]
        told = message in found.message and SAID.get(name, "") in found.evidence
        if done.deployment or not found.signature.startswith(code) or not told:
            wrong.append(f"{name}: {found.signature} {found.message}\n{found.evidence}")
        assert running.on_engine() == before, name
        assert layers(running) == [], name
        assert get(running.first.deployment.url) == "one", name
    assert not wrong, "\n".join(wrong)
    assert running.target.current(running.project.id).healthy


@pytest.mark.attack("D148")
async def test_a_health_path_that_leads_elsewhere_is_not_followed(running: Any) -> None:
    asked: list[bytes] = []

    async def host_service(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.read(100))
        writer.write(b"HTTP/1.0 200 OK\r\n\r\nfine")
        await writer.drain()
        writer.close()

    service = await asyncio.start_server(host_service, "127.0.0.1", 0)
    port = service.sockets[0].getsockname()[1]
    program = running.server(within="status = 302", headers={"Location": f"http://127.0.0.1:{port}/"})
    running.patience = dataclasses.replace(running.patience, health=1.5)
    done = await running.deploy(running.software(program), key="redirect")
    service.close()
    assert done.deployment is None
    assert "→ 302" in done.findings[0].evidence
    assert asked == []


async def test_a_smoke_test_that_fails_and_one_that_hangs_change_nothing(running: Any) -> None:
    before = running.on_engine()

    async def fails(url: str) -> list[Finding]:
        return [Finding(source="deploy", message="GET /books answers 500", signature="smoke")]

    running.smoke = fails
    done = await running.deploy(key="smoke")
    assert done.findings[0].message == "GET /books answers 500"
    assert running.on_engine() == before

    async def hangs(url: str) -> list[Finding]:
        await asyncio.sleep(3600)
        return []

    running.smoke = hangs
    done = await running.deploy(key="hang")
    assert done.findings[0].message == "The smoke test took longer than 2 s"
    assert running.on_engine() == before


@pytest.mark.attack("D148")
async def test_a_build_that_hangs_is_ended_and_one_that_is_cancelled_too(running: Any) -> None:
    before = running.on_engine()
    own = running.project.id
    running.patience = dataclasses.replace(running.patience, build=3)
    slow = running.software(Dockerfile=f"FROM python:3.13-slim\nRUN echo {own} > /slow\nRUN : {own} && sleep 300\n")
    done = await running.deploy(slow, key="slow")
    assert done.findings[0].signature.startswith("E_DEPLOY_TIMEOUT")
    running.patience = dataclasses.replace(running.patience, build=60)
    running.said.clear()
    deploying = asyncio.ensure_future(running.deploy(slow, key="cancelled"))
    await running.heard("&& sleep 300")
    deploying.cancel()
    with pytest.raises(asyncio.CancelledError):
        await deploying
    assert own not in running.docker("ps", "--all", "--no-trunc", "--format", "{{.Command}}")
    assert running.on_engine() == before
    assert layers(running) == []
    assert get(running.first.deployment.url) == "one"


async def test_a_port_that_another_program_took_is_named_and_not_fought_for(yard: Any) -> None:
    first = await yard.deploy()
    await yard.target.stop(yard.project.id)
    port = int(first.deployment.url.rpartition(":")[2])
    with socket.create_server(("127.0.0.1", port)):
        done = await yard.deploy(key="t2")
        assert done.deployment is None
        assert f"Port {port}, where this project answers, is taken" in done.findings[0].message
        assert yard.left == yard.nothing
    assert (await yard.deploy(key="t3")).deployment == first.deployment


async def test_a_port_that_is_taken_while_it_is_handed_over_is_named_and_had_back_later(running: Any) -> None:
    """Between the end of the old containers and the start of the new ones another program is faster."""
    before = running.on_engine()
    port = int(running.first.deployment.url.rpartition(":")[2])
    stopping = threading.Event()
    taken: list[socket.socket] = []

    def take() -> None:
        while not stopping.is_set() and not taken:
            try:
                taken.append(socket.create_server(("127.0.0.1", port)))
            except OSError:
                time.sleep(0.002)

    async def smoke(url: str) -> list[Finding]:
        thread.start()
        return []

    thread = threading.Thread(target=take)
    running.smoke = smoke
    try:
        done = await running.deploy(running.software(running.server("two")), key="t2")
    finally:
        stopping.set()
        thread.join()
        for listener in taken:
            listener.close()
    assert taken, "nobody was faster"
    assert done.deployment is None
    assert done.findings[0].signature.startswith("E_DEPLOY_PORT")
    assert f"{port}" in done.findings[0].message
    assert done.findings[1].signature == "E_DEPLOY_BACK", "it is said that nothing answers now"
    assert "address already in use" in done.findings[1].evidence
    assert running.on_engine() == before, "the new one is gone, the last good one is kept"
    running.smoke = None
    again = await running.deploy(key="t1")
    assert again.deployment == running.first.deployment
    assert await answer(running.first.deployment.url) == "one"


async def test_a_hand_over_that_fails_gives_back(running: Any) -> None:
    """The new one is well on data of its own, and not on the data there is."""
    get(f"{running.first.deployment.url}/write")
    before = running.on_engine()
    program = running.server("new", before="if os.path.exists('/data/written'): sys.exit('unknown data')")
    done = await running.deploy(running.software(program), key="t2")
    assert done.deployment is None
    assert "unknown data" in done.findings[0].evidence
    assert running.on_engine() == before
    for _ in range(50):
        if running.target.current(running.project.id).healthy:
            break
        await asyncio.sleep(0.1)
    await asyncio.sleep(0.5)
    assert get(f"{running.first.deployment.url}/read") == "x"
