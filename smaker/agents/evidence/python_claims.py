"""What a Python test claims: its assertions as normalised text, each with the conditions under which it is reached.

An assertion is written with what guards it ("if ready: assert x"), so wrapping it in a condition changes it as
visibly as deleting it. Helpers and fixtures are followed, also those in files beside the test's own. What cannot be
reached, cannot fail or is caught is no claim; what is unreachable marks the test as skipped.
"""

from __future__ import annotations

import ast
from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager
from dataclasses import replace

from smaker.agents.evidence.claims import CLAIM_PREFIXES, Claims, Place
from smaker.agents.evidence.python_module import Helper, Locals, Module
from smaker.agents.evidence.python_syntax import (
    EXPECTED_ERRORS,
    Function,
    bindings,
    catches_assertions,
    chain,
    dotted,
    expects,
    own_nodes,
    parameters,
    skips,
    swallows,
    swallows_inside,
    vacuous_method,
)
from smaker.agents.evidence.vacuous import cannot_fail, constant_truth, never_repeats

LOOPS = ast.For | ast.AsyncFor | ast.While
COMPOUND = LOOPS | ast.If | ast.Try | ast.With | ast.AsyncWith | ast.Match | ast.TryStar


class ClaimReader:
    """Reads the claims of tests in the file ``home``; ``methods`` are those of the test's class."""

    def __init__(self, home: Module, methods: Mapping[str, Function] | None = None) -> None:
        self._test_home = self._home = home
        self._methods = dict(methods or {})
        self._locals: Locals = {}  # of the function that is being read, and of those it stands in
        self._claims = Claims()
        self._result: ast.expr | None = None  # what a fixture hands over: followed where the test calls it
        self._outset: tuple[int, tuple[str, ...]] = (0, ())  # claims and guards before the test's first statement

    def read(self, test: Function, guards: Iterable[str] = (), values: Iterable[str] = ()) -> Claims:
        """Return the claims of ``test``; ``guards`` are what surrounds it from outside, such as decorators, and
        ``values`` the parameters that are no fixtures."""
        self._claims = Claims()
        place = Place(guards=tuple(guards), inside=(Helper(test, self._home).key,))
        self._locals = self._request(test, place, dict.fromkeys(values))
        self._outset = (len(self._claims.texts), place.guards)
        self._block(test.body, place)
        if any(isinstance(node, ast.Yield | ast.YieldFrom) for node in own_nodes(test)):
            self._claims.skipped = True  # pytest does not run generators
        return self._claims

    # --- fixtures -----------------------------------------------------------------------------------------------------

    def _request(self, function: Function, place: Place, known: Locals) -> Locals:
        """Follow the fixtures a function gets by the names of its parameters; what those names stand for in it."""
        found: Locals = {}
        for name in parameters(function):
            fixture = self._test_home.requested(name) if name not in known else None
            found[name] = None if fixture is None else self._fixture(name, fixture, place)
        return found

    def _fixture(self, name: str, fixture: Helper, place: Place) -> Helper:
        """Follow a fixture, and return the function it hands over."""
        nothing = Helper(None, fixture.home)
        function = fixture.function
        if not isinstance(function, Function) or fixture.key in place.inside:
            return nothing
        self._claims.follow()
        inner = replace(self._entered(fixture, f"fixture {name}", place), test=False)
        with self._within(fixture):
            self._locals = self._request(function, inner, {})
            results = [node.value for node in own_nodes(function) if isinstance(node, ast.Return | ast.Yield)]
            self._result = results[0] if len(results) == 1 else None
            self._block(function.body, inner)
            match self._result:
                case ast.Lambda() as result:
                    return Helper(result, self._home, self._locals)
                case ast.Name() | ast.Attribute() as result:
                    return self._helper(result) or nothing
                case _:
                    return nothing

    def _entered(self, helper: Helper, call: str, place: Place) -> Place:
        """The place within a helper. What decides in another file whether it asserts is told with the call."""
        told = helper.signature if helper.home is not self._test_home else ()
        guards = (*place.guards, call, *told)
        return replace(place, guards=guards, test=False, inside=(*place.inside, helper.key))

    @contextmanager
    def _within(self, helper: Helper) -> Generator[None]:
        """Read the names of a helper as they are where it stands."""
        before = self._home, self._locals, self._methods, self._result
        if helper.home is not self._home:
            self._methods = {}
        self._home, self._locals, self._result = helper.home, dict(helper.local), None
        try:
            yield
        finally:
            self._home, self._locals, self._methods, self._result = before

    # --- statements ---------------------------------------------------------------------------------------------------

    def _block(self, body: list[ast.stmt], place: Place) -> bool:
        """Walk statements in order and return whether the block always leaves (returns, raises, skips)."""
        for statement in body:
            self._bind(statement)
        left = False
        for statement in body:
            leaves, place = self._statement(statement, place)
            if leaves:
                left = True
                place = replace(place, dead=True)
        return left

    def _bind(self, statement: ast.stmt) -> None:
        """Learn the names a statement of a function binds; a helper's name that is bound anew is nobody's."""
        if isinstance(statement, Function):
            self._locals[statement.name] = Helper(statement, self._home, self._locals)
        elif isinstance(statement, ast.ImportFrom):
            self._locals |= self._home.imports(statement)
        else:
            for name in bindings(statement):
                known = self._locals[name] if name in self._locals else self._home.find(name)
                self._locals[name] = None if known is None else Helper(None, self._home)

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
                leaving = isinstance(statement, ast.Expr) and skips(statement.value)
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
        caught = any(catches_assertions(handler) for handler in statement.handlers)
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
            if isinstance(item.context_expr, ast.Call) and self._swallows(item.context_expr):
                inner = replace(inner, caught=True)
        left = self._block(statement.body, inner)
        # the error that is expected ends the block, not the test; left in another way, the expectation fails
        return left and not any(expects(item.context_expr) for item in statement.items)

    def _swallows(self, manager: ast.Call) -> bool:
        """Whether a failed assertion within a context manager ends there."""
        helper = self._helper(manager.func)
        if helper is None or not isinstance(helper.function, Function):
            return swallows(manager)
        return any(swallows_inside(node) for node in own_nodes(helper.function))

    # --- expressions --------------------------------------------------------------------------------------------------

    def _children(self, statement: ast.stmt, place: Place) -> None:
        for child in ast.iter_child_nodes(statement):
            if isinstance(child, ast.expr):
                self._expression(child, place)

    def _expression(self, expression: ast.AST, place: Place) -> None:
        """Find claims made by calls, calls that skip, and helpers that are called or handed on."""
        if expression is self._result:
            return
        match expression:
            case ast.Call():
                if self._call(expression, place):
                    return
            case ast.Name(ctx=ast.Load()) | ast.Attribute(ctx=ast.Load()):
                if (helper := self._named(expression)) is not None:
                    self._follow(helper, ast.unparse(expression), place)
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
            before = len(self._claims.texts)
            self._follow(helper, ast.unparse(call), place)
            asserts = helper.home is not self._test_home and len(self._claims.texts) > before
            if asserts and last.startswith(CLAIM_PREFIXES):  # a call so named is a claim, if it is one
                self._claim(ast.unparse(call), place)
            for argument in (*call.args, *call.keywords):
                self._expression(argument, place)
            return True
        if skips(call):
            self._claims.skipped = self._claims.skipped or not place.dead
        elif name in {"pytest.fail", "self.fail"}:
            self._claim(f"{name}()", place)
        elif last in EXPECTED_ERRORS:
            self._claim(ast.unparse(call), place)
        elif any(part.startswith(CLAIM_PREFIXES) for part in chain(call)):
            if not vacuous_method(call):
                self._claim(ast.unparse(call), place)
            return True
        return False

    def _helper(self, function: ast.expr) -> Helper | None:
        match function:
            case ast.Attribute(value=ast.Name(id="self" | "cls"), attr=name) if name in self._methods:
                return Helper(self._methods[name], self._home)
            case _:
                return self._named(function)

    def _named(self, expression: ast.expr) -> Helper | None:
        """What a name stands for, or a name of a module."""
        name = dotted(expression) if isinstance(expression, ast.Name | ast.Attribute) else ""
        root, _, rest = name.partition(".")
        if root in self._locals:
            return self._locals[root] if not rest else None
        return self._home.attribute(name) if rest else self._home.find(name)

    def _follow(self, helper: Helper, call: str, place: Place) -> None:
        if helper.function is None or helper.key in place.inside:
            return
        self._claims.follow()
        inner = self._entered(helper, call, place)
        with self._within(helper):
            self._locals |= dict.fromkeys(parameters(helper.function))
            if isinstance(helper.function, ast.Lambda):
                self._expression(helper.function.body, inner)
            else:
                self._block(helper.function.body, inner)

    def _claim(self, text: str, place: Place) -> None:
        if place.dead:
            self._claims.skipped = True
        elif not place.caught:
            self._claims.texts.append(": ".join((*place.guards, text)))
