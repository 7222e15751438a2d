"""Every verb on a project that was really built."""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
import zipfile
from pathlib import Path
from typing import Any

import psutil
import pytest

pytestmark = [pytest.mark.timeout(240), pytest.mark.sandbox, pytest.mark.node]

Built = tuple[Any, str]


def test_status_has_the_promised_shape(built: Built) -> None:
    program, project = built
    status = program.json("status", project[:4])
    assert set(status) >= {
        "id", "name", "prompt", "state", "desired", "profile", "mode", "workspace", "head",
        "tasks", "progress", "requirements", "tests", "usage", "deployment", "error",
    }  # fmt: skip
    assert status["state"] == "READY"
    assert status["progress"]["done"] == status["progress"]["total"] == len(status["tasks"])
    assert all(requirement["proved_by"] for requirement in status["requirements"])
    assert status["tests"]["failed"] == 0
    assert status["usage"]["calls"] == 0
    assert status["head"] == program.git(project, "rev-parse", "HEAD").strip()
    assert set(status["tasks"][0]) == {
        "id",
        "stage",
        "title",
        "state",
        "attempt",
        "agent",
        "model",
        "seconds",
        "commit",
    }
    assert "READY" in program("status", project)


def test_list_shows_it(built: Built) -> None:
    program, project = built
    assert project in [entry["id"] for entry in program.json("list")]
    assert project in program("list")


def test_events_are_numbered_without_gaps(built: Built) -> None:
    program, project = built
    events = [json.loads(line) for line in program("logs", project, "--json").splitlines()]
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    assert {"project.created", "spec.ready", "task.finished", "step.commit", "step.command"} <= {
        event["kind"] for event in events
    }
    later = program("logs", project, "--json", "--after", str(len(events) - 2)).splitlines()
    assert len(later) == 2
    assert len(program("logs", project, "-f").splitlines()) == len(events)


def test_every_commit_has_all_trailers(built: Built) -> None:
    program, project = built
    keys = ("Project", "Task", "Step", "Stage", "Agent", "Model", "Tokens", "Cost-USD")
    wanted = "".join(f"%(trailers:key=Smaker-{key},valueonly,separator=%x20)%x09" for key in keys)
    rows = [line.split("\t") for line in program.git(project, "log", f"--format={wanted}%an%x09%ae").splitlines()]
    assert len(rows) >= 5
    for row in rows:
        assert all(cell.strip() for cell in row[:8]), row
        assert row[0] == project
        assert re.fullmatch(r"smaker \w+", row[8])
        assert row[9].endswith("@smaker.invalid")
    assert program.git(project, "status", "--porcelain") == ""


def test_history_and_diff_go_by_step(built: Built) -> None:
    program, project = built
    history = program.json("history", project)
    assert [entry["agent"] for entry in history] == ["runner", "tester", "coder", "coder", "planner"] or len(
        history
    ) >= 5
    skeleton = next(entry for entry in history if entry["stage"] == "skeleton")
    assert "+++ b/index.html" in program.json("diff", project, skeleton["step"])["diff"]
    assert program("diff", project).strip() == "no difference"
    assert "t99" in program.json("diff", project, "t99", code=2)["error"]["message"]


def test_trace_names_a_test_for_every_requirement(built: Built) -> None:
    program, project = built
    found = program.json("trace", project)
    assert found["holds"]
    assert all(row["tests"] and row["commits"] for row in found["requirements"])
    assert "every requirement is proved" in program("trace", project)


@pytest.mark.parametrize("how", ["assertion deleted", "test skipped", "file deleted", "code changed"])
def test_a_weakened_proof_does_not_hold(how: str, forked: Built) -> None:
    program, project = forked
    program.json("trace", project)
    folder = program.home / "projects" / project
    tests = sorted((folder / "tests" / "acceptance").glob("*.test.js"))
    file = tests[0]
    text = file.read_text()
    if how == "assertion deleted":
        file.write_text(re.sub(r"^ *assert[^;]*;\n", "", text, count=1, flags=re.MULTILINE))
        assert file.read_text() != text
    elif how == "test skipped":
        file.write_text(text.replace("test(", "test.skip(", 1))
    elif how == "file deleted":
        file.unlink()
    else:
        (folder / "styles.css").write_text("body { color: red }\n")
    found = program.json("trace", project, code=1)
    assert not found["holds"]
    if how != "code changed":
        program("test", project, code=1)
        assert not program.json("trace", project, code=1)["holds"]


