"""The program's door. ``smaker --version``, the list of projects and the terminal app come before the command line is
loaded."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line and end the process with its exit code."""
    if sys.version_info < (3, 11):  # noqa: UP036  an older interpreter must be told, not shown a syntax error
        sys.exit("smaker: Python 3.11 or newer is needed; this is " + sys.version.split()[0])
    if sys.argv[1:] == ["--version"]:
        from smaker import __version__

        print(f"smaker {__version__}")  # noqa: T201
        return
    from smaker.cli.glance import answered

    if answered(sys.argv[1:]):
        return
    from smaker.cli.direct import opened

    if (code := opened(sys.argv[1:])) is not None:
        sys.exit(code)
    from smaker.cli.door import enter

    sys.exit(enter(sys.argv[1:]))


if __name__ == "__main__":
    main()
