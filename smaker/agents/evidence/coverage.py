"""Line coverage from a Cobertura report."""

from __future__ import annotations

import math

from smaker.agents.evidence.xml_tree import local, parse_xml


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
