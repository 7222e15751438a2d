"""``python -m benchmarks [NAME …] [--json] [--quick]``: measure, and print a table.

What takes minutes is run by its name only.
"""

from __future__ import annotations

import argparse
import importlib
import json
import sys
import time

from benchmarks.figure import Figure, table

NAMES = ("startup", "tui", "steps", "workspace", "many", "recovery", "store", "sandbox", "build")
BY_NAME = ("defects",)


def main() -> None:
    """Run what is named, or everything."""
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one or more of: {', '.join((*NAMES, *BY_NAME))}")
    parser.add_argument("--json", action="store_true", help="print JSON, with details")
    parser.add_argument("--quick", action="store_true", help="only see that everything can be measured")
    parser.add_argument("--judge", metavar="CMD", help="for defects: a command that fails for a wrong program in {dir}")
    given = parser.parse_args()
    unknown = set(given.names) - {*NAMES, *BY_NAME}
    if unknown:
        parser.error(f"there is no {', '.join(sorted(unknown))}; there are: {', '.join((*NAMES, *BY_NAME))}")
    if given.judge and given.names != ["defects"]:
        parser.error("--judge is for defects alone")
    more = {"judge": given.judge} if given.judge else {}
    found: list[Figure] = []
    for name in given.names or NAMES:
        begun = time.monotonic()
        found += importlib.import_module(f"benchmarks.{name}").figures(quick=given.quick, **more)
        print(f"» {name}: {time.monotonic() - begun:.1f} s", file=sys.stderr, flush=True)  # noqa: T201
    print(json.dumps([figure.as_json() for figure in found], indent=2) if given.json else table(found))  # noqa: T201


if __name__ == "__main__":
    main()
