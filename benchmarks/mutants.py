"""Defects for Python files, one at a time: what a model gets wrong on a bad day. Equal sources have equal ones."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

OPERATORS: dict[type[ast.AST], tuple[str, str]] = {
    ast.Add: ("+", "-"),
    ast.Sub: ("-", "+"),
    ast.Mult: ("*", "+"),
    ast.FloorDiv: ("//", "*"),
    ast.Mod: ("%", "//"),
    ast.LShift: ("<<", ">>"),
    ast.RShift: (">>", "<<"),
    ast.BitOr: ("|", "&"),
    ast.BitAnd: ("&", "|"),
    ast.And: ("and", "or"),
    ast.Or: ("or", "and"),
    ast.Eq: ("==", "!="),
    ast.NotEq: ("!=", "=="),
    ast.In: ("in", "not in"),
    ast.NotIn: ("not in", "in"),
}
BOUNDARIES: dict[type[ast.AST], tuple[str, str]] = {
    ast.Lt: ("<", "<="),
    ast.LtE: ("<=", "<"),
    ast.Gt: (">", ">="),
    ast.GtE: (">=", ">"),
}
KINDS = (
    "operator",
    "constant",
    "dropped line",
    "dropped branch",
    "wrong name",
    "swapped arguments",
    "comparison boundary",
    "truncated file",
)
SIMPLE = (
    ast.Expr,
    ast.Assign,
    ast.AnnAssign,
    ast.AugAssign,
    ast.Return,
    ast.Raise,
    ast.Delete,
    ast.Continue,
    ast.Break,
)
FEWEST_LINES = 3  # that a cut leaves of a file


@dataclass(frozen=True)
class Mutant:
    """A file with one defect, which begins in ``line``."""

    kind: str
    path: str
    line: int
    content: str
    change: str


def mutants(path: str, source: str) -> list[Mutant]:
    """Every defect for a file, each one that Python sees as a change. All but a cut file can be parsed."""
    found = [*_Source(path, source).mutants(), *_cuts(path, source)]
    return list({(one.kind, one.content): one for one in found}.values())


def _cuts(path: str, source: str) -> Iterator[Mutant]:
    lines = source.splitlines(keepends=True)
    for number in range(FEWEST_LINES, len(lines) - 1):
        line = lines[number]
        for text in ("", line[: len(line) // 2]):
            if line.strip():
                content = "".join(lines[:number]) + text
                yield Mutant("truncated file", path, number + 1, content, f"ends before {line[len(text) :].strip()!r}")


class _Source:
    """A file and the places of its nodes in it."""

    def __init__(self, path: str, source: str) -> None:
        self._path = path
        self._source = source.encode()
        self._tree = ast.parse(source)
        self._starts = [0]
        for line in self._source.splitlines(keepends=True):
            self._starts.append(self._starts[-1] + len(line))
        self._same = ast.dump(self._tree)

    def mutants(self) -> Iterator[Mutant]:
        for kind, node, start, end, text in self._edits():
            content = (self._source[:start] + text.encode() + self._source[end:]).decode()
            try:
                changed = ast.dump(ast.parse(content)) != self._same
            except SyntaxError:
                continue
            if changed:
                was = " ".join(self._source[start:end].decode().split())
                yield Mutant(kind, self._path, node.lineno, content, f"{was!r} became {text.strip()!r}")

    def _edits(self) -> Iterator[tuple[str, ast.AST, int, int, str]]:
        for node in ast.walk(self._tree):
            for field in ("body", "orelse", "finalbody"):
                if isinstance(body := getattr(node, field, None), list):
                    yield from self._dropped(body)
            if isinstance(node, ast.FunctionDef):
                yield from self._names(node)
        for node in self._code(self._tree):
            yield from self._words(node)

    def _code(self, node: ast.AST) -> Iterator[ast.AST]:
        """Nodes that run: no annotations, docstrings, messages of errors, or parts of f-strings."""
        for name, value in ast.iter_fields(node):
            for child in value if isinstance(value, list) else [value]:
                annotates = name in {"annotation", "returns"}
                says = isinstance(child, ast.JoinedStr | ast.Raise) or (
                    isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant)
                )
                if isinstance(child, ast.AST) and not annotates and not says:
                    yield child
                    yield from self._code(child)

    def _words(self, node: ast.AST) -> Iterator[tuple[str, ast.AST, int, int, str]]:
        if isinstance(node, ast.BinOp):
            yield from self._between(node, node.op, node.left, node.right)
        elif isinstance(node, ast.AugAssign):
            yield from self._between(node, node.op, node.target, node.value)
        elif isinstance(node, ast.BoolOp):
            for left, right in pairwise(node.values):
                yield from self._between(node, node.op, left, right)
        elif isinstance(node, ast.Compare):
            for (left, right), sign in zip(pairwise([node.left, *node.comparators]), node.ops, strict=True):
                yield from self._between(node, sign, left, right)
        elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            start, end = self._span(node)
            yield "operator", node, start, end, self._text(node.operand)
        elif isinstance(node, ast.Constant):
            yield from self._constant(node)
        elif isinstance(node, ast.Call) and not any(isinstance(given, ast.Starred) for given in node.args):
            for left, right in pairwise(node.args):
                start, end = self._span(left)[0], self._span(right)[1]
                between = self._source[self._span(left)[1] : self._span(right)[0]].decode()
                yield "swapped arguments", left, start, end, self._text(right) + between + self._text(left)

    def _between(
        self, node: ast.AST, sign: ast.AST, left: ast.AST, right: ast.AST
    ) -> Iterator[tuple[str, ast.AST, int, int, str]]:
        """Another sign between two operands."""
        kind, table = ("comparison boundary", BOUNDARIES) if type(sign) in BOUNDARIES else ("operator", OPERATORS)
        if type(sign) in table:
            start, end = self._span(left)[1], self._span(right)[0]
            yield kind, node, start, end, self._source[start:end].decode().replace(*table[type(sign)], 1)

    def _constant(self, node: ast.Constant) -> Iterator[tuple[str, ast.AST, int, int, str]]:
        value = node.value
        others: tuple[object, ...] = ()
        if isinstance(value, bool):
            others = (not value,)
        elif isinstance(value, int | float):
            others = (value + 1, value - 1) if value > 0 else (value + 1,)
        elif isinstance(value, str):
            others = (value[:-1] or "x",)
        for other in others:
            yield "constant", node, *self._span(node), repr(other)

    def _dropped(self, body: Sequence[ast.stmt]) -> Iterator[tuple[str, ast.AST, int, int, str]]:
        for statement in body:
            start, end = self._span(statement)
            if isinstance(statement, ast.If):
                if statement.orelse:
                    yield "dropped branch", statement, self._span(statement.body[-1])[1], end, ""
                elif self._source[start : start + 2] == b"if":
                    yield "dropped branch", statement, *self._lines(start, end, body)
            elif isinstance(statement, SIMPLE) and not (
                isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
            ):
                yield "dropped line", statement, *self._lines(start, end, body)

    def _lines(self, start: int, end: int, body: Sequence[ast.stmt]) -> tuple[int, int, str]:
        """Drop a statement with its line, or leave ``pass`` where it is the only one."""
        if len(body) == 1:
            return start, end, "pass"
        line = self._source.rfind(b"\n", 0, start) + 1
        return line, min(end + 1, len(self._source)), ""

    def _names(self, function: ast.FunctionDef) -> Iterator[tuple[str, ast.AST, int, int, str]]:
        """Another name of the same function."""
        given = [argument.arg for argument in function.args.args if argument.arg != "self"]
        inner = [node for statement in function.body for node in self._code(statement) if isinstance(node, ast.Name)]
        bound = sorted({*given, *(node.id for node in inner if isinstance(node.ctx, ast.Store))})
        for node in inner:
            if isinstance(node.ctx, ast.Load) and node.id in bound:
                for other in bound:
                    if other != node.id:
                        yield "wrong name", node, *self._span(node), other

    def _span(self, node: ast.AST) -> tuple[int, int]:
        start = self._starts[node.lineno - 1] + node.col_offset
        return start, self._starts[node.end_lineno - 1] + node.end_col_offset

    def _text(self, node: ast.AST) -> str:
        return ast.get_source_segment(self._source.decode(), node) or ""
