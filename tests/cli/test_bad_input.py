"""Bad input at the command line: a clear message, the right exit code, no trace-back, nothing left behind."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from smaker.cli.door import enter
from smaker.testing import Canaries, assert_safe_failure


@dataclass
class Case:
    """What is typed, and what must come of it."""

    name: str
    words: list[str]
    code: int
    says: str
    hint: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    stdin: bytes = b""


PROMPT = "a REST API to track books (title, author, year)"

CASES = [
    Case("unknown verb", ["biuld"], 2, "biuld", "--help"),
    Case("unknown option", ["list", "--colour"], 2, "--colour", "--help"),
    Case("option without value", ["init", PROMPT, "--dir"], 2, "--dir"),
    Case(
        "folder not empty", ["init", PROMPT, "--dir", "full"], 2, "not empty", "adopt", files={"full/mine.txt": b"keep"}
    ),
    Case("folder is a file", ["init", PROMPT, "--dir", "file"], 2, "not a folder", files={"file": b"keep"}),
    Case("unknown profile", ["init", PROMPT, "--profile", "fastapi-servce"], 2, "fastapi-servce", "fastapi-service"),
    Case("unknown mode", ["init", PROMPT, "--mode", "ofline"], 2, "ofline"),
    Case("mode that needs a model", ["init", PROMPT, "--mode", "openai"], 2, "OPENAI_API_KEY", "smaker models"),
    Case("unknown gate", ["init", PROMPT, "--approve", "plan,lunch"], 2, "lunch", "plan, deploy"),
    Case("unknown deploy target", ["init", PROMPT, "--deploy", "moon"], 2, "moon"),
    Case("negative budget", ["init", PROMPT, "--max-cost", "-1"], 2, "budget"),
    Case("budget that is no number", ["init", PROMPT, "--max-tokens", "many"], 2, "max-tokens"),
    Case("budget not finite", ["init", PROMPT, "--max-minutes", "nan"], 2, "budget"),
    Case("unknown project", ["status", "zzzz"], 2, "zzzz", "smaker list"),
    Case("empty project id", ["status", ""], 2, "no project", "smaker list"),
    Case("id with a path", ["status", "../../etc"], 2, "no project"),
    Case("id with an option's look", ["status", "--", "-rf"], 2, "no project"),
    Case("logs of nothing", ["logs", "nope"], 2, "nope"),
    Case("logs after a negative number", ["logs", "nope", "--after", "-5"], 2, "after"),
    Case("pause of nothing", ["pause", "nope"], 2, "nope"),
    Case("resume of nothing", ["resume", "nope"], 2, "nope"),
    Case("unknown stage", ["restart", "nope", "--from", "lunch"], 2, "lunch"),
    Case("empty step", ["add-step", "nope", ""], 2, "step is empty"),
    Case("trace of nothing", ["trace", "nope"], 2, "nope"),
    Case("replay of nothing", ["replay", "nope"], 2, "nope"),
    Case("rewind of nothing", ["rewind", "nope", "t1"], 2, "nope"),
    Case("fork with a model", ["fork", "nope", "t1", "--model", "x"], 2, "nope"),
    Case("deploy to nowhere", ["deploy", "nope", "--target", "none"], 2, "nowhere"),
    Case("port out of range", ["run", "nope", "--port", "70000"], 2, "port"),
    Case("delete of nothing", ["delete", "nope", "--yes"], 2, "nope"),
    Case("team server", ["--server", "http://127.0.0.1:1", "init", PROMPT], 2, "not part of this version"),
    Case("config file missing", ["--config", "none.yaml", "config", "show"], 2, "none.yaml"),
    Case("config key unknown", ["config", "get", "llm.mod"], 2, "llm.mod", "llm.mode"),
    Case("config value of the wrong type", ["config", "set", "limits.max_fix_attempts", "lots"], 2, "whole number"),
    Case(
        "config file with an unknown key",
        ["--config", "c.yaml", "list"],
        0,
        "",
        files={"c.yaml": b"limts: {max_fix_attempts: 3}\n"},
    ),
    Case(
        "config file with an unknown key, where it is used",
        ["--config", "c.yaml", "init", PROMPT],
        2,
        "c.yaml:1",
        "limits",
        files={"c.yaml": b"limts: {max_fix_attempts: 3}\n"},
    ),
    Case("profile shown that is not there", ["profiles", "show", "nope"], 2, "nope", "smaker profiles"),
    Case("sandbox without a command", ["sandbox", "run"], 2, "no command", "--"),
    Case("sandbox profile unknown", ["sandbox", "run", "--profile", "moon", "--", "true"], 2, "moon"),
    Case("sandbox folder missing", ["sandbox", "run", "--dir", "none", "--", "true"], 2, "none"),
    Case("export of nothing", ["export", "nope"], 2, "nope"),
    Case("adopt nothing", ["adopt", "none", PROMPT], 2, "no folder", "git repository"),
    Case("adopt a folder without git", ["adopt", "plain", PROMPT], 1, "git", files={"plain/a.txt": b"keep"}),
    Case("home is a file", ["--home", "file", "list"], 2, "not a folder", files={"file": b"keep"}),
]


PROMPTS = [
    Case("no prompt", ["init"], 2, "no prompt", "smaker init"),
    Case("empty prompt", ["init", ""], 2, "prompt is empty", "smaker init"),
    Case("blank prompt", ["init", " \n\t "], 2, "prompt is empty"),
    Case("prompt of other blanks", ["init", "\u00a0\u2003\u3000"], 2, "prompt is empty"),
    Case("prompt without words", ["init", "\u200b\u2060 \u202e!?"], 2, "prompt has no words"),
    Case("prompt of 1 MB", ["init", "-"], 2, "too long", stdin=b"books " * 180_000),
    Case("prompt of 500 kB", ["init", "-"], 2, "500,003 characters", "200,000", stdin=b"books " * 83_334),
    Case("prompt file of 500 kB", ["init", "--file", "p"], 2, "500,003", files={"p": b"books " * 83_334}),
    Case("prompt of 30,000 characters", ["init", "books " * 5000], 2, "29,999 characters", "add-step"),
    Case("binary prompt", ["init", "-"], 2, "not text", stdin=b"\xff\xfe\x00\x01\x80binary"),
    Case("prompt with NUL", ["init", "-"], 2, "control characters", stdin=b"books\x00and loans"),
    Case("prompt with escapes", ["init", "-"], 2, "control characters", stdin=b"\x1b[2Jbooks"),
    Case("prompt file missing", ["init", "--file", "nowhere.txt"], 2, "nowhere.txt"),
    Case("prompt file is a folder", ["init", "--file", "."], 2, "no file"),
    Case("prompt file empty", ["init", "--file", "empty.txt"], 2, "prompt is empty", files={"empty.txt": b""}),
    Case(
        "prompt file in UTF-16",
        ["init", "--file", "utf16.txt"],
        2,
        "not text",
        files={"utf16.txt": "books".encode("utf-16")},
    ),
    Case("two prompts", ["init", PROMPT, "--file", "p.txt"], 2, "two prompts", files={"p.txt": b"x"}),
    Case("blank step", ["add-step", "nope", " \n "], 2, "step is empty"),
    Case("step of 500 kB", ["add-step", "nope", "books " * 20_000 + "x" * 380_000], 2, "500,000 characters"),
    Case("step with escapes", ["add-step", "nope", "\x1b[2Jbooks"], 2, "control characters"),
]


def lay(folder: Path, files: dict[str, bytes]) -> None:
    for name, content in files.items():
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


Answered = Callable[[Case], subprocess.CompletedProcess[str]]


@pytest.fixture
def answered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Answered:
    """Type what a case says; its answer is as expected, and nothing is made or changed."""

    def enter_case(case: Case) -> subprocess.CompletedProcess[str]:
        folder = tmp_path / "here"
        folder.mkdir()
        lay(folder, case.files)
        before = contents(folder)
        monkeypatch.chdir(folder)
        monkeypatch.setenv("SMAKER_HOME", str(tmp_path / "smaker-home"))
        source = tmp_path / "stdin"
        source.write_bytes(case.stdin)
        with source.open() as stdin:
            monkeypatch.setattr(sys, "stdin", stdin)
            code = enter(case.words)
        out, err = capfd.readouterr()
        assert code == case.code, err
        assert case.says.lower() in (err + out).lower()
        assert case.hint in err
        assert "Traceback" not in err + out
        assert contents(folder) == before, "something was made or changed"
        if code == 2:
            listed = enter(["--json", "list"])
            assert (listed, json.loads(capfd.readouterr().out)) == (0, [])
        return subprocess.CompletedProcess(case.words, code, out, err)

    return enter_case


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_bad_input_is_answered(case: Case, answered: Answered) -> None:
    answered(case)


@pytest.mark.attack("P97")
@pytest.mark.parametrize("case", PROMPTS, ids=lambda case: case.name)
def test_a_prompt_that_is_none_is_answered(case: Case, answered: Answered, canaries: Canaries) -> None:
    assert_safe_failure(answered(case), exit_code=2, canaries=canaries)


@pytest.mark.parametrize("words", [["status", "nope", "--json"], ["--json", "init", ""], ["list", "--wrong", "--json"]])
def test_errors_are_json_where_json_was_asked_for(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SMAKER_HOME", str(tmp_path / "home"))
    assert enter(words) == 2
    error = json.loads(capfd.readouterr().out)["error"]
    assert error["message"]
    assert error["code"].startswith("E_")


def smaker(*words: str, home: Path, **options: object) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "SMAKER_HOME": str(home)}
    settings = {"capture_output": True, "text": True, "env": environment, **options}
    return subprocess.run([sys.executable, "-m", "smaker", *words], check=False, **settings)  # type: ignore[call-overload,no-any-return]


def test_a_closed_standard_output_is_no_trouble(tmp_path: Path) -> None:
    script = f'exec "{sys.executable}" -m smaker list >&-'
    ran = subprocess.run(
        ["/bin/sh", "-c", script],
        capture_output=True,
        text=True,
        env={**os.environ, "SMAKER_HOME": str(tmp_path / "home")},
        check=False,
    )
    assert "Traceback" not in ran.stderr
    assert ran.returncode in {0, 1}


def test_a_reader_that_goes_away_is_no_trouble(tmp_path: Path) -> None:
    script = f'"{sys.executable}" -m smaker --help | head -c 1 >/dev/null; "{sys.executable}" -m smaker profiles | true'
    ran = subprocess.run(
        ["/bin/sh", "-c", script],
        capture_output=True,
        text=True,
        env={**os.environ, "SMAKER_HOME": str(tmp_path / "home")},
        check=False,
    )
    assert ran.stderr == ""


def test_a_home_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    ran = smaker("init", PROMPT, home=tmp_path / "file" / "home")
    assert ran.returncode in {1, 2}
    assert "Traceback" not in ran.stderr
    assert "home" in ran.stderr


def test_a_read_only_disk_is_named(tmp_path: Path) -> None:
    ran = smaker("init", PROMPT, home=Path("/proc/smaker-home"))
    assert ran.returncode in {1, 2}
    assert "Traceback" not in ran.stderr
    assert "/proc/smaker-home" in ran.stderr
    assert "--home" in ran.stderr


def test_git_missing_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("sh", "env"):
        (folder / name).symlink_to(f"/bin/{name}")
    ran = smaker(
        "init",
        PROMPT,
        home=tmp_path / "home",
        env={
            "PATH": str(folder),
            "HOME": str(tmp_path),
            "SMAKER_HOME": str(tmp_path / "home"),
            "SMAKER_SANDBOX__KIND": "process",
        },
    )
    assert ran.returncode != 0
    assert "Traceback" not in ran.stderr
    assert "git" in ran.stderr


def test_an_old_python_is_told(tmp_path: Path) -> None:
    script = (
        "import runpy, sys; sys.version_info = (3, 10, 0); sys.argv = ['smaker', 'list']; "
        "runpy.run_module('smaker', run_name='__main__')"
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert ran.returncode == 1
    assert "Python 3.11" in ran.stderr
    assert "Traceback" not in ran.stderr


@pytest.mark.parametrize("variable", ["LANG=C", "PYTHONIOENCODING=ascii"])
def test_a_terminal_without_unicode_gets_an_answer(variable: str, tmp_path: Path) -> None:
    name, _, value = variable.partition("=")
    ran = smaker(
        "doctor", home=tmp_path / "home", env={**os.environ, "SMAKER_HOME": str(tmp_path / "home"), name: value}
    )
    assert "Traceback" not in ran.stderr
    assert "python" in ran.stdout


def test_a_version_beside_a_verb() -> None:
    ran = subprocess.run([sys.executable, "-m", "smaker", "--version"], capture_output=True, text=True, check=True)
    assert ran.stdout.startswith("smaker ")
