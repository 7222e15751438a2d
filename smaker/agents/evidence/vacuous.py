"""Conditions of Python code whose value does not depend on the program: dead branches, assertions that cannot fail."""

from __future__ import annotations

import ast


def constant_truth(expression: ast.expr) -> bool | None:
    """Return whether ``expression`` is always true or always false, None where it depends on something."""
    match expression:
        case ast.Constant(value=value):
            return bool(value)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            inner = constant_truth(operand)
            return None if inner is None else not inner
        case ast.BoolOp(op=operator, values=values):
            return _junction(values, decided_by=isinstance(operator, ast.Or))
        case ast.Tuple(elts=items) | ast.List(elts=items) | ast.Set(elts=items):
            return None if any(isinstance(item, ast.Starred) for item in items) else bool(items)
        case ast.Dict(keys=keys):
            return None if None in keys else bool(keys)
        case ast.JoinedStr(values=parts):
            return True if any(isinstance(part, ast.Constant) and part.value for part in parts) else None
        case ast.Lambda():
            return True
        case ast.Name(id="TYPE_CHECKING") | ast.Attribute(attr="TYPE_CHECKING"):
            return False
        case ast.Compare(left=left, ops=[operator], comparators=[right]):
            return _comparison(left, operator, right)
        case ast.NamedExpr(value=value):
            return constant_truth(value)
        case _:
            return None


def cannot_fail(expression: ast.expr) -> bool:
    """Whether ``assert expression`` proves nothing: it is always true, or depends on no name of the program."""
    truth = constant_truth(expression)
    if truth is not None:
        return truth
    depends = (ast.Name, ast.Await)
    return not any(isinstance(node, depends) for node in ast.walk(expression))


def never_repeats(iterable: ast.expr) -> bool:
    """Whether a loop over ``iterable`` surely has no turn: an empty display or ``range(0)``."""
    match iterable:
        case ast.Call(func=ast.Name(id="range"), args=[ast.Constant(value=0)]):
            return True
        case ast.Call(func=ast.Name(id="list" | "tuple" | "set" | "dict"), args=[], keywords=[]):
            return True
        case ast.Tuple() | ast.List() | ast.Set() | ast.Dict() | ast.Constant(value=str()):
            return constant_truth(iterable) is False
        case _:
            return False


def _junction(values: list[ast.expr], *, decided_by: bool) -> bool | None:
    """``or`` is decided by one true part, ``and`` by one false part; a part and its negation decide both."""
    truths = [constant_truth(value) for value in values]
    if decided_by in truths:
        return decided_by
    if None not in truths:
        return not decided_by
    texts = {ast.dump(value) for value in values}
    opposites = (ast.dump(value.operand) for value in values if isinstance(value, ast.UnaryOp))
    return decided_by if any(text in texts for text in opposites) else None


def _comparison(left: ast.expr, operator: ast.cmpop, right: ast.expr) -> bool | None:
    """A thing beside itself. Two calls are not the same thing: comparing them shows that a function is repeatable."""
    calls = any(isinstance(node, ast.Call | ast.Await) for node in ast.walk(left))
    if ast.dump(left) == ast.dump(right) and not calls:
        if isinstance(operator, ast.Eq | ast.LtE | ast.GtE | ast.Is):
            return True
        return False if isinstance(operator, ast.NotEq | ast.Lt | ast.Gt | ast.IsNot) else None
    match left, operator, right:
        case ast.Call(func=ast.Name(id="len")), ast.GtE(), ast.Constant(value=0):
            return True
        case _, ast.In(), (ast.Tuple(elts=items) | ast.List(elts=items) | ast.Set(elts=items)):
            return True if not calls and ast.dump(left) in {ast.dump(item) for item in items} else None
        case _:
            return None
