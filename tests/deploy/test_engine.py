"""The engine itself: what is said where it is missing, and that no credential reaches it."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from smaker.core.errors import Unavailable
from smaker.deploy.engine import connect, open_client
from smaker.deploy.failures import DeployFailed, build_failed, start_failed

pytestmark = pytest.mark.timeout(120)

SECRET = "correct-horse-battery"


async def said(folder: Path, **environ: str) -> tuple[str, str]:
    """How connecting fails: the error's code and its hint."""
    with pytest.raises(Unavailable) as raised:
        await connect(folder, {"PATH": os.environ["PATH"], **environ})
    return raised.value.code, raised.value.hint


@pytest.mark.attack("D150")
async def test_what_is_missing_is_named_with_its_remedy(
    engine: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, hint = await said(tmp_path, DOCKER_HOST=f"unix://{tmp_path}/nothing.sock")
    assert (code, "systemctl start docker" in hint) == ("E_DOCKER_AWAY", True)
    code, hint = await said(tmp_path, DOCKER_HOST="tcp://192.0.2.1:2375")
    assert (code, "docker context use default" in hint) == ("E_DOCKER_REMOTE", True)
    code, hint = await said(tmp_path, PATH=str(tmp_path))
    assert code == "E_DOCKER_COMMAND"
    (tmp_path / "docker").write_text("#!/bin/sh\necho \"docker: 'compose' is not a docker command.\" >&2\nexit 1\n")
    (tmp_path / "docker").chmod(0o755)
    code, hint = await said(tmp_path, PATH=f"{tmp_path}:{os.environ['PATH']}")
    assert (code, "Compose plug-in" in hint) == ("E_DOCKER_COMPOSE", True)
    monkeypatch.setitem(sys.modules, "docker", None)
    code, hint = await said(tmp_path)
    assert (code, "pip install 'smaker[deploy]'" in hint) == ("E_DOCKER_SDK", True)


@pytest.mark.attack("D150")
def test_an_engine_that_may_not_be_used_says_who_may(engine: None, tmp_path: Path) -> None:
    place = tmp_path / "engine.sock"
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(place))
        listening.listen()
        place.chmod(0)
        if os.geteuid():
            with pytest.raises(Unavailable) as raised:
                open_client({"DOCKER_HOST": f"unix://{place}"})
            assert (raised.value.code, "usermod" in raised.value.hint) == ("E_DOCKER_PERMISSION", True)
            return
        if shutil.which("setpriv") is None:
            pytest.fail("setpriv is needed, of util-linux")
        code = (
            "import os, sys\nfrom smaker.deploy.engine import open_client\n"
            "os.setgroups([]); os.setgid(12345); os.setuid(12345)\n"
            "try:\n    open_client({'DOCKER_HOST': sys.argv[1]})\n"
            "except Exception as error:\n    print(error.code, error.hint)\n"
        )
        for folder in (tmp_path, *tmp_path.parents):
            if folder.stat().st_uid == 0 and folder != Path("/"):
                folder.chmod(folder.stat().st_mode | 0o011)
        code = "import docker, requests, docker.context\n" + code  # what is imported later may be unreadable by then
        ran = subprocess.run(
            [sys.executable, "-c", code, f"unix://{place}"], capture_output=True, text=True, check=False
        )
    assert ran.stdout.startswith("E_DOCKER_PERMISSION"), ran.stderr
    assert "usermod -aG docker" in ran.stdout


def test_the_doctor_says_it(engine: None, tmp_path: Path) -> None:
    words = [sys.executable, "-m", "smaker", "--home", str(tmp_path / "home"), "doctor", "--json"]

    def docker_line(**variables: str) -> dict[str, str]:
        ran = subprocess.run(words, capture_output=True, text=True, check=False, env={**os.environ, **variables})
        return next(line for line in json.loads(ran.stdout) if line["name"] == "docker")

    assert docker_line()["state"] == "ok"
    assert "Compose" in docker_line()["detail"]
    away = docker_line(DOCKER_HOST=f"unix://{tmp_path}/nothing.sock")
    assert (away["state"], "systemctl" in away["remedy"]) == ("missing", True)


