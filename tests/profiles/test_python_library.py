"""The profile python-library, built for specs written by hand: red first, then green and lint-free, then used."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from smaker.core.spec import Operation, OperationKind, ProductKind, Spec

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


@pytest.mark.parametrize("topics", [("temperature", "length"), TOPICS], ids=["two", "all"])
def test_units(topics: tuple[str, ...], make_spec: Callable[..., Spec], build: Callable[[Spec], Any]) -> None:
    operations = [Operation(kind=OperationKind.CONVERT, topic=topic) for topic in topics]
    operations.append(Operation(kind=OperationKind.REGISTRY))
    build(make_spec("units-kit", "python-library", ProductKind.LIBRARY, topics=topics, operations=operations))


@pytest.mark.parametrize("name", ["expenses", "kitchen-sink", "odd-names"])
def test_records(
    name: str, plan: Callable[[str], Any], make_spec: Callable[..., Spec], build: Callable[[Spec], Any]
) -> None:
    build(make_spec(name, "python-library", ProductKind.LIBRARY, **plan(name)))
