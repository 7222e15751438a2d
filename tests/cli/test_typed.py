"""A credential in what a user types: masked before it is stored or sent, and the user is told."""

from __future__ import annotations

import json
import secrets
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from smaker.testing import Canaries, assert_safe_failure

SITE = "a landing page with a contact form. Our key is {} and {}"
TOLD = "smaker: What you typed holds a credential ({}). It is masked"


@pytest.mark.attack("P96")
def test_a_key_in_what_is_typed_is_masked_and_told(program: Any, canaries: Canaries, tmp_path: Path) -> None:
    other = secrets.token_hex(18)
    theirs = Canaries(other, {"theirs": f"ghp_{other}"})
    keys = (theirs.values["theirs"], canaries.values["OPENAI_API_KEY"])

    def run(*words: str, code: int) -> subprocess.CompletedProcess[str]:
        ran = subprocess.run(
            [sys.executable, "-m", "smaker", *words],
            capture_output=True,
            text=True,
            env=program.environment(),
            check=False,
        )
        assert ran.returncode == code, ran.stderr
        for planted in (theirs, canaries):
            assert_safe_failure(None, canaries=planted, places=[ran.stdout, ran.stderr])
        return ran

    waiting = run("init", SITE.format(*keys), "--approve", "plan", "--json", code=3)
    assert waiting.stderr.count(TOLD.format("github, openai")) == 1
    project = json.loads(waiting.stdout)["id"]
    refused = run("reject", project, f"Use {keys[0]}.", "--json", code=4)  # rules cannot read that
    assert refused.stderr.count(TOLD.format("github")) == 1
    said = [json.loads(line) for line in run("logs", project, "--json", code=0).stdout.splitlines()]
    assert [event["kind"] for event in said].count("prompt.masked") == 2
    assert (
        "[redacted:github] and [redacted:openai]"
        in json.loads(run("status", project, "--json", code=0).stdout)["prompt"]
    )
    assert_safe_failure(None, canaries=theirs, places=[tmp_path])
