"""Tables of what there is one more of each kind: agents, sandboxes, deploy targets, stores. Loaded when used.

A table maps a short name to "module:attribute"; an entry-point group of the same name lets a plug-in add to it.
"""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from smaker.core.errors import NotFound, SmakerError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint


class Registry:
    """A table of names, and the entry points of ``group``."""

    def __init__(self, group: str, table: Mapping[str, str]) -> None:
        self.group = group
        self._table = dict(table)

    def names(self) -> list[str]:
        """All names, sorted; plug-ins included."""
        return sorted({*self._table, *(point.name for point in self._plugins())})

    def load(self, name: str) -> Any:
        """Import and return what ``name`` stands for.

        Raises NotFound with the nearest name, SmakerError if a plug-in cannot be imported.
        """
        target = self._table.get(name)
        if target is None:
            points = [point for point in self._plugins() if point.name == name]
            if not points:
                near = difflib.get_close_matches(name, self.names(), n=1)
                hint = f"Did you mean {near[0]!r}?" if near else f"There are: {', '.join(self.names())}"
                raise NotFound(f"{self.group} has no {name!r}.", hint=hint)
            target = points[0].value
        module, _, attribute = target.partition(":")
        try:
            return getattr(importlib.import_module(module), attribute)
        except (ImportError, AttributeError) as error:
            raise SmakerError(f"{name!r} of {self.group} cannot be loaded: {error}") from error

    def _plugins(self) -> Iterable[EntryPoint]:
        from importlib import metadata  # noqa: PLC0415  what is in the table, as nearly always, does not need it

        return metadata.entry_points(group=self.group)
