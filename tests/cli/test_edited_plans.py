"""A plan whose file its user edits, built by rules."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

BEFORE, AFTER = "There are at most 3 inspections per beehive.", "There are at most 7 inspections per beehive."

COMMIT = ("-c", "user.name=me", "-c", "user.email=me@example.org", "commit", "-qam", "another number")


@pytest.mark.sandbox
@pytest.mark.timeout(300)
def test_no_requirement_is_proved_by_a_test_of_something_else(program: Any) -> None:
    prompt = "a command line tool to track beehives (name) and inspections (beehive, date)"
    status = program.json("init", f"{prompt}, at most 3 inspections per beehive")
    project, plan = status["id"], Path(status["workspace"]) / ".smaker" / "spec.yaml"
    assert BEFORE in plan.read_text()
    plan.write_text(plan.read_text().replace("limit: 3", "limit: 7"))
    program.git(project, *COMMIT)
    assert program.json("restart", project, "--from", "spec")["state"] == "READY"
    assert AFTER in plan.read_text() and BEFORE not in plan.read_text()
    traced = program("trace", project)
    assert AFTER in traced and BEFORE not in traced and "at_most_7" in traced

    mine = plan.read_text().replace("by: beehive\n    limit", "field: color\n    by: beehive\n    limit")
    plan.write_text(mine)
    program.git(project, *COMMIT)
    refused = program.json("restart", project, "--from", "spec", code=4)
    assert "is about 'color', which is no field" in refused["error"]["message"]
    assert refused["state"] == "READY", "the software stands"
    assert plan.read_text() == mine, "the user mends it there"
