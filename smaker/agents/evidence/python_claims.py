"""What a Python test claims: its assertions as normalised text, each with the conditions under which it is reached.

An assertion is written with what guards it ("if ready: assert x"), so wrapping it in a condition changes it as
visibly as deleting it. Helpers of the same file are followed. What cannot be reached, cannot fail or is caught is no
claim; what is unreachable marks the test as skipped.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from smaker.agents.evidence.claims import CLAIM_PREFIXES, Claims, Place
from smaker.agents.evidence.vacuous import cannot_fail, constant_truth, never_repeats

Function = ast.FunctionDef | ast.AsyncFunctionDef

EXPECTED_ERRORS = {"raises", "warns", "deprecated_call", "assertRaises", "assertRaisesRegex", "assertWarns"}
SKIPS = {"skip", "xfail", "skipTest", "SkipTest"}
CATCH_ALL = {"AssertionError", "Exception", "BaseException"}
LOOPS = ast.For | ast.AsyncFor | ast.While
COMPOUND = LOOPS | ast.If | ast.Try | ast.With | ast.AsyncWith | ast.Match | ast.TryStar


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


class ClaimReader:
    """Reads the claims of tests. ``helpers`` are the file's functions, ``methods`` those of the test's class."""

    def __init__(self, helpers: Mapping[str, Function], methods: Mapping[str, Function] | None = None) -> None:
        self._helpers = dict(helpers)
        self._methods = dict(methods or {})
        self._claims = Claims()
        self._outset: tuple[int, tuple[str, ...]] = (0, ())  # claims and guards before the test's first statement

    def read(self, test: Function, guards: Iterable[str] = ()) -> Claims:
        """Return the claims of ``test``; ``guards`` are what surrounds it from outside, such as decorators."""
        self._claims = Claims()
        outer = dict(self._helpers)
        place = Place(guards=tuple(guards), inside=(test.name,))
        for argument in (*test.args.posonlyargs, *test.args.args, *test.args.kwonlyargs):
            fixture = outer.get(argument.arg)
            if fixture is not None and any(dotted(item).endswith("fixture") for item in fixture.decorator_list):
                self._follow(fixture, f"fixture {argument.arg}", place)
            self._helpers.pop(argument.arg, None)  # in the body the name is the argument
        self._outset = (len(self._claims.texts), place.guards)
        self._block(test.body, place)
        if any(isinstance(node, ast.Yield | ast.YieldFrom) for node in _own_nodes(test)):
            self._claims.skipped = True  # pytest does not run generators
        self._helpers = outer
        return self._claims

    # --- statements ---------------------------------------------------------------------------------------------------

    def _block(self, body: list[ast.stmt], place: Place) -> bool:
        """Walk statements in order and return whether the block always leaves (returns, raises, skips)."""
        for statement in body:
            if isinstance(statement, Function):
                self._helpers[statement.name] = statement
        left = False
        for statement in body:
            leaves, place = self._statement(statement, place)
            if leaves:
                left = True
                place = replace(place, dead=True)
        return left

    def _statement(self, statement: ast.stmt, place: Place) -> tuple[bool, Place]:
        match statement:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                return False, place
            case ast.Assert(test=condition):
                if not cannot_fail(condition):
                    self._claim(f"assert {ast.unparse(condition)}", place)
                self._expression(condition, place)
                return False, place
            case ast.If():
                return self._if(statement, place)
            case _ if isinstance(statement, COMPOUND):
                return self._compound(statement, place), place
            case ast.Raise(exc=error):
                if error is not None:
                    self._expression(error, place)
                    if dotted(error) in {"AssertionError", "pytest.fail.Exception"}:
                        self._claim(f"raise {dotted(error)}", place)
                return True, place
            case ast.Return() | ast.Continue() | ast.Break():
                early = isinstance(statement, ast.Return) and place.test
                if early and not place.dead and self._outset == (len(self._claims.texts), place.guards):
                    self._claims.skipped = True
                self._children(statement, place)
                return True, place
            case _:
                self._children(statement, place)
                leaving = isinstance(statement, ast.Expr) and _skips(statement.value)
                return leaving, place

    def _if(self, statement: ast.If, place: Place) -> tuple[bool, Place]:
        self._expression(statement.test, place)
        truth = constant_truth(statement.test)
        text = ast.unparse(statement.test)
        yes = place if truth else place.under(f"if {text}")
        no = place if truth is False else place.under(f"unless {text}")
        leaves_yes = self._block(statement.body, replace(yes, dead=place.dead or truth is False))
        leaves_no = self._block(statement.orelse, replace(no, dead=place.dead or truth is True))
        if truth is not None:
            return (leaves_yes if truth else leaves_no), place
        if leaves_yes and leaves_no:
            return True, place
        if leaves_yes:
            place = no
        elif leaves_no:
            place = yes
        return False, place

    def _compound(self, statement: ast.stmt, place: Place) -> bool:
        match statement:
            case ast.For() | ast.AsyncFor():
                self._expression(statement.iter, place)
                inner = place.under(f"for {ast.unparse(statement.target)} in {ast.unparse(statement.iter)}")
                self._block(statement.body, replace(inner, dead=place.dead or never_repeats(statement.iter)))
                self._block(statement.orelse, place)
            case ast.While(test=condition):
                self._expression(condition, place)
                truth = constant_truth(condition)
                inner = place if truth else place.under(f"while {ast.unparse(condition)}")
                self._block(statement.body, replace(inner, dead=place.dead or truth is False))
                self._block(statement.orelse, place)
            case ast.Try() | ast.TryStar():
                return self._try(statement, place)
            case ast.With() | ast.AsyncWith():
                return self._with(statement, place)
            case ast.Match(subject=subject, cases=cases):
                self._expression(subject, place)
                for case in cases:
                    guard = f" if {ast.unparse(case.guard)}" if case.guard else ""
                    self._block(
                        case.body, place.under(f"match {ast.unparse(subject)} case {ast.unparse(case.pattern)}{guard}")
                    )
            case _:
                pass
        return False

    def _try(self, statement: ast.Try | ast.TryStar, place: Place) -> bool:
        caught = any(_catches_assertions(handler) for handler in statement.handlers)
        left = self._block(statement.body, replace(place, caught=place.caught or caught))
        for handler in statement.handlers:
            kind = ast.unparse(handler.type) if handler.type else "anything"
            self._block(handler.body, place.under(f"except {kind}"))
        self._block(statement.orelse, replace(place, dead=place.dead or left))
        ended = self._block(statement.finalbody, place)
        return ended or (left and not statement.handlers)

    def _with(self, statement: ast.With | ast.AsyncWith, place: Place) -> bool:
        inner = place
        own_error = isinstance(statement.body[0], ast.Raise)  # raised by the test itself: expecting it proves nothing
        for item in statement.items:
            self._expression(item.context_expr, replace(place, caught=place.caught or own_error))
            if isinstance(item.context_expr, ast.Call) and _swallows(item.context_expr):
                inner = replace(inner, caught=True)
        left = self._block(statement.body, inner)
        # the error that is expected ends the block, not the test; left in another way, the expectation fails
        return left and not any(_expects(item.context_expr) for item in statement.items)

    # --- expressions --------------------------------------------------------------------------------------------------

    def _children(self, statement: ast.stmt, place: Place) -> None:
        for child in ast.iter_child_nodes(statement):
            if isinstance(child, ast.expr):
                self._expression(child, place)

    def _expression(self, expression: ast.AST, place: Place) -> None:
        """Find claims made by calls, calls that skip, and helpers that are called or handed on."""
        match expression:
            case ast.Call():
                if self._call(expression, place):
                    return
            case ast.Name(id=name, ctx=ast.Load()) if name in self._helpers:
                self._follow(self._helpers[name], name, place)
            case _:
                pass
        for child in ast.iter_child_nodes(expression):
            self._expression(child, place)

    def _call(self, call: ast.Call, place: Place) -> bool:
        """Return whether the call was dealt with as a whole."""
        name = dotted(call.func)
        last = name.rpartition(".")[2]
        helper = self._helper(call.func)
        if helper is not None:
            self._follow(helper, ast.unparse(call), place)
            for argument in (*call.args, *call.keywords):
                self._expression(argument, place)
            return True
        if _skips(call):
            self._claims.skipped = self._claims.skipped or not place.dead
        elif name in {"pytest.fail", "self.fail"}:
            self._claim(f"{name}()", place)
        elif last in EXPECTED_ERRORS:
            self._claim(ast.unparse(call), place)
        elif any(part.startswith(CLAIM_PREFIXES) for part in _chain(call)):
            if not _vacuous_method(call):
                self._claim(ast.unparse(call), place)
            return True
        return False

    def _helper(self, function: ast.expr) -> Function | None:
        match function:
            case ast.Name(id=name):
                return self._helpers.get(name)
            case ast.Attribute(value=ast.Name(id="self" | "cls"), attr=name):
                return self._methods.get(name)
            case _:
                return None

    def _follow(self, helper: Function, call: str, place: Place) -> None:
        if helper.name in place.inside:
            return
        self._claims.follow()
        inner = replace(place.under(call), test=False, inside=(*place.inside, helper.name))
        self._block(helper.body, inner)

    def _claim(self, text: str, place: Place) -> None:
        if place.dead:
            self._claims.skipped = True
        elif not place.caught:
            self._claims.texts.append(": ".join((*place.guards, text)))


def _expects(manager: ast.expr) -> bool:
    """Whether a context manager fails unless its block raises."""
    return isinstance(manager, ast.Call) and dotted(manager.func).rpartition(".")[2] in EXPECTED_ERRORS


def _own_nodes(function: Function) -> Iterator[ast.AST]:
    """The nodes of a function without those of functions inside it."""
    waiting: list[ast.AST] = list(function.body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, Function | ast.Lambda):
            continue
        yield node
        waiting.extend(ast.iter_child_nodes(node))


def _chain(call: ast.Call) -> Iterator[str]:
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


def _skips(expression: ast.expr) -> bool:
    if not isinstance(expression, ast.Call):
        return False
    owner, _, last = dotted(expression.func).rpartition(".")
    return last in SKIPS and owner in {"pytest", "self", "unittest", ""}


def _vacuous_method(call: ast.Call) -> bool:
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


def _catches_assertions(handler: ast.ExceptHandler) -> bool:
    """Whether a failed assertion ends in this handler and the handler lets the test go on."""
    if handler.type is not None and not CATCH_ALL & _names_of(handler.type):
        return False
    last = handler.body[-1]
    fails = isinstance(last, ast.Raise | ast.Assert) or (
        isinstance(last, ast.Expr) and dotted(last.value) in {"pytest.fail", "self.fail"}
    )
    return not fails


def _swallows(call: ast.Call) -> bool:
    """``suppress(AssertionError)`` and ``pytest.raises(Exception)`` turn a failed assertion inside into a pass."""
    if dotted(call.func).rpartition(".")[2] not in {"suppress", *EXPECTED_ERRORS}:
        return False
    return any(CATCH_ALL & _names_of(argument) for argument in call.args)
