"""Python syntax trees: parsing, names and what binds them, statements that are reached, calls that skip or swallow."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from smaker.agents.evidence.vacuous import cannot_fail, constant_truth

Function = ast.FunctionDef | ast.AsyncFunctionDef

EXPECTED_ERRORS = {"raises", "warns", "deprecated_call", "assertRaises", "assertRaisesRegex", "assertWarns"}
SKIPS = {"skip", "xfail", "skipTest", "SkipTest"}
CATCH_ALL = {"AssertionError", "Exception", "BaseException"}


def dotted(expression: ast.expr) -> str:
    """``pytest.mark.skip(...)`` -> "pytest.mark.skip"; anything that is not a dotted name gives ""."""
    match expression:
        case ast.Call(func=function):
            return dotted(function)
        case ast.Attribute(value=value, attr=name):
            before = dotted(value)
            return f"{before}.{name}" if before else name
        case ast.Name(id=name):
            return name
        case _:
            return ""


def parse_python(path: str, source: str) -> ast.Module:
    """Return the tree. Raises ValueError with the line if the source does not parse."""
    try:
        return ast.parse(source, filename=path)
    except SyntaxError as error:
        raise ValueError(f"{path}:{error.lineno or 1}: {error.msg}") from error
    except (RecursionError, MemoryError) as error:
        raise ValueError(f"{path}:1: nested too deeply to be read") from error
    except ValueError as error:
        raise ValueError(f"{path}:1: {error}") from error


def fixture_name(decorator: ast.expr, function: str = "fixture") -> str:
    """What a decorator makes of a function: the name of a fixture, "" if it makes none."""
    if dotted(decorator).rpartition(".")[2] != "fixture":
        return ""
    for keyword in decorator.keywords if isinstance(decorator, ast.Call) else ():
        if keyword.arg == "name" and isinstance(keyword.value, ast.Constant):
            return str(keyword.value.value)
    return function


def bindings(statement: ast.stmt) -> set[str]:
    """The names a statement binds or deletes."""
    match statement:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            return {name}
        case ast.Import(names=names):
            return {alias.asname or alias.name.partition(".")[0] for alias in names}
        case ast.ImportFrom(names=names):
            return {alias.asname or alias.name for alias in names}
        case _:
            changed = ast.Store | ast.Del
            return {
                node.id for node in ast.walk(statement) if isinstance(node, ast.Name) and isinstance(node.ctx, changed)
            }


def reached(body: Sequence[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements of a module or class, through ``if``, ``try`` and ``with``, without dead branches."""
    for statement in body:
        match statement:
            case ast.If(test=condition, body=yes, orelse=no):
                truth = constant_truth(condition)
                yield from reached([*(yes if truth is not False else ()), *(no if truth is not True else ())])
            case ast.Try() | ast.TryStar():
                handlers = [item for handler in statement.handlers for item in handler.body]
                yield from reached([*statement.body, *handlers, *statement.orelse, *statement.finalbody])
            case ast.With(body=inner) | ast.AsyncWith(body=inner):
                yield from reached(inner)
            case _:
                yield statement


def parameters(function: Function | ast.Lambda) -> list[str]:
    """The names of a function's parameters."""
    given = function.args
    every = [*given.posonlyargs, *given.args, *given.kwonlyargs, given.vararg, given.kwarg]
    return [argument.arg for argument in every if argument is not None]


def own_nodes(function: Function) -> Iterator[ast.AST]:
    """The nodes of a function without those of functions inside it."""
    waiting: list[ast.AST] = list(function.body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, Function | ast.Lambda):
            continue
        yield node
        waiting.extend(ast.iter_child_nodes(node))


def chain(call: ast.Call) -> Iterator[str]:
    """The names called in ``expect(page).to_have_title(x)``: "to_have_title", "expect"."""
    node: ast.expr = call
    while True:
        match node:
            case ast.Call(func=ast.Attribute(value=value, attr=name)):
                yield name
                node = value
            case ast.Call(func=ast.Name(id=name)):
                yield name
                return
            case ast.Attribute(value=value):
                node = value
            case _:
                return


def skips(expression: ast.expr) -> bool:
    """Whether a call leaves the test without a failure."""
    if not isinstance(expression, ast.Call):
        return False
    owner, _, last = dotted(expression.func).rpartition(".")
    return last in SKIPS and owner in {"pytest", "self", "unittest", ""}


def vacuous_method(call: ast.Call) -> bool:
    """``self.assertTrue(True)``, ``self.assertEqual(x, x)``."""
    match call:
        case ast.Call(func=ast.Attribute(attr="assertTrue"), args=[condition, *_]):
            return cannot_fail(condition)
        case ast.Call(func=ast.Attribute(attr="assertEqual" | "assertIs"), args=[left, right, *_]):
            return cannot_fail(ast.Compare(left, [ast.Eq()], [right]))
        case _:
            return False


def _names_of(expression: ast.expr | None) -> set[str]:
    items = expression.elts if isinstance(expression, ast.Tuple) else [expression] if expression else []
    return {dotted(item).rpartition(".")[2] for item in items}


def catches_assertions(handler: ast.ExceptHandler) -> bool:
    """Whether a failed assertion ends in this handler and the handler lets the test go on."""
    if handler.type is not None and not CATCH_ALL & _names_of(handler.type):
        return False
    last = handler.body[-1]
    fails = isinstance(last, ast.Raise | ast.Assert) or (
        isinstance(last, ast.Expr) and dotted(last.value) in {"pytest.fail", "self.fail"}
    )
    return not fails


def swallows(call: ast.Call) -> bool:
    """``suppress(AssertionError)`` and ``pytest.raises(Exception)`` turn a failed assertion inside into a pass."""
    if dotted(call.func).rpartition(".")[2] not in {"suppress", *EXPECTED_ERRORS}:
        return False
    return any(CATCH_ALL & _names_of(argument) for argument in call.args)


def swallows_inside(node: ast.AST) -> bool:
    """Whether what a context manager does around its ``yield`` lets no failed assertion out."""
    match node:
        case ast.Try() | ast.TryStar():
            catches = any(catches_assertions(handler) for handler in node.handlers)
        case ast.With() | ast.AsyncWith():
            catches = any(
                isinstance(item.context_expr, ast.Call) and swallows(item.context_expr) for item in node.items
            )
        case _:
            return False
    return catches and any(isinstance(inner, ast.Yield) for part in node.body for inner in ast.walk(part))


def expects(manager: ast.expr) -> bool:
    """Whether a context manager fails unless its block raises."""
    return isinstance(manager, ast.Call) and dotted(manager.func).rpartition(".")[2] in EXPECTED_ERRORS
