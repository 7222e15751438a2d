"""Render a profile's folder of templates for a spec."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

from jinja2 import ChoiceLoader, FileSystemLoader, StrictUndefined, TemplateError
from jinja2.sandbox import SandboxedEnvironment

from smaker.core.errors import ConfigError
from smaker.core.profile import Profile
from smaker.core.spec import Aggregate, Entity, FieldType, OperationKind, Spec
from smaker.profiles import examples, naming, samples

SUFFIX = ".jinja"
IGNORED_FOLDERS = {"__pycache__", ".ruff_cache", ".pytest_cache", ".mypy_cache", "node_modules", ".venv"}


@lru_cache(maxsize=16)
def _environment(root: Path) -> SandboxedEnvironment:
    environment = SandboxedEnvironment(
        loader=ChoiceLoader([FileSystemLoader(root), FileSystemLoader(root.parent)]),
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,
    )
    environment.filters.update(naming.FILTERS)
    environment.filters.update(samples.FILTERS)
    environment.filters.update(examples.FILTERS)
    enums: dict[str, Any] = {"FieldType": FieldType, "OperationKind": OperationKind, "Aggregate": Aggregate}
    environment.globals.update(enums)
    return environment


def render_folder(
    root: Path, part: str, *, profile: Profile, spec: Spec, entity: Entity | None = None
) -> dict[str, bytes]:
    """Render ``root/part`` and return path -> bytes, sorted by path; nothing if there is no such folder.

    Templates see ``spec``, ``profile``, ``package`` and ``entity``, and the filters of `naming`, `samples`
    and `examples`.
    Templates may import macros by "macros/x.jinja" (this profile) or "<profile>/macros/x.jinja" (one beside
    it).

    Raises:
        ConfigError: a template does not parse or uses something undefined.
    """
    folder = root / part
    if not folder.is_dir():
        return {}
    environment = _environment(root)
    names: dict[str, Any] = {"spec": spec, "profile": profile, "package": spec.package, "entity": entity}
    rendered: dict[str, bytes] = {}
    for file in sorted(folder.rglob("*")):
        relative = file.relative_to(folder)
        if not file.is_file() or IGNORED_FOLDERS.intersection(relative.parts):
            continue
        try:
            target = environment.from_string(relative.as_posix()).render(names)
            if any(not segment for segment in target.removesuffix(SUFFIX).split("/")):
                continue
            if target.endswith(SUFFIX):
                text = environment.get_template(file.relative_to(root).as_posix()).render(names)
                if not text.strip() and file.stat().st_size > 0:
                    continue
                rendered[target.removesuffix(SUFFIX)] = text.encode()
            else:
                rendered[target] = file.read_bytes()
        except TemplateError as error:
            line = getattr(error, "lineno", None)
            where = f"{file}:{line}" if line else str(file)
            raise ConfigError(f"{where}: {error}", hint="Mend the profile's template.") from error
    return dict(sorted(rendered.items()))