async def test_a_full_disk_is_told_from_other_faults(engine: None, tmp_path: Path) -> None:
    from docker.errors import APIError

    docker = await connect(tmp_path)

    def full(_: Any) -> None:
        raise APIError("500 Server Error", explanation="mkdir /var/lib/docker/x: no space left on device")

    def other(_: Any) -> None:
        raise APIError("500 Server Error", explanation="something else")

    with pytest.raises(DeployFailed) as failed:
        await docker.call(full)
    assert failed.value.code == "E_DEPLOY_SPACE"
    with pytest.raises(Unavailable):
        await docker.call(other)
    await docker.close()


@pytest.mark.parametrize(
    ("output", "code", "says"),
    [
        ("Step 2/3 : RUN make\n ---> Running in 1\nmake: no", "E_DEPLOY_BUILD", "at `RUN make`"),
        ("#6 [app 2/3] RUN make\n#6 ERROR: no", "E_DEPLOY_BUILD", "at `RUN make`"),
        ("write /x: no space left on device", "E_DEPLOY_SPACE", "docker system df"),
    ],
)
def test_a_failed_build_names_its_step_in_both_builders(output: str, code: str, says: str) -> None:
    failed = build_failed("app", output)
    assert failed.code == code
    assert says in failed.message


@pytest.mark.parametrize(
    ("output", "code"),
    [
        ("Bind for 127.0.0.1:8000 failed: port is already allocated", "E_DEPLOY_PORT"),
        ("listen tcp4 127.0.0.1:8000: bind: address already in use", "E_DEPLOY_PORT"),
        ("no space left on device", "E_DEPLOY_SPACE"),
        ("something else", "E_DEPLOY_START"),
    ],
)
def test_a_start_that_fails_says_why(output: str, code: str) -> None:
    assert start_failed(output).code == code


@pytest.mark.attack("D146")
async def test_no_credential_reaches_a_build_an_image_or_a_log(yard: Any, canaries: Any, tmp_path: Path) -> None:
    """The environment and the home hold keys; the user's .env is for the running software alone."""
    (Path(yard.project.workspace) / ".env").write_text(f"# mine\nAPI_SECRET='{SECRET}'\n")
    compose = (
        "services: {app: {build: {context: ., args: {VERSION: '1'}}, ports: ['8000'], "
        "environment: {API_SECRET: '${API_SECRET}', OPENAI_API_KEY: }}}\n"
    )
    files = yard.software(
        yard.server(before="print('my environment', dict(os.environ), flush=True)"),
        Dockerfile="FROM smaker-tests/server:1\nARG VERSION\nRUN env > /env; cat /env; ls -a /root\nCOPY . .\n",
    ) | {"compose.yaml": ("100644", compose.encode())}
    done = await yard.deploy(files)
    assert done.deployment is not None
    (image,) = yard.left["images"]
    (container,) = yard.left["containers"]
    inside = yard.docker("run", "--rm", "--entrypoint", "sh", image, "-c", "cat /env; find /app -type f | xargs cat")
    history = yard.docker("history", "--no-trunc", image) + yard.docker("inspect", image)
    kept = done.model_dump_json()
    for text in (inside, history, kept, "".join(yard.said)):
        assert canaries.core not in text
        assert SECRET not in text
    assert "VERSION=1" in inside
    assert "my environment" in kept
    running = yard.docker("inspect", "--format", "{{json .Config.Env}}", container)
    assert f"API_SECRET={SECRET}" in running
    assert canaries.core not in running, "what Compose takes from the environment is empty there"

    asked = compose.replace("VERSION: '1'", "VERSION: '${API_SECRET}'")
    done = await yard.deploy(files | {"compose.yaml": ("100644", asked.encode())}, key="t2")
    assert done.findings[0].message == (
        "deploy refused: build.args.VERSION at app (a value of .env would stay in the image)"
    )


async def test_a_command_that_hangs_is_ended_with_all_it_started(engine: None, tmp_path: Path) -> None:
    docker = await connect(tmp_path)
    begun = asyncio.get_running_loop().time()
    with pytest.raises(DeployFailed, match="waiting took longer than 1 s"):
        await docker.run("events", timeout_s=1, what="waiting")
    assert asyncio.get_running_loop().time() - begun < 5
    await docker.close()
