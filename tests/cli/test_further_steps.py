"""Further steps that need more than the skeleton of the first plan has."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.mark.sandbox
@pytest.mark.timeout(240)
def test_the_skeleton_grows_with_the_plan(program: Any) -> None:
    project = program.json("init", "a command line tool to track plants (name, room)")["id"]
    assert program.json("add-step", project, "add export to CSV, and users can archive plants")["state"] == "READY"
    subjects = [entry["subject"] for entry in program.json("history", project)]
    (grown,) = (subject for subject in subjects if subject.startswith("skeleton: src/"))
    assert "src/plants/files.py" in grown
    assert "src/plants/values.py" in grown
    assert program("replay", project).startswith("equal")
    refused = program.json("add-step", project, "make it nicer", code=4)
    assert refused["state"] == "READY", "the software stands"
    assert "'nicer'" in refused["error"]["message"]
    assert "users can archive plants" in refused["error"]["hint"], "what it would have understood, of these records"
    assert [entry["subject"] for entry in program.json("history", project)] == subjects
    grown = program.json("add-step", project, "also keep notes for each plant")
    assert grown["state"] == "READY", "what others point at is built again too"
