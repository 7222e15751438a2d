"""Whole builds on a machine whose sandbox is Docker's engine."""

from __future__ import annotations

import subprocess
from typing import Any

import pytest

pytestmark = [pytest.mark.engine, pytest.mark.slow, pytest.mark.timeout(300)]

PARTS = "A command-line tool to keep an inventory of parts (name, quantity, price)"
PAGE = "A one-page site for a bakery: opening hours and a contact form"


@pytest.mark.parametrize(("prompt", "profile"), [(PARTS, "cli-tool"), (PAGE, "static-site")])
def test_a_build_without_a_model_is_ready(
    program: Any, monkeypatch: pytest.MonkeyPatch, prompt: str, profile: str
) -> None:
    monkeypatch.setenv("SMAKER_SANDBOX", "docker")
    status = program.json("init", prompt)
    assert (status["state"], status["profile"]) == ("READY", profile), status["error"]
    assert status["tests"]["passed"] > 5
    assert all(requirement["proved_by"] for requirement in status["requirements"] if requirement["must"])
    listed = [
        "docker",
        "ps",
        "--all",
        "--quiet",
        "--filter",
        "label=smaker.box",
        "--no-trunc",
        "--format",
        "{{.Mounts}}",
    ]
    left = subprocess.run(listed, capture_output=True, text=True, check=True).stdout
    assert str(program.home) not in left
