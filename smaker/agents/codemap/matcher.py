"""The program that looks for a pattern: run as a file of its own, so that a pattern without end can be stopped.

Standard input: a line of JSON with the pattern and the limits, then for each file a line with its length in bytes and
its text. Standard output: JSON, [[number of the file, line, text of the line], …] and whether there was more.
It loads nothing of smaker.
"""

from __future__ import annotations

import json
import re
import sys
from typing import BinaryIO


def look(source: BinaryIO) -> tuple[list[tuple[int, int, str]], bool]:
    """Return the lines that match, file by file, and whether a limit was met."""
    order = json.loads(source.readline())
    pattern = re.compile(order["pattern"], re.MULTILINE | (re.IGNORECASE if order["ignore_case"] else 0))
    found: list[tuple[int, int, str]] = []
    for number in range(order["files"]):
        text = source.read(int(source.readline())).decode("utf-8", "surrogatepass")
        line = at = last = 0
        of_file = 0
        for match in pattern.finditer(text):
            start = match.start()
            if start == len(text) and text.endswith("\n"):
                break
            line += text.count("\n", at, start)
            at = start
            if of_file and line == last:
                continue
            if len(found) == order["limit"]:
                return found, True
            if of_file == order["per_file"]:
                break
            of_file, last = of_file + 1, line
            begin = text.rfind("\n", 0, start) + 1
            end = text.find("\n", start)
            found.append((number, line + 1, text[begin : end if end >= 0 else len(text)][: order["width"]]))
    return found, False


if __name__ == "__main__":
    sys.stdout.write(json.dumps(look(sys.stdin.buffer)))
