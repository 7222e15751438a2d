"""One line of the table: what was measured, the floor beside it in the same run, and the goal."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal


@dataclass(frozen=True)
class Figure:
    """``bound`` is for the ratio to the floor or for the value itself, as ``of`` says; None where there is no goal."""

    name: str
    what: str
    measured: float
    unit: str
    floor: float | None = None
    floor_is: str = ""
    bound: float | None = None
    of: Literal["ratio", "value"] = "ratio"
    at_least: bool = False
    detail: dict[str, Any] = field(default_factory=dict)

    @property
    def ratio(self) -> float | None:
        """How many times the floor was measured."""
        return self.measured / self.floor if self.floor else None

    @property
    def reached(self) -> bool | None:
        """Whether the goal was reached; None without one."""
        judged = self.ratio if self.of == "ratio" else self.measured
        if self.bound is None or judged is None:
            return None
        return judged >= self.bound if self.at_least else judged <= self.bound

    @property
    def goal(self) -> str:
        """The goal in words."""
        if self.bound is None:
            return ""
        unit = " times" if self.of == "ratio" else f" {self.unit}"
        return f"{'≥' if self.at_least else '≤'} {_number(self.bound)}{unit}"

    def cells(self) -> tuple[str, ...]:
        """The line as it is shown."""
        floor = f"{_number(self.floor)} {self.unit} ({self.floor_is})" if self.floor is not None else ""
        ratio = f"{self.ratio:.2f}" if self.ratio is not None else ""
        said = {True: "yes", False: "no", None: ""}[self.reached]
        return (self.name, self.what, f"{_number(self.measured)} {self.unit}", floor, ratio, self.goal, said)

    def as_json(self) -> dict[str, Any]:
        """The line for programs."""
        return asdict(self) | {"ratio": self.ratio, "goal": self.goal, "reached": self.reached}


HEAD = ("figure", "what", "measured", "floor", "ratio", "goal", "reached")


def table(figures: Sequence[Figure]) -> str:
    """A Markdown table."""
    rows = [HEAD, *(figure.cells() for figure in figures)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEAD))]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in rows
    ]
    return "\n".join([lines[0], "|" + "|".join("-" * (width + 2) for width in widths) + "|", *lines[1:]])


def median(values: Sequence[float]) -> float:
    """The middle of what was measured, rounded to what it is worth."""
    return round(statistics.median(values), 4)


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
