"""Which part of the plan a task is about."""

from __future__ import annotations

from smaker.core.context import Context
from smaker.core.errors import SmakerError
from smaker.core.spec import Module


def module_of(context: Context) -> Module:
    """The module that a coder's task names. Raises SmakerError if the plan has none of that name."""
    name = context.task.payload.get("module")
    for module in context.spec.modules:
        if module.name == name:
            return module
    raise SmakerError(f"The plan has no module {name!r}.", hint="Plan again with: smaker restart --from spec")
