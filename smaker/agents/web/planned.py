"""Paths that need no model to be found: whose profile wrote the pages knows how the scenarios of the plan go there."""

from __future__ import annotations

import yaml
from pydantic import TypeAdapter, ValidationError

from smaker.agents.web.paths import KeptPath
from smaker.core.errors import ConfigError
from smaker.core.ports.browser import Action
from smaker.core.spec import Spec
from smaker.profiles import LoadedProfile

ENTITY, PROJECT = "paths/entity", "paths/project"
_FILE = TypeAdapter(dict[str, tuple[Action, ...]])


def planned_paths(loaded: LoadedProfile, spec: Spec) -> tuple[KeptPath, ...]:
    """The path of each scenario of the plan that the profile knows a way for, in the plan's order. Raises ConfigError
    if a template of the profile is broken."""
    known: dict[str, tuple[Action, ...]] = {}
    for part, entity in (*((ENTITY, entity) for entity in spec.entities), (PROJECT, None)):
        for file, content in loaded.render(part, spec, entity=entity).items():
            try:
                known |= _FILE.validate_python(yaml.safe_load(content) or {})
            except (yaml.YAMLError, ValidationError) as error:
                where = loaded.root / part / file
                raise ConfigError(f"{where}: {error}", hint="Mend the profile's template.") from error
    return tuple(
        KeptPath(name=scenario.name, requirements=scenario.requirements, actions=known[scenario.name])
        for scenario in spec.scenarios
        if scenario.name in known
    )
