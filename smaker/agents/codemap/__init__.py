"""What a language model is shown of a repository it must change: a map, ranked search, exact search, in few tokens.

Pure functions of an index, and an index of the files it is given: equal files give equal answers.
"""

from smaker.agents.codemap.grep import Grep, Match, grep, render_grep
from smaker.agents.codemap.index import CodeIndex, SourceFile, Updated
from smaker.agents.codemap.library import Changes, CodeMaps, Files
from smaker.agents.codemap.meaning import rank_by_meaning
from smaker.agents.codemap.outline import Symbol, outline
from smaker.agents.codemap.overview import render_map
from smaker.agents.codemap.search import Hit, render_hits, search
from smaker.agents.codemap.tokens import estimate_tokens, fit

__all__ = [
    "Changes",
    "CodeIndex",
    "CodeMaps",
    "Files",
    "Grep",
    "Hit",
    "Match",
    "SourceFile",
    "Symbol",
    "Updated",
    "estimate_tokens",
    "fit",
    "grep",
    "outline",
    "rank_by_meaning",
    "render_grep",
    "render_hits",
    "render_map",
    "search",
]
