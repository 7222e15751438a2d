"""The profile python-library, built for specs written by hand: red first, then green and lint-free, then used."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from smaker.core.spec import Operation, OperationKind, ProductKind, Spec

pytestmark = pytest.mark.timeout(180)  # each builds a project and runs its tests twice

TOPICS = (
    "temperature",
    "length",
    "weight",
    "volume",
    "area",
    "duration",
    "speed",
    "pressure",
    "energy",
    "data",
    "angle",
)


def run_readme(bench: Any) -> None:
    """Run the example of the README line by line; what a comment beside an expression says must be what comes out."""
    (code,) = re.findall(r"```python\n(.*?)```", (bench.folder / "README.md").read_text(), re.DOTALL)
    checked = re.sub(r"^(\S.*?)  # (.+)$", r"assert repr(\1) == '\2', \1", code, flags=re.MULTILINE)
    assert checked != code
    ran = bench.run(["python", "-c", checked], env={"PYTHONPATH": "src"})
    assert ran.returncode == 0, ran.stderr


def test_units(make_spec: Callable[..., Spec], build: Callable[[Spec], Any]) -> None:
    operations = [Operation(kind=OperationKind.CONVERT, topic=topic) for topic in TOPICS]
    operations.append(Operation(kind=OperationKind.REGISTRY))
    run_readme(
        build(make_spec("units-kit", "python-library", ProductKind.LIBRARY, topics=TOPICS, operations=operations))
    )


@pytest.mark.parametrize("name", ["kitchen-sink", "odd-names"])
def test_records(
    name: str, plan: Callable[[str], Any], make_spec: Callable[..., Spec], build: Callable[[Spec], Any]
) -> None:
    run_readme(build(make_spec(name, "python-library", ProductKind.LIBRARY, **plan(name))))
