"""The plan of an offline build names paths through its pages, and the profile knows the way of each."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from smaker.agents.offline.reader import read_prompt
from smaker.agents.web.paths import dump_paths, faults_of, read_paths, slug
from smaker.agents.web.planned import planned_paths
from smaker.core.errors import ConfigError
from smaker.core.spec import Spec
from smaker.profiles import Catalog

CORPUS = Path(__file__).parents[1] / "offline" / "reader" / "corpus.yaml"
CATALOG = Catalog()


def planned(prompt: str) -> Spec:
    return read_prompt(prompt, supported={loaded.profile.name: loaded.profile.operations for loaded in CATALOG.all()})


def test_each_scenario_of_every_plan_with_pages_has_a_path_that_shows_something() -> None:
    cases: list[Any] = yaml.safe_load(CORPUS.read_text("utf-8"))
    specs = [spec for spec in (planned(case["prompt"]) for case in cases if "refused" not in case) if spec.gui]
    assert len(specs) > 10
    for spec in specs:
        paths = planned_paths(CATALOG.of(spec), spec)
        assert [path.name for path in paths] == [scenario.name for scenario in spec.scenarios]
        assert len({slug(path.name) for path in paths}) == len(paths), "each has a file of its own"
        for path in paths:
            assert path.requirements, (spec.summary, path.name)
            assert faults_of(path.actions) == ""
        assert read_paths(dump_paths(paths)) == paths


def test_a_path_goes_where_the_plan_says() -> None:
    spec = planned("a web app where users sign up, log in and keep private notes with tags, searchable")
    joins, keeps = planned_paths(CATALOG.of(spec), spec)
    shown = {spec.requirement(name).operation.kind.value for name in keeps.requirements}  # type: ignore[union-attr]
    assert {"create", "validate", "list", "read", "update", "delete", "search"} <= shown
    told = [str(action) for action in keeps.actions]
    assert told.index("fill #q 'nowhere to be found'") < told.index("click button “Yes, delete it”")
    assert "click button “Log out”" in [str(action) for action in joins.actions]


def test_what_no_plan_names_is_not_tried_and_a_broken_template_is_named(tmp_path: Path) -> None:
    spec = planned("a landing page with a contact form")
    assert planned_paths(CATALOG.of(spec), spec.model_copy(update={"scenarios": ()})) == ()
    folder = tmp_path / "static-site"
    (folder / "paths" / "project").mkdir(parents=True)
    (folder / "profile.yaml").write_bytes((CATALOG.load("static-site").root / "profile.yaml").read_bytes())
    (folder / "paths" / "project" / "page.yaml").write_text("Read the page:\n- {kind: fly}\n")
    with pytest.raises(ConfigError, match=r"paths/project/page.yaml"):
        planned_paths(Catalog(tmp_path).of(spec), spec)
