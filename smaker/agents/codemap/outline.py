"""The outline of a file as it is shown: definitions with their signatures, by a parser where there is one.

Python is read by `ast`, JavaScript by tree-sitter; what does not parse, and other languages, by the patterns of `scan`
with the line itself as the signature.
"""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from smaker.agents.codemap.scan import scan
from smaker.agents.evidence.node_syntax import parse_javascript, raw

if TYPE_CHECKING:
    from tree_sitter import Node

SymbolKind = Literal["class", "function", "method", "constant", "field"]

_LONGEST_SIGNATURE = 110
_SPACE = re.compile(r"\s+")
_OPENING = re.compile(r"\s*(?:\{|=>|:)\s*$")


@dataclass(frozen=True, slots=True)
class Symbol:
    """A definition: lines count from 1, ``depth`` is how many others it is in, ``signature`` is one line of code."""

    name: str
    kind: SymbolKind
    line: int
    end: int
    depth: int
    signature: str


def outline(path: str, language: str, text: str) -> list[Symbol]:
    """Return the definitions of a source in order. Never raises for what the source holds."""
    try:
        if language == "python":
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of strings with odd escapes in somebody's code
                return list(_python(ast.parse(text).body, 0))
        if language == "javascript":
            return list(_javascript(parse_javascript(path, text)))
    except (SyntaxError, ValueError, RecursionError, MemoryError):  # the last two: nested without end
        pass
    return list(_scanned(language, text))


def _short(signature: str) -> str:
    flat = _SPACE.sub(" ", signature).strip()
    return flat if len(flat) <= _LONGEST_SIGNATURE else flat[: _LONGEST_SIGNATURE - 1] + "…"


# --- Python -----------------------------------------------------------------------------------------------------------


def _python(body: list[ast.stmt], depth: int) -> Iterator[Symbol]:
    for node in body:
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                yield _function(node, depth)
            case ast.ClassDef():
                bases = ", ".join(ast.unparse(part) for part in [*node.bases, *node.keywords])
                signature = f"class {node.name}({bases})" if bases else f"class {node.name}"
                yield Symbol(node.name, "class", node.lineno, node.end_lineno or node.lineno, depth, _short(signature))
                yield from _python(node.body, depth + 1)
            case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
                if depth or isinstance(node, ast.AnnAssign) or name.isupper() or name == "__all__":
                    yield _assigned(node, name, depth)
            case ast.If() | ast.Try():  # definitions that depend on a version or on what is installed
                yield from _python(node.body, depth)
                for handler in node.handlers if isinstance(node, ast.Try) else []:
                    yield from _python(handler.body, depth)
                yield from _python(node.orelse, depth)
            case _:
                pass


def _function(node: ast.FunctionDef | ast.AsyncFunctionDef, depth: int) -> Symbol:
    word = "async def" if isinstance(node, ast.AsyncFunctionDef) else "def"
    returns = f" -> {ast.unparse(node.returns)}" if node.returns is not None else ""
    signature = f"{word} {node.name}({ast.unparse(node.args)}){returns}"
    kind: SymbolKind = "method" if depth else "function"
    return Symbol(node.name, kind, node.lineno, node.end_lineno or node.lineno, depth, _short(signature))


def _assigned(node: ast.Assign | ast.AnnAssign, name: str, depth: int) -> Symbol:
    annotation = f": {ast.unparse(node.annotation)}" if isinstance(node, ast.AnnAssign) else ""
    short = isinstance(node.value, ast.Constant | ast.Name | ast.Attribute | ast.UnaryOp) or name == "__all__"
    value = f" = {ast.unparse(node.value)}" if node.value is not None and short else ""
    kind: SymbolKind = "field" if depth else "constant"
    return Symbol(name, kind, node.lineno, node.end_lineno or node.lineno, depth, _short(f"{name}{annotation}{value}"))


# --- JavaScript -------------------------------------------------------------------------------------------------------

_CALLABLE = {"arrow_function", "function_expression", "generator_function"}