def test_edits_that_keep_the_proof_are_proved_again_by_test(forked: Built) -> None:
    program, project = forked
    readme = program.home / "projects" / project / "README.md"
    readme.write_text(readme.read_text() + "\nMine.\n")
    assert program.json("trace", project, code=1)["stale"]
    program("test", project)
    assert program.json("trace", project)["holds"]
    assert readme.read_text().endswith("Mine.\n")


def test_replay_is_equal(built: Built) -> None:
    program, project = built
    result = program.json("replay", project)
    assert result["equal"]
    assert result["tree"] == program.git(project, "rev-parse", "HEAD^{tree}").strip()


def test_replay_needs_no_network(built: Built) -> None:
    program, project = built
    script = (
        "import socket, sys\n"
        "def forbidden(*_): raise AssertionError('a socket was used')\n"
        "socket.socket.connect = socket.socket.bind = forbidden\n"
        "socket.create_connection = socket.getaddrinfo = forbidden\n"
        "from smaker.cli.door import enter\n"
        f"sys.exit(enter(['replay', {project!r}]))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, env=program.environment(), check=False
    )
    assert (ran.returncode, ran.stdout[:6]) == (0, "equal:"), ran.stderr


def test_cost_is_nothing_offline(built: Built) -> None:
    program, project = built
    assert program.json("cost", project)["total"] == {"tokens_in": 0, "tokens_out": 0, "cost_usd": 0.0, "calls": 0}
    assert "total" in program("cost")


def test_artifacts_are_kept(built: Built, tmp_path: Path) -> None:
    program, project = built
    kinds = {entry["kind"] for entry in program.json("artifacts", project, "--out", str(tmp_path / "out"))}
    assert "test-report" in kinds
    assert b"<testsuite" in next((tmp_path / "out").glob("*-junit.xml")).read_bytes()


def test_export_is_the_software(built: Built, tmp_path: Path) -> None:
    program, project = built
    program("export", project, str(tmp_path / "site.zip"))
    names = zipfile.ZipFile(tmp_path / "site.zip").namelist()
    assert any(name.endswith("index.html") for name in names)
    assert not any(".git/" in name for name in names)
    assert "exists" in program.json("export", project, str(tmp_path / "site.zip"), code=2)["error"]["message"]


def test_run_prints_where_it_answers(built: Built) -> None:
    program, project = built
    process = program.start("run", project, output=subprocess.PIPE)
    try:
        assert process.stdout is not None
        line = next(line for line in process.stdout if "answers at" in line)
        url = re.search(r"http://127\.0\.0\.1:\d+", line)
        assert url is not None
        with urllib.request.urlopen(url.group(), timeout=10) as reply:
            assert b"<html" in reply.read()
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 0
        process.communicate()


def test_deploy_stays_up_until_stop(forked: Built) -> None:
    program, project = forked
    status = program.json("deploy", project)
    assert status["state"] == "DEPLOYED"
    url = status["deployment"]["url"]
    with urllib.request.urlopen(url, timeout=10) as reply:
        assert reply.status == 200
    assert program.json("status", project)["deployment"]["healthy"]
    supervisor = psutil.Process(json.loads((program.home / "deployments" / f"{project}.json").read_text())["pid"])
    for process in [supervisor, *supervisor.children(recursive=True)]:
        process.suspend()
    try:
        began = time.monotonic()
        assert program.json("status", project)["deployment"] == {**status["deployment"], "healthy": False}
        assert time.monotonic() - began < 10, "what does not answer is not waited for"
        assert "does not answer well now" in program("status", project)
    finally:
        for process in [supervisor, *supervisor.children(recursive=True)]:
            process.resume()
    assert program.json("stop", project)["stopped"]
    with pytest.raises(OSError, match="refused"):
        urllib.request.urlopen(url, timeout=10)
    assert program.json("status", project)["deployment"] is None
    assert not program.json("stop", project)["stopped"]


def test_a_user_edit_survives_a_further_step_and_a_rewind(forked: Built) -> None:
    program, project = forked
    note = program.home / "projects" / project / "notes.txt"
    note.write_text("my own\n")
    history = program.json("history", project)
    refused = program.json("rewind", project, history[-1]["step"], code=1)
    assert "edit" in refused["error"]["message"]
    program("rewind", project, history[-1]["step"], "--force")
    saved = program.git(project, "for-each-ref", "--format=%(refname)", "refs/smaker/rescue").split()
    assert program.git(project, "show", f"{saved[-1]}:notes.txt") == "my own\n"


