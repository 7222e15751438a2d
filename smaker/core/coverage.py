"""Line coverage from a Cobertura report."""

from __future__ import annotations

import math
from dataclasses import dataclass
from xml.etree.ElementTree import Element

from smaker.core.xml_tree import local, parse_xml


@dataclass(frozen=True)
class Covered:
    """One file: how many of its lines ran, of how many that could."""

    file: str
    ran: int
    lines: int

    @property
    def percent(self) -> float:
        """Percent of its lines, 0 to 100; a file without lines lacks none."""
        return 100 * self.ran / self.lines if self.lines else 100.0


def parse_coverage(xml: bytes) -> float | None:
    """Return percent of lines covered, 0 to 100, or None where the report cannot be read: unmeasured is not zero."""
    try:
        root = parse_xml(xml)
        rate = float(root.get("line-rate", "nan"))
    except ValueError:
        return None
    if local(root) != "coverage" or not math.isfinite(rate) or not 0 <= rate <= 1:
        return None
    return round(rate * 100, 2)


def covered_files(xml: bytes) -> tuple[Covered, ...]:
    """Return the files of a report, the least covered first; none where it cannot be read."""
    try:
        root = parse_xml(xml)
    except ValueError:
        return ()
    if local(root) != "coverage":
        return ()
    seen: dict[str, dict[str, bool]] = {}
    for element in root.iter():
        if local(element) == "class" and (file := element.get("filename")):
            lines = seen.setdefault(file, {})
            for number, hit in _lines(element):
                lines[number] = lines.get(number, False) or hit
    found = [Covered(file, sum(lines.values()), len(lines)) for file, lines in seen.items()]
    return tuple(sorted(found, key=lambda entry: (entry.percent, entry.file)))


def _lines(element: Element) -> list[tuple[str, bool]]:
    return [(line.get("number", ""), line.get("hits", "0") != "0") for line in element.iter() if local(line) == "line"]
