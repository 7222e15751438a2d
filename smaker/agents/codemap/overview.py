"""The map of a repository: its folders and files with the definitions that matter most, in a budget of tokens.

What is nearest to the focus comes first: files it names, files its words lead to, files that define what those use or
use what those define. Then counts how often what a file defines is used elsewhere. What does not fit is counted where
it lies ("… 312 more files"), so the map is complete even where it is short.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from math import sqrt

from smaker.agents.codemap.files import vendored_folder
from smaker.agents.codemap.index import CodeIndex, SourceFile
from smaker.agents.codemap.outline import Symbol
from smaker.agents.codemap.search import clip, rank_paths
from smaker.agents.codemap.tokens import weigh
from smaker.agents.codemap.words import identifiers

_FOLDERS = 0.15  # of the budget, for the outermost folders, so that the whole can be seen
_FIRST = 0.75  # of the budget, for the first files with their first definitions
_AT_FIRST = 6  # definitions
_NEIGHBOURS = 30
_MISSES = 200  # names that do not fit, before no more are tried
_WIDELY = 4  # a name that more files define says nothing about which is meant
_TEST_WORTH = 0.2
_NEAR_A_FOCUS = 3  # of the files that words lead to, their neighbours count too


def render_map(index: CodeIndex, budget_tokens: int, *, focus: Sequence[str] = ()) -> str:
    """Return the map, never above the budget by `estimate_tokens`; "" if not even a count of the files fits.

    ``focus``: paths of files or folders, names or words the task is about.
    """
    with index.lock:
        page = _Page(index, float(budget_tokens))
        if page.left < 0:
            return ""
        nearest, order = _order(index, focus)
        page.open_folders(budget_tokens * _FOLDERS)
        shown = [path for path in nearest if page.show(path)]
        for path in shown:
            page.describe(path, None)
        keep = budget_tokens * (1 - _FIRST)
        for path in order:
            if page.left <= keep:
                break
            if page.show(path):
                page.describe(path, _AT_FIRST)
        missed = 0
        for path in order:
            missed += not page.show(path)
            if missed > _MISSES:
                break
        for path in order:
            if page.left < 1:
                break
            page.describe(path, None)
        return "".join(page.lines())


# --- what comes first -------------------------------------------------------------------------------------------------


def _order(index: CodeIndex, focus: Sequence[str]) -> tuple[list[str], list[str]]:
    """The files the focus names, and all files, both in the order in which they are to be shown."""
    worth = _worth(index)
    near: dict[str, float] = {}
    named = [path.strip("/") for path in focus if path.strip("/")]
    files = [path for path in named if path in index.files]
    folders = [f"{path}/" for path in named if path not in index.files]
    for path in files:
        near[path] = 4.0
    inside = [folder for folder in folders if any(path.startswith(folder) for path in index.files)]
    if inside:
        within = tuple(inside)
        near.update({path: 3.0 for path in index.files if path.startswith(within) and path not in near})
    words = [
        word
        for word, folder in zip([n for n in named if n not in index.files], folders, strict=True)
        if folder not in inside
    ]
    found = rank_paths(index, words, _NEIGHBOURS) if words else []
    for place, path in enumerate(found):
        near.setdefault(path, 2.0 + 1 / (place + 1))
    for place, path in enumerate(_neighbours(index, [*files, *found[:_NEAR_A_FOCUS]])):
        near.setdefault(path, 1.0 + 1 / (place + 1))
    order = sorted(index.files, key=lambda path: (-near.get(path, 0.0), -worth.get(path, 0.0), path))
    return [path for path in order if near.get(path, 0.0) >= 4.0], order


def _worth(index: CodeIndex) -> dict[str, float]:
    """How much of what each file defines is used elsewhere. A file at the top says what the whole is: it counts."""
    worth = {path: 0.0 if "/" in path else 2.0 for path in index.files}
    used = index.used
    for name, paths in index.defined.items():
        uses = used[name] - len(paths)
        if uses > 0 and name[0] != "_":
            each = sqrt(uses) / len(paths)
            for path in paths:
                worth[path] += each
    return {
        path: round(value * (_TEST_WORTH if index.files[path].kind.test else 1), 6) for path, value in worth.items()
    }


def _neighbours(index: CodeIndex, paths: Sequence[str]) -> list[str]:
    """Files that define what these files use, and files that use what these define, nearest first."""
    shared: Counter[str] = Counter()
    for path in paths:
        file = index.files[path]
        for name in identifiers(file.text):
            definers = index.defined.get(name, set())
            if 0 < len(definers) <= _WIDELY:
                shared.update(dict.fromkeys(definers, 6 // len(definers)))
        own = {
            mark.name for mark in file.marks if len(index.defined[mark.name]) <= _WIDELY and mark.name.isidentifier()
        }
        if own:
            match = " OR ".join(f'"{name}"' for name in sorted(own))
            for user in index.ranked(f"body : ({match})", (0.0, 0.0, 1.0), _NEIGHBOURS):
                shared[user.path] += 3
    return sorted(shared.keys() - set(paths), key=lambda path: (-shared[path], path))[:_NEIGHBOURS]


# --- the page ---------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Folder:
    """``files`` and ``folders`` by name; ``count`` is how many files it holds, ``shown`` how many of them are seen."""

    name: str
    depth: int
    folders: dict[str, _Folder] = field(default_factory=dict)
    files: dict[str, SourceFile] = field(default_factory=dict)
    vendored: bool = False
    count: int = 0
    is_open: bool = False


class _Page:
    """Lines are charged when they are chosen, at the most they can cost: what is printed is never dearer."""

    def __init__(self, index: CodeIndex, budget: float) -> None:
        self._index = index
        self._shown: set[str] = set()
        self._described: dict[str, set[int]] = {}
        self._root = _Folder("", -1)
        self._dearest = weigh(_more(len(index.files)))
        folders: dict[str, list[SourceFile]] = {}
        for path, file in index.files.items():
            folders.setdefault(path.rpartition("/")[0], []).append(file)
        for name, files in folders.items():
            self._place(name, files)
        self.left = budget - (self._dearest if index.files else 0)
        self._root.is_open = True

    def open_folders(self, budget: float) -> None:
        """Show the outermost folders, as many levels of them as the budget holds."""
        level = list(self._root.folders.values())
        while level:
            cost = sum(self._folder_cost(folder) for folder in level)
            if cost > min(budget, self.left):
                return
            budget -= cost
            self.left -= cost
            for folder in level:
                folder.is_open = True
            level = [child for folder in level for child in folder.folders.values()]

    def show(self, path: str) -> bool:
        """Show a file's name, with the folders it is in; False if it does not fit or is in somebody else's folder."""
        if path in self._shown:
            return True
        trail, file = self._find(path)
        if file is None:
            return False
        closed = [folder for folder in trail if not folder.is_open]
        cost = sum(self._folder_cost(folder) for folder in closed) + weigh(_file_line(file, trail[-1].depth + 1))
        if cost > self.left:
            return False
        self.left -= cost
        for folder in closed:
            folder.is_open = True
        self._shown.add(path)
        return True

    def describe(self, path: str, most: int | None) -> None:
        """Show a file's definitions that are used most, those with what they are in, as far as the budget goes."""
        if path not in self._shown:
            return
        file = self._index.files[path]
        symbols = file.outline()
        chosen = self._described.setdefault(path, set())
        if not symbols or len(chosen) == len(symbols):
            return
        parents = _parents(symbols)
        depth = path.count("/") + 1
        for index in sorted(range(len(symbols)), key=lambda index: (-self._use(symbols[index]), index)):
            needed: list[int] = []
            at: int | None = index
            while at is not None and at not in chosen:
                needed.append(at)
                at = parents[at]
            if most is not None and len(chosen) + len(needed) > most:
                continue
            cost = sum(weigh(_symbol_line(symbols[each], depth)) for each in needed)
            if cost <= self.left:
                self.left -= cost
                chosen.update(needed)

    def lines(self) -> Iterator[str]:
        """The page, line by line."""
        yield from self._folder_lines(self._root, "")

    def _folder_lines(self, folder: _Folder, prefix: str) -> Iterator[str]:
        hidden = folder.count
        below: list[str] = []
        for name in sorted(folder.folders):
            child = folder.folders[name]
            if child.is_open:
                hidden -= child.count
                below += self._folder_lines(child, f"{prefix}{name}/")
        for name in sorted(folder.files):
            path = prefix + name
            if path in self._shown:
                hidden -= 1
                file = folder.files[name]
                below.append(_file_line(file, folder.depth + 1))
                chosen = self._described.get(path)
                symbols = file.outline() if chosen else []
                below += [_symbol_line(symbols[each], path.count("/") + 1) for each in sorted(chosen or ())]
        if folder.depth >= 0:
            head = f"{' ' * folder.depth}{clip(folder.name)}/"
            if folder.vendored or not below:
                yield f"{head} {_more(hidden, 'files', vendored=folder.vendored)}"
                return
            yield f"{head}\n"
        yield from below
        if hidden:
            yield f"{' ' * (folder.depth + 1)}{_more(hidden)}"

    def _folder_cost(self, folder: _Folder) -> float:
        return weigh(f"{' ' * (2 * folder.depth + 2)}{clip(folder.name)}/\n (vendored)") + self._dearest

    def _place(self, name: str, files: list[SourceFile]) -> None:
        outside = vendored_folder(f"{name}/")
        folder = self._root
        folder.count += len(files)
        for part in (outside or name).split("/") if name else ():
            folder = folder.folders.setdefault(part, _Folder(part, folder.depth + 1))
            folder.count += len(files)
        if outside:
            folder.vendored = True
        else:
            folder.files = {file.path.rpartition("/")[2]: file for file in files}

    def _find(self, path: str) -> tuple[list[_Folder], SourceFile | None]:
        *names, last = path.split("/")
        trail = [self._root]
        for name in names:
            if trail[-1].vendored:
                return trail, None
            trail.append(trail[-1].folders[name])
        return trail, trail[-1].files.get(last)

    def _use(self, symbol: Symbol) -> float:
        name = symbol.name
        definers = len(self._index.defined.get(name, ())) or 1
        uses = max(self._index.used[name] - definers, 0) / definers
        if name.startswith("_") or symbol.kind == "field":
            uses *= 0.05
        return round(uses + (0.0 if symbol.depth else 0.5), 6)


def _parents(symbols: Sequence[Symbol]) -> list[int | None]:
    parents: list[int | None] = []
    trail: list[int] = []
    for index, symbol in enumerate(symbols):
        del trail[symbol.depth :]
        parents.append(trail[-1] if trail else None)
        trail.append(index)
    return parents


def _file_line(file: SourceFile, depth: int) -> str:
    name = clip(file.path.rpartition("/")[2])
    about = [file.kind.reason, *([_size(file.size)] if file.size else [])] if file.kind.reason else []
    why = f" ({', '.join(about)})" if about else ""
    return f"{' ' * depth}{name}{why}\n"


def _symbol_line(symbol: Symbol, depth: int) -> str:
    return f"{' ' * (depth + symbol.depth)}{symbol.line} {clip(symbol.signature)}\n"


def _size(size: int) -> str:
    return f"{size} B" if size < 1024 else f"{size // 1024} KB" if size < 1024**2 else f"{size // 1024**2} MB"


def _more(count: int, what: str = "more files", *, vendored: bool = False) -> str:
    noun = what.removesuffix("s") if count == 1 else what
    return f"… {count} {noun}{' (vendored)' if vendored else ''}\n"
