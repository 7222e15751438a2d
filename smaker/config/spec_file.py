"""The spec as the file ``.smaker/spec.yaml`` of a project, which its user may edit."""

from __future__ import annotations

import yaml

from smaker.core.spec import Spec

SPEC_FILE = ".smaker/spec.yaml"
HEADER = "# What is to be built. Edit it, then build again from it with: smaker restart ID --from spec\n"


def dump_spec(spec: Spec) -> bytes:
    """The spec as YAML; defaults are left out."""
    body = yaml.safe_dump(
        spec.model_dump(mode="json", exclude_defaults=True), sort_keys=False, allow_unicode=True, width=110
    )
    return (HEADER + body).encode()


def load_spec(content: bytes) -> Spec | None:
    """Read a spec file; None if it is empty. Raises ValueError with what is wrong and where."""
    try:
        values = yaml.safe_load(content.decode("utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError(f"it is not YAML: {error}") from error
    return None if values is None else Spec.model_validate(values)
