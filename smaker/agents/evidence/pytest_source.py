"""Read pytest's tests from source: ids, requirements and assertions, without importing or running anything."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from smaker.agents.evidence.claims import Tangled
from smaker.agents.evidence.python_claims import ClaimReader
from smaker.agents.evidence.python_module import Files, Module
from smaker.agents.evidence.python_syntax import Function, dotted, parse_python, reached
from smaker.agents.evidence.vacuous import constant_truth
from smaker.core.models import TestSource

REQUIREMENT = re.compile(r"R[1-9][0-9]{0,3}")
SKIP_MARKS = {"skip", "skipif", "xfail"}
UNITTEST_SKIPS = {"skip", "skipIf", "skipUnless", "expectedFailure"}


def read_pytest(path: str, source: str, beside: Mapping[str, str] | None = None) -> list[TestSource]:
    """Return the tests pytest would collect from a file, one entry a function, in order.

    ``path`` is relative to the workspace and begins the ids; ``beside`` are the other files of its folder, in which
    helpers and fixtures are looked up. Raises ValueError with the line if it, or one of those, does not parse.
    """
    tree = parse_python(path, source)
    try:
        return list(_Reader(Module(path, tree, Files(beside or {}))).tests().values())
    except Tangled as error:
        raise ValueError(f"{path}:1: {error}") from error
    except (RecursionError, MemoryError) as error:
        raise ValueError(f"{path}:1: nested too deeply to be read") from error


@dataclass
class _Marks:
    """What marks say about a test."""

    requirements: list[str] = field(default_factory=list)
    skipped: bool = False
    cases: list[str] = field(default_factory=list)  # of parametrize
    guards: list[str] = field(default_factory=list)  # decorators that may change what the test does
    values: list[str] = field(default_factory=list)  # parameters that parametrize gives

    def __add__(self, other: _Marks) -> _Marks:
        return _Marks(
            self.requirements + other.requirements,
            self.skipped or other.skipped,
            self.cases + other.cases,
            self.guards + other.guards,
            self.values + other.values,
        )


class _Reader:
    def __init__(self, module: Module) -> None:
        self._module = module
        self._path = module.path
        self._tree = module.tree
        self._constants = module.constants
        self._classes = module.classes

    def tests(self) -> dict[str, TestSource]:
        """Every test by id; a later definition of a name replaces an earlier one, as it does in Python."""
        skipped = any(
            isinstance(statement, ast.Expr) and dotted(statement.value) == "pytest.skip"
            for statement in reached(self._tree.body)
        )
        marks = self._own_marks(self._tree.body) + _Marks(skipped=skipped)
        return self._scope(self._tree.body, (), marks, {})

    def _scope(
        self, body: Sequence[ast.stmt], names: tuple[str, ...], marks: _Marks, methods: Mapping[str, Function]
    ) -> dict[str, TestSource]:
        found: dict[str, TestSource] = {}
        if _opted_out(body):
            return found
        for statement in reached(body):
            for gone in _rebound(statement):
                prefix = "::".join((self._path, *names, gone))
                found = {
                    key: test
                    for key, test in found.items()
                    if key != prefix and key[: len(prefix) + 2] != prefix + "::"
                }
            match statement:
                case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) if name.startswith("test"):
                    own = self._read_marks(statement.decorator_list)
                    if own is not None:
                        test = self._test(statement, (*names, name), marks + own, methods)
                        found[test.id] = test
                case ast.ClassDef(name=name) if _collected(statement):
                    family = self._family(statement)
                    own = self._class_marks(family)
                    inherited = [item for ancestor in family for item in ancestor.body]
                    known = {item.name: item for item in reached(inherited) if isinstance(item, Function)}
                    found.update(self._scope(inherited, (*names, name), marks + own, known))
                case _:
                    pass
        return found

    def _test(
        self, function: Function, names: tuple[str, ...], marks: _Marks, methods: Mapping[str, Function]
    ) -> TestSource:
        claims = ClaimReader(self._module, methods).read(function, marks.guards, marks.values)
        return TestSource(
            id="::".join((self._path, *names)),
            requirements=tuple(dict.fromkeys(marks.requirements)),
            assertions=tuple(claims.texts + marks.cases) if claims.texts else (),
            skipped=claims.skipped or marks.skipped,
        )

    # --- classes and marks --------------------------------------------------------------------------------------------

    def _family(self, class_: ast.ClassDef, seen: tuple[str, ...] = ()) -> list[ast.ClassDef]:
        """A class after its ancestors in this file, so that what is nearer replaces what is further away."""
        family: list[ast.ClassDef] = []
        for base in reversed(class_.bases):
            ancestor = self._classes.get(dotted(base))
            if ancestor is not None and ancestor is not class_ and ancestor.name not in seen:
                family += [item for item in self._family(ancestor, (*seen, class_.name)) if item not in family]
        return [*family, class_]

    def _class_marks(self, family: Iterable[ast.ClassDef]) -> _Marks:
        marks = _Marks()
        for class_ in family:
            marks += (self._read_marks(class_.decorator_list) or _Marks()) + self._own_marks(class_.body)
        return marks

    def _own_marks(self, body: Sequence[ast.stmt]) -> _Marks:
        """The marks of ``pytestmark`` in a module or class."""
        marks = _Marks()
        for statement in reached(body):
            match statement:
                case (
                    ast.Assign(targets=[ast.Name(id="pytestmark")], value=value)
                    | ast.AnnAssign(target=ast.Name(id="pytestmark"), value=ast.expr() as value)
                ):
                    items = value.elts if isinstance(value, ast.List | ast.Tuple) else [value]
                    marks += self._read_marks(items) or _Marks()
                case _:
                    pass
        return marks

    def _read_marks(self, decorators: Iterable[ast.expr]) -> _Marks | None:
        """What decorators say; None where they make the function something else than a test."""
        marks = _Marks()
        for written in decorators:
            decorator = self._resolved(written)
            name = dotted(decorator)
            owner, _, last = name.rpartition(".")
            if last == "fixture":
                return None
            if owner.rpartition(".")[2] != "mark":
                marks.skipped |= last in UNITTEST_SKIPS
                marks.guards.append(f"@{ast.unparse(decorator)}")
                continue
            marks.skipped |= self._skips(decorator)
            if isinstance(decorator, ast.Call):
                if last == "requirement":
                    marks.requirements += _requirements(decorator)
                elif last == "parametrize":
                    cases, empty = self._cases(decorator)
                    marks.values += _argument_names(decorator)
                    marks.cases += cases
                    marks.skipped |= empty
        return marks

    def _resolved(self, expression: ast.expr) -> ast.expr:
        """A name of the module stands for what was assigned to it, also where it is called."""
        match expression:
            case ast.Name(id=name):
                return self._constants.get(name, expression)
            case ast.Call(func=ast.Name(id=name)) if name in self._constants:
                return ast.Call(self._constants[name], expression.args, expression.keywords)
            case _:
                return expression

    def _skips(self, decorator: ast.expr, depth: int = 0) -> bool:
        """Whether a skipping mark is the decorator or one of its cases has one."""
        for node in ast.walk(decorator):
            match node:
                case ast.Attribute(value=value, attr=name) if name in SKIP_MARKS:
                    if dotted(value).rpartition(".")[2] == "mark":
                        return True
                case ast.Name(id=name) if name in self._constants and depth < 4:
                    if self._skips(self._constants[name], depth + 1):
                        return True
                case _:
                    pass
        return False

    def _cases(self, call: ast.Call) -> tuple[list[str], bool]:
        """The cases of ``parametrize`` as text, and whether there are none."""
        keywords = {keyword.arg: keyword.value for keyword in call.keywords}
        values = call.args[1] if len(call.args) > 1 else keywords.get("argvalues")
        names = call.args[0] if call.args else keywords.get("argnames")
        if values is None or names is None:
            return [], False
        values = self._resolved(values)
        label = names.value if isinstance(names, ast.Constant) else ast.unparse(names)
        if not isinstance(values, ast.List | ast.Tuple | ast.Set):
            return [f"case {label} in {ast.unparse(values)}"], False
        return [f"case {label} = {_case(item)}" for item in values.elts], not values.elts


def _argument_names(call: ast.Call) -> list[str]:
    """The parameters that ``parametrize`` gives values to, unless it hands them to fixtures."""
    keywords = {keyword.arg: keyword.value for keyword in call.keywords}
    names = call.args[0] if call.args else keywords.get("argnames")
    if names is None or "indirect" in keywords:
        return []
    texts = [node.value for node in ast.walk(names) if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    return [name.strip() for text in texts for name in text.split(",")]


def _case(value: ast.expr) -> str:
    """``pytest.param(1, id="one")`` -> "1"."""
    if isinstance(value, ast.Call) and dotted(value.func).rpartition(".")[2] == "param":
        return ", ".join(ast.unparse(argument) for argument in value.args)
    return ast.unparse(value)


def _requirements(call: ast.Call) -> list[str]:
    named = [argument.value for argument in call.args if isinstance(argument, ast.Constant)]
    return [name for name in named if isinstance(name, str) and REQUIREMENT.fullmatch(name)]


def _rebound(statement: ast.stmt) -> Iterator[str]:
    """The names a statement takes away from tests defined before it."""
    match statement:
        case ast.Assign(targets=targets) | ast.Delete(targets=targets):
            yield from (target.id for target in targets if isinstance(target, ast.Name))
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            yield name
        case ast.Import(names=names) | ast.ImportFrom(names=names):
            yield from ((alias.asname or alias.name) for alias in names)
        case _:
            pass


def _opted_out(body: Sequence[ast.stmt]) -> bool:
    """``__test__ = False`` keeps a module or class from being collected."""
    for statement in reached(body):
        match statement:
            case ast.Assign(targets=[ast.Name(id="__test__")], value=value) if constant_truth(value) is False:
                return True
            case _:
                pass
    return False


def _collected(class_: ast.ClassDef) -> bool:
    """Whether pytest looks for tests in the class."""
    if any(dotted(base).endswith("TestCase") for base in class_.bases):
        return True
    methods = {item.name for item in class_.body if isinstance(item, Function)}
    return class_.name.startswith("Test") and "__init__" not in methods