def test_rewind_and_resume_build_the_same_again(forked: Built) -> None:
    program, project = forked
    tree = program.git(project, "rev-parse", "HEAD^{tree}")
    skeleton = next(entry["step"] for entry in program.json("history", project) if entry["stage"] == "skeleton")
    program("rewind", project, skeleton)
    paused = program.json("status", project)
    assert (paused["desired"], paused["tests"]) == ("pause", None), "no test was run of these files"
    assert program.json("resume", project)["state"] == "READY"
    assert program.git(project, "rev-parse", "HEAD^{tree}") == tree


def test_delete_removes_record_and_folder(forked: Built) -> None:
    program, project = forked
    folder = program.home / "projects" / project
    program("delete", project, "--yes")
    assert not folder.exists()
    assert project not in [entry["id"] for entry in program.json("list")]


def test_gates_wait_for_the_user(program: Any) -> None:
    status = program.json("init", "a landing page with a contact form", "--approve", "plan", code=3)
    project = status["id"]
    assert program.json("resume", project, code=3)["state"] in {"CODING", "PLANNING"}
    assert program.json("approve", project)["state"] == "READY"
    assert "not waiting" in program.json("approve", project, code=2)["error"]["message"]


def test_a_prompt_nobody_can_build_is_refused_with_nothing_left(program: Any) -> None:
    status = program.json("init", "a multiplayer 3D game with real-time physics", code=4)
    assert status["state"] == "FAILED"
    assert "model" in status["error"]["hint"] + status["error"]["message"]
    assert not Path(status["workspace"]).exists()


def test_no_start_only_records(program: Any) -> None:
    made = program.json("init", "a landing page with a contact form", "--no-start")
    assert not Path(made["workspace"]).exists()
    assert program.json("status", made["id"])["state"] == "PLANNING"
    assert program.json("cancel", made["id"])["state"] == "FAILED"


def test_pause_from_a_second_terminal_stops_within_a_step(program: Any) -> None:
    process = program.start("init", "a landing page with a pricing table, faq, and a contact form")
    deadline = time.monotonic() + 60
    while not program.json("list") and time.monotonic() < deadline:
        time.sleep(0.05)
    with program.halted(process):  # on a busy machine it would have ended before the second terminal is heard
        project = program.json("list")[0]["id"]
        program("pause", project)
    before = time.monotonic()
    assert process.wait(60) == 3
    assert time.monotonic() - before < 30
    assert program.json("status", project)["desired"] == "pause"
    assert program.json("resume", project)["state"] == "READY"


def test_two_at_once_on_one_project(program: Any) -> None:
    project = program.json("init", "a landing page with a contact form", "--no-start")["id"]
    first = program.start("resume", project)
    while program.json("status", project)["held_by"] is None:
        time.sleep(0.02)
    with program.halted(first):
        second = subprocess.run(
            [*first.args, "--json"],
            capture_output=True,
            text=True,
            env=program.environment(),
            check=False,  # type: ignore[misc]
        )
    assert second.returncode == 2
    assert str(first.pid) in json.loads(second.stdout)["error"]["message"]
    assert first.wait(120) == 0


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_pauses_and_leaves_nothing_running(number: signal.Signals, code: int, program: Any) -> None:
    process = program.start("init", "a landing page with a contact form")
    while not program.json("list"):
        time.sleep(0.05)
    project = program.json("list")[0]["id"]
    while program.json("status", project)["progress"]["done"] < 2:
        time.sleep(0.02)
    process.send_signal(number)
    before = time.monotonic()
    assert process.wait(30) == code
    took = time.monotonic() - before
    assert took < (3 if number != signal.SIGINT else 13)
    assert program.json("status", project)["desired"] == "pause"
    left = subprocess.run(["pgrep", "-f", str(program.home)], capture_output=True, text=True, check=False).stdout
    assert left == ""
    assert program.json("resume", project)["state"] == "READY"


def test_a_tool_is_given_its_own_files_alone(program: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    status = program.json("init", "a CLI that keeps books: title and year, import and export CSV")
    project = status["id"]
    assert status["state"] == "READY", status["error"]
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.csv").write_text("title,year\nDune,1965\n")
    refused = json.loads(program("--json", "run", project, "--", "import", "mine.csv", code=2))["error"]
    assert "mine.csv is not there" in refused["message"]
    assert refused["hint"].startswith("Copy it: cp mine.csv ")
    shutil.copy("mine.csv", status["workspace"])
    program("run", project, "--", "import", "mine.csv")
    assert "Dune" in program("run", project, "--", "list")
