"""What tools are given: shapes whose docstring, names and types are what a model is told of the tool."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict

from smaker.core.ports import Tool


class Arguments(BaseModel):
    """What one tool is given; others are refused."""

    model_config = ConfigDict(extra="forbid")


Tools = Mapping[str, tuple[type[Arguments], Callable[[Any], Awaitable[str]]]]
"""By name: what each is given, and what it does with it. NotFound, PathError and UsageError are told to the model."""


def described(tools: Tools) -> tuple[Tool, ...]:
    """Tools as a model is told of them."""
    return tuple(
        Tool(name=name, description=" ".join((shape.__doc__ or "").split()), parameters=_schema(shape))
        for name, (shape, _) in tools.items()
    )


def _schema(shape: type[Arguments]) -> dict[str, Any]:
    """The JSON schema of arguments, without what says nothing: it is sent with every question."""
    schema = {key: value for key, value in shape.model_json_schema().items() if key not in {"title", "description"}}
    named: Mapping[str, dict[str, Any]] = schema["properties"]
    schema["properties"] = {
        name: {key: value for key, value in field.items() if key != "title"} for name, field in named.items()
    }
    return schema
