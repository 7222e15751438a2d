"""Write blocks the way a model is to write them: what is rendered here is read back as it was."""

from __future__ import annotations

import re
from itertools import count

from smaker.agents.edits.blocks import Block, Edits, Pair, WholeFile
from smaker.agents.edits.fences import begins_with_fence
from smaker.agents.edits.tags import TAG

RUN = re.compile(r"^ {0,3}([<=>])\1{4,}", re.MULTILINE)


def render_block(block: Block) -> str:
    """Return the block as text that ends with a newline. Raises ValueError for a path with both kinds of quotes."""
    if isinstance(block, WholeFile):
        missing = ' final-newline="no"' if block.content and not block.content.endswith("\n") else ""
        return _wrapped("file", block.path, block.content + ("\n" if missing else ""), missing)
    if isinstance(block, Edits):
        return _wrapped("edit", block.path, "".join(_rendered(pair) for pair in block.pairs), "")
    return f"<delete {_path(block.path)}/>\n"


def _wrapped(kind: str, path: str, body: str, more: str) -> str:
    end = ""
    if TAG.search(body) or begins_with_fence(body):
        end = next(f' end="EOF{number}"' for number in count(1) if f"EOF{number}" not in body)
    return f"<{kind} {_path(path)}{end}{more}>\n{body}</{kind}{end}>\n"


def _path(path: str) -> str:
    quote = "'" if '"' in path else '"'
    if quote in path:
        raise ValueError(f"the path {path} holds both kinds of quotes")
    return f"path={quote}{path}{quote}"


def _rendered(pair: Pair) -> str:
    size = max(7, 1 + max((len(run[0].strip()) for run in RUN.finditer(pair.search + pair.replace)), default=0))
    return f"{'<' * size} SEARCH\n{pair.search}{'=' * size}\n{pair.replace}{'>' * size} REPLACE\n"
