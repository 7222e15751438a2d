"""In the terminal app, text goes to what would read markup in it through one door: smaker/tui/literal.py."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

TUI = Path(__file__).resolve().parents[2] / "smaker" / "tui"

SINKS = {
    # what reads a plain `str` as markup: which arguments of it
    "Static": (0,),
    "Label": (0,),
    "Button": (0,),
    "Checkbox": (0,),
    "RadioButton": (0,),
    "Switch": (),
    "Option": (0,),
    "Collapsible": (),
    "TabPane": (0,),
    "Tab": (0,),
    "Tooltip": (0,),
    "Hit": (1, 3),
    "DiscoveryHit": (0, 3),
    "notify": (0,),
    "update": (0,),
    "add_row": (0, 1, 2, 3, 4, 5, 6, 7, 8, 9),
    "add_column": (0,),
    "add_columns": (0, 1, 2, 3, 4, 5, 6, 7, 8, 9),
    "update_cell": (2,),
    "update_cell_at": (1,),
    "add": (0,),
    "add_leaf": (0,),
    "set_label": (0,),
    "add_option": (0,),
    "from_markup": (0,),
    "render_str": (0,),
    "highlight": (0,),
}
"""By the name that is called."""
WORDS = {"title", "label", "prompt", "help", "text", "match_display", "subtitle", "name", "tooltip"}
WITH_WORDS = {"Collapsible", "TabPane", "Tab", "Hit", "DiscoveryHit", "Option", "Checkbox", "RadioButton", "notify"}
CELLS = {"add_row", "update_cell", "update_cell_at"}
TITLES = {"border_title", "border_subtitle", "tooltip", "sub_title"}
"""Attributes that read markup."""

DOORS = {"cell", "content", "Text", "assemble", "styled", "Content", "Syntax", "append_text"}
"""What makes something of text in which nothing is markup any more."""


def loose(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield where text that may be somebody else's meets something that reads markup."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield from _loose_call(node, tree)
        elif isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            for target in targets:
                if isinstance(target, ast.Attribute) and target.attr in TITLES and not _literal(node.value, tree):
                    yield node.lineno, f"{target.attr} = {ast.unparse(node.value)}"


def _loose_call(call: ast.Call, tree: ast.Module) -> Iterator[tuple[int, str]]:
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    if name not in SINKS or _without_markup(call):
        return
    if name in {"add", "update"} and isinstance(call.func, ast.Attribute) and not _widget(call.func.value):
        return
    if (name == "update" and _plain_statics(tree)) or (name in CELLS and _typed_table(tree)):
        return
    given = [argument for place, argument in enumerate(call.args) if place in SINKS[name]]
    if name in WITH_WORDS:
        given += [keyword.value for keyword in call.keywords if keyword.arg in WORDS and keyword.arg != "name"]
    for argument in given:
        if not _literal(argument, tree):
            yield call.lineno, ast.unparse(call)


def _plain_statics(tree: ast.Module) -> bool:
    """Whether no widget that a module makes reads markup: then none does when it is updated."""
    made = [
        node for node in ast.walk(tree) if isinstance(node, ast.Call) and ast.unparse(node.func) in {"Static", "Label"}
    ]
    return bool(made) and all(map(_without_markup, made))


def _typed_table(tree: ast.Module) -> bool:
    """Whether every table that a module makes is declared to hold `Text`: then the type checker keeps strings out."""
    said = [ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)]
    return "DataTable[Text]" in said and "DataTable" not in said


def _widget(owner: ast.expr) -> bool:
    """Whether `add` or `update` of this may be a widget's: sets and dictionaries have them too."""
    said = ast.unparse(owner).lower()
    return any(word in said for word in ("query", "root", "node", "static", "banner", "tree", "widget", "pane"))


def _without_markup(call: ast.Call) -> bool:
    return any(
        keyword.arg == "markup" and isinstance(keyword.value, ast.Constant) and keyword.value.value is False
        for keyword in call.keywords
    )


