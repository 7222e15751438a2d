"""JavaScript syntax trees: parsing, normalised text, literal values, conditions that depend on nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tree_sitter import Node

FUNCTIONS = {"arrow_function", "function_expression", "function_declaration", "generator_function", "method_definition"}
ALWAYS_TRUE = {"true", "array", "object", "arrow_function", "function_expression", "regex", "class", "new_expression"}
ALWAYS_FALSE = {"false", "null", "undefined"}
DEPENDENCIES = {"identifier", "this", "shorthand_property_identifier", "await_expression", "call_expression"}
ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "v": "\v", "0": "\0", "\n": ""}
ESCAPE = re.compile(r"\\(?:u\{([0-9a-fA-F]+)\}|u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|(.))", re.DOTALL)


def parse_javascript(path: str, source: str) -> Node:
    """Return the root of the tree. Raises ValueError with the line if the source does not parse."""
    import tree_sitter_javascript  # noqa: PLC0415  loaded when the first JavaScript file is read
    from tree_sitter import Language, Parser  # noqa: PLC0415

    root = Parser(Language(tree_sitter_javascript.language())).parse(source.encode("utf-8", "replace")).root_node
    if root.has_error:
        broken = next((node for node in walk(root) if node.is_error or node.is_missing), root)
        raise ValueError(f"{path}:{broken.start_point.row + 1}: invalid syntax")
    return root


def walk(node: Node) -> Iterator[Node]:
    """Yield a node and all below it, in the order of the source."""
    waiting = [node]
    while waiting:
        current = waiting.pop()
        yield current
        waiting.extend(reversed(current.children))


def raw(node: Node | None) -> str:
    """The source of a node as it stands; "" for none."""
    return (node.text or b"").decode("utf-8", "replace") if node is not None else ""


def text(node: Node | None) -> str:
    """The source of a node without comments, layout, trailing commas, and with double quotes where that is the same."""
    if node is None:
        return ""
    result = ""
    for piece in _pieces(node):
        if result.endswith(", ") and piece in {")", "]", "}"}:
            result = result[:-2]
        if result and (result[-1].isalnum() or result[-1] in "_$") and (piece[0].isalnum() or piece[0] in "_$"):
            result += " "
        result += ", " if piece == "," else piece
    return result


def _pieces(node: Node) -> Iterator[str]:
    if node.type == "comment":
        return
    if node.type in {"string", "template_string", "regex"} or not node.children:
        piece = raw(node)
        if node.type == "string" and piece.startswith("'") and '"' not in piece and "\\" not in piece:
            piece = f'"{piece[1:-1]}"'
        if piece:
            yield piece
        return
    for child in node.children:
        yield from _pieces(child)


def name_of(node: Node | None) -> str:
    """What a string expression evaluates to; parts that are not literal stand as "${source}"."""
    if node is None:
        return ""
    match node.type:
        case "string" | "template_string":
            return "".join(
                text(child) if child.type == "template_substitution" else _unescaped(raw(child))
                for child in node.named_children
            )
        case "parenthesized_expression":
            return name_of(node.named_children[0])
        case "binary_expression" if raw(node.child_by_field_name("operator")) == "+":
            return name_of(node.child_by_field_name("left")) + name_of(node.child_by_field_name("right"))
        case _:
            return f"${{{text(node)}}}"


def _unescaped(fragment: str) -> str:
    def value(match: re.Match[str]) -> str:
        code = match[1] or match[2] or match[3]
        if code:
            number = int(code, 16)
            return chr(number) if number <= 0x10FFFF else match[0]
        return ESCAPES.get(match[4], match[4])

    return ESCAPE.sub(value, fragment)


def arguments(call: Node) -> list[Node]:
    """The arguments of a call, without comments."""
    given = call.child_by_field_name("arguments")
    return [child for child in given.named_children if child.type != "comment"] if given is not None else []


def chain(call: Node) -> list[str]:
    """The names in what is called, root first: ``t.assert.equal(x)`` and ``expect(x).toBe(y)`` by their names."""
    names: list[str] = []
    node: Node | None = call
    while node is not None:
        match node.type:
            case "call_expression":
                node = node.child_by_field_name("function")
            case "member_expression":
                names.append(raw(node.child_by_field_name("property")))
                node = node.child_by_field_name("object")
            case "await_expression" | "parenthesized_expression":
                node = node.named_children[0] if node.named_children else None
            case "identifier" | "this":
                names.append(raw(node))
                node = None
            case _:
                node = None
    return names[::-1]


def constant_truth(node: Node | None) -> bool | None:
    """Whether an expression is always truthy or always falsy, None where it depends on something."""
    if node is None:
        return None
    match node.type:
        case "parenthesized_expression":
            return constant_truth(node.named_children[0]) if node.named_children else None
        case "string" | "template_string":
            return bool(name_of(node)) if "${" not in raw(node) else None
        case "number":
            return bool(re.search(r"[1-9]", raw(node)))
        case "unary_expression" if raw(node.child_by_field_name("operator")) == "!":
            inner = constant_truth(node.child_by_field_name("argument"))
            return None if inner is None else not inner
        case "binary_expression":
            return _binary_truth(node)
        case kind if kind in ALWAYS_TRUE:
            return True
        case kind if kind in ALWAYS_FALSE:
            return False
        case _:
            return None


def _binary_truth(node: Node) -> bool | None:
    left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
    operator = raw(node.child_by_field_name("operator"))
    if operator in {"||", "&&"}:
        decided_by = operator == "||"
        truths = [constant_truth(left), constant_truth(right)]
        if decided_by in truths:
            return decided_by
        return None if None in truths else not decided_by
    if same(left, right):
        if operator in {"===", "==", ">=", "<="}:
            return True
        return False if operator in {"!==", "!=", ">", "<"} else None
    return None


def same(left: Node | None, right: Node | None) -> bool:
    """Whether two expressions are the same thing: equal text and no call, which may answer differently."""
    if left is None or right is None or text(left) != text(right):
        return False
    return not any(node.type in {"call_expression", "await_expression", "new_expression"} for node in walk(left))


def depends(node: Node) -> bool:
    """Whether an expression depends on anything of the program."""
    return any(part.type in DEPENDENCIES for part in walk(node))
