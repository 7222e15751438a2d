"""A prompt that ends as containers which answer: the program as its user has it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from smaker.agents.exhibits import exhibit_checks
from smaker.core.bundle import packed, unpacked

PROMPT = "A REST API to track books (title, author, year) and loans (book, borrower, due date)"


def smaker(home: Path, *words: str, code: int = 0, **variables: str) -> Any:
    ran = subprocess.run(
        [sys.executable, "-m", "smaker", "--home", str(home), *words, "--json"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **variables},
    )
    assert ran.returncode == code, f"{words}: {ran.returncode}\n{ran.stdout}\n{ran.stderr}"
    return json.loads(ran.stdout)


def get(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=10) as answer:
        return json.load(answer)


def _proof_shows(file: str, run_docker: Any) -> None:
    """The bundle names the very image that the engine has, and its health; neither can be said otherwise."""
    bundle = unpacked(Path(file))
    about = bundle.claims.about
    [check] = exhibit_checks(bundle, {about.tree: about.head})
    [image] = json.loads(bundle.files["artifacts/image/images.json"])
    assert image["digest"] == run_docker("image", "inspect", "--format", "{{.Id}}", image["image"]).strip()
    assert check.ok
    assert f"app {image['digest']}; answered, healthy" == check.seen
    [unknown] = exhibit_checks(bundle, {})
    assert not unknown.ok
    for name, old, new in (
        ("artifacts/image/images.json", b"sha256:", b"sha256:0"),
        ("artifacts/health/health.txt", b"200", b"500"),
        ("exhibits.json", image["digest"].encode(), b"sha256:" + b"0" * 64),
    ):
        forged, _ = packed({**bundle.files, name: bundle.files[name].replace(old, new)})
        changed = Path(file).with_name("forged.proof")
        changed.write_bytes(forged)
        [caught] = exhibit_checks(unpacked(changed), {about.tree: about.head})
        assert not caught.ok, name


@pytest.mark.slow
@pytest.mark.sandbox
@pytest.mark.registry
@pytest.mark.attack("D150")
@pytest.mark.timeout(400)
def test_a_prompt_ends_deployed_and_answers_over_its_port(engine: None, tmp_path: Path, run_docker: Any) -> None:
    home = tmp_path / "home"
    paused = smaker(home, "init", PROMPT, "--deploy", "compose", code=4, DOCKER_HOST=f"unix://{tmp_path}/none.sock")
    project = paused["id"]
    assert paused["error"]["code"] == "E_DOCKER_AWAY"
    assert paused["tests"]["failed"] == 0
    try:
        status = smaker(home, "resume", project)
        assert status["state"] == "DEPLOYED", status["error"]
        where = status["deployment"]
        assert (where["target"], where["healthy"]) == ("compose", True)
        posted = urllib.request.Request(
            f"{where['url']}/books",
            data=json.dumps({"title": "Emma", "author": "Jane Austen", "year": 1815}).encode(),
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(posted, timeout=10) as answer:
            assert answer.status == 201
        assert {entry["kind"] for entry in smaker(home, "artifacts", project)} >= {"health", "log", "image"}
        assert smaker(home, "replay", project)["equal"]
        [container] = run_docker("ps", "--quiet", "--filter", f"publish={where['url'].rpartition(':')[2]}").split()
        run_docker("pause", container)
        assert smaker(home, "status", project)["deployment"] == {**where, "healthy": False}
        run_docker("unpause", container)
        assert smaker(home, "status", project)["deployment"] == where
        _proof_shows(smaker(home, "export", project, str(tmp_path / "books.proof"), "--proof")["file"], run_docker)

        killed = subprocess.run(
            [sys.executable, "-m", "smaker", "--home", str(home), "deploy", project, "--target", "compose"],
            capture_output=True,
            check=False,
            env={**os.environ, "SMAKER_CRASH_AT": "deploy.smoke:1"},
        )
        assert killed.returncode == -signal.SIGKILL, killed.stderr
        assert "Emma" in json.dumps(get(f"{where['url']}/books")), "the one before is not touched"
        again = smaker(home, "resume", project)
        assert again["deployment"]["url"] == where["url"]
        assert again["tasks"][-1]["attempt"] == 2
        assert "Emma" in json.dumps(get(f"{where['url']}/books")), "data outlive a deployment"
        compose = Path(again["workspace"]) / "compose.yaml"
        compose.write_text(compose.read_text().replace("init: true", "init: true\n    privileged: true"))
        git = ["git", "-C", again["workspace"], "-c", "user.name=me", "-c", "user.email=me@example.invalid"]
        subprocess.run([*git, "commit", "--quiet", "--all", "--message", "mine"], check=True)
        refused = smaker(home, "deploy", project, "--target", "compose", code=1)
        assert "deploy refused: privileged at app" in refused["error"]["message"]
        assert refused["deployment"]["url"] == where["url"]
        assert "Emma" in json.dumps(get(f"{where['url']}/books")), "the last good one is still up"

        printed = subprocess.run(
            [sys.executable, "-m", "smaker", "--home", str(home), "logs", project, "--deployment"],
            capture_output=True,
            text=True,
            check=True,
        )
        assert "GET /health" in printed.stdout

        instead = smaker(home, "deploy", project)
        assert instead["deployment"]["target"] == "process"
        assert run_docker("ps", "--quiet", "--filter", f"label=smaker.project={project}") == ""
        smaker(home, "stop", project)
        assert smaker(home, "status", project)["deployment"] is None
        assert smaker(home, "clean") == {"containers": 0, "projects": []}, "data of a known project stay"
        assert project in run_docker("volume", "ls", "--quiet")
        assert smaker(home, "clean", project) == {"containers": 0, "projects": [project]}
    finally:
        smaker(home, "delete", project, "--yes")
    left = [run_docker(*words) for words in (["ps", "-aq"], ["volume", "ls", "-q"], ["network", "ls", "-q"])]
    assert project not in "".join(left)
    assert run_docker("images", "--quiet", f"smaker/{project}/*") == ""