def _literal(node: ast.expr, tree: ast.Module, depth: int = 3) -> bool:
    """Whether this is a program's own words, or went through the door."""
    match node:
        case ast.Constant():
            return not (isinstance(node.value, str) and "[" in node.value)
        case ast.Call():
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            return name in DOORS or (depth > 0 and _returns_literal(name, tree, depth))
        case ast.IfExp():
            return _literal(node.body, tree, depth) and _literal(node.orelse, tree, depth)
        case ast.BoolOp():
            return all(_literal(value, tree, depth) for value in node.values)
        case ast.Starred():
            return _literal(node.value, tree, depth)
        case ast.GeneratorExp() | ast.ListComp():
            return _literal(node.elt, tree, depth)
        case ast.Tuple() | ast.List():
            return all(_literal(value, tree, depth) for value in node.elts)
        case ast.Name() if depth > 0:
            return _name_literal(node.id, tree, depth)
        case _:
            return _typed(node, tree)


def _name_literal(name: str, tree: ast.Module, depth: int) -> bool:
    """Whether everything a name is given in its module is literal, or it is declared to be no `str`."""
    found = False
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign | ast.AnnAssign | ast.NamedExpr):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if any(isinstance(target, ast.Name) and target.id == name for target in targets):
                found = True
                if node.value is not None and not _literal(node.value, tree, depth - 1):
                    return False
        elif isinstance(node, ast.arg) and node.arg == name:
            found = True
            if node.annotation is None or not _safe_type(node.annotation):
                return False
    return found


def _returns_literal(name: str, tree: ast.Module, depth: int) -> bool:
    made = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == name
    ]
    return bool(made) and all(node.returns is not None and _safe_type(node.returns) for node in made)


def _typed(node: ast.expr, tree: ast.Module) -> bool:
    """Whether an attribute or an item is declared in its module to be no `str`."""
    while isinstance(node, ast.Subscript):
        node = node.value
    if not isinstance(node, ast.Attribute):
        return False
    declared = [
        found.annotation
        for found in ast.walk(tree)
        if isinstance(found, ast.AnnAssign) and ast.unparse(found.target).removeprefix("self.") == node.attr
    ]
    return bool(declared) and all(map(_safe_type, declared))


def _safe_type(annotation: ast.expr) -> bool:
    said = ast.unparse(annotation)
    return ("Text" in said or "Content" in said or "Visual" in said) and "str" not in said.split("[")[-1]


@pytest.mark.attack("T161")
def test_no_text_meets_markup_but_through_the_door() -> None:
    found = [
        f"{path.relative_to(TUI)}:{line} {what}"
        for path in sorted(TUI.rglob("*.py"))
        for line, what in loose(ast.parse(path.read_text()))
    ]
    assert found == [], "give it to literal.cell or literal.content, or say markup=False after literal.line"


@pytest.mark.parametrize(
    "code",
    [
        "Static(project.name)",
        "Static(f'{name} is there')",
        "def f(name: str): Label(name)",
        "self.notify(error.message)",
        "self.notify(f'{error} [b]')",
        "table.add_row('a', project.name)",
        "widget.border_title = task.title",
        "tree.root.add(task.title)",
        "self.query_one('#x', Static).update(text)",
        "Static('')\nself.query_one('#x', Static).update(text)",
        "Option(line(path), id='x')",
        "Hit(1, shown, do, help=project.prompt)",
        "TabPane(project.name)",
        "Static('[b]loud[/b]')",
        "Content.from_markup(text)",
    ],
)
def test_a_loose_end_is_found(code: str) -> None:
    assert list(loose(ast.parse(code)))


@pytest.mark.parametrize(
    "code",
    [
        "Static('opening …')",
        "Static(line(name), markup=False)",
        "Static(content(name))",
        "table.add_row(cell(a), cell(b))",
        "tree.root.add(cell(task.title), data=task.title)",
        "self.notify(complaint(error), severity='error', markup=False)",
        "widget.border_title = 'Activity'",
        "shown = content(x)\nStatic(shown)",
        "def f() -> Text: ...\nStatic(f())",
        "seen.add(name)",
        "table = DataTable[Text]()\ntable.add_row(*shown)",
        "Static('', markup=False)\nself.query_one('#x', Static).update(text)",
    ],
)
def test_what_went_through_the_door_is_let_be(code: str) -> None:
    assert not list(loose(ast.parse(code)))