def _javascript(root: Node) -> Iterator[Symbol]:
    for statement in root.named_children:
        node = statement
        if statement.type == "export_statement":
            node = statement.child_by_field_name("declaration") or statement.child_by_field_name("value") or statement
        match node.type:
            case "function_declaration" | "generator_function_declaration" | "class_declaration" | "class":
                yield from _declared(node, statement)
            case "lexical_declaration" | "variable_declaration":
                for declarator in node.named_children:
                    yield from _bound(declarator.child_by_field_name("name"), declarator, statement)
            case "expression_statement" if (
                node.named_children and node.named_children[0].type == "assignment_expression"
            ):
                assignment = node.named_children[0]
                yield from _bound(assignment.child_by_field_name("left"), assignment, statement)
            case "export_statement" | "arrow_function" | "function_expression" | "call_expression" | "object":
                yield _node_symbol("default", "constant", statement, _head(statement, node))
            case _:
                pass


def _declared(node: Node, statement: Node) -> Iterator[Symbol]:
    is_class = node.type in {"class", "class_declaration"}
    name = raw(node.child_by_field_name("name")) or "default"
    yield _node_symbol(name, "class" if is_class else "function", statement, _head(statement, node))
    body = node.child_by_field_name("body")
    for member in body.named_children if is_class and body is not None else []:
        named = member.child_by_field_name("name") or member.child_by_field_name("property")
        if named is not None:
            kind: SymbolKind = "method" if member.type == "method_definition" else "field"
            yield _node_symbol(raw(named), kind, member, _head(member, member), depth=1)


def _bound(target: Node | None, holder: Node, statement: Node) -> Iterator[Symbol]:
    value = holder.child_by_field_name("value") or holder.child_by_field_name("right")
    if target is None or target.type not in {"identifier", "member_expression"}:
        return
    name = raw(target)
    if value is not None and value.type in _CALLABLE:
        yield _node_symbol(name.rpartition(".")[2], "function", statement, _head(statement, value))
    elif value is not None and value.type == "class":
        yield from _declared(value, statement)
    elif target.type == "identifier" or name == "module.exports" or name.startswith("exports."):
        yield _node_symbol(name, "constant", statement, raw(statement))


def _head(statement: Node, node: Node) -> str:
    """The source from a statement's beginning to the body of ``node``."""
    body = node.child_by_field_name("body")
    source = raw(statement)
    if body is not None:
        source = source.encode()[: body.start_byte - statement.start_byte].decode("utf-8", "replace")
    return _OPENING.sub("", source)


def _node_symbol(name: str, kind: SymbolKind, node: Node, signature: str, depth: int = 0) -> Symbol:
    flat = _short(signature.rstrip(";"))
    return Symbol(name, kind, node.start_point.row + 1, node.end_point.row + 1, depth, flat)


# --- everything else --------------------------------------------------------------------------------------------------

_CLASS = re.compile(
    r"\b(?:class|struct|interface|enum|trait|module|namespace|impl|record|union|type|protocol|object)\b"
)


def _scanned(language: str, text: str) -> Iterator[Symbol]:
    marks = scan(language, text)
    if not marks:
        return
    lines = text.split("\n")
    ends = [len(lines)] * len(marks)
    open_marks: list[int] = []
    depths: list[int] = []
    for index, mark in enumerate(marks):
        while open_marks and marks[open_marks[-1]].indent >= mark.indent:
            ends[open_marks.pop()] = mark.line - 1
        depths.append(len(open_marks))
        open_marks.append(index)
    for mark, end, depth in zip(marks, ends, depths, strict=True):
        source = _OPENING.sub("", lines[mark.line - 1])
        kind: SymbolKind = "method" if depth else "function"
        if mark.constant:
            kind = "field" if depth else "constant"
        elif _CLASS.search(source):
            kind = "class"
        yield Symbol(mark.name, kind, mark.line, max(end, mark.line), depth, _short(source))
