"""The first program in the box: makes the packages that were mounted importable, and begins. Standard library only.

``start.py PACKAGE … -- WORD …``
"""

import os
import sys


def main(words: list[str]) -> None:
    """Add where the packages lie to the places modules come from, and run."""
    mark = words.index("--")
    sys.path[:0] = list(dict.fromkeys(os.path.dirname(package) for package in words[:mark]))  # noqa: PTH120
    sys.argv[1:] = words[mark + 1 :]

    from smaker.browser.inside.program import begin  # noqa: PLC0415

    begin()


if __name__ == "__main__":
    main(sys.argv[1:])
