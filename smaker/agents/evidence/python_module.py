"""What the names of a Python file of tests stand for: its own functions, and those it imports from files beside it.

Files beside it are those of the acceptance folder: nobody but the tester may change them. A name that is bound twice,
that is missing where it is imported from, or that is no function stands for something that asserts nothing.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from smaker.agents.evidence.claims import acceptance_folder
from smaker.agents.evidence.python_syntax import Function, bindings, fixture_name, parse_python, reached

Locals = dict[str, "Helper | None"]
"""What names of a function stand for; None is a value of which nothing is known."""


@dataclass(frozen=True, eq=False)
class Helper:
    """A function that tests may call, and where its names are looked up; ``function`` None: it cannot be told which."""

    function: Function | ast.Lambda | None
    home: Module
    local: Locals = field(default_factory=dict)

    @property
    def key(self) -> str:
        """What it is known by while it is followed."""
        return f"{self.home.path}:{self.function.lineno if self.function is not None else 0}"

    @property
    def signature(self) -> tuple[str, ...]:
        """What decides from outside whether its assertions are reached: defaults of its parameters, decorators."""
        if not isinstance(self.function, Function):
            return ()
        given = self.function.args
        defaults = [ast.unparse(given)] if given.defaults or any(given.kw_defaults) else []
        return (
            *defaults,
            *(f"@{ast.unparse(item)}" for item in self.function.decorator_list if not fixture_name(item)),
        )


class Files:
    """The Python files beside a test, by path; each is parsed when it is first needed."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        self._texts = {path: text for path, text in texts.items() if text}
        self._modules: dict[str, Module] = {}

    def module(self, path: str) -> Module | None:
        """The file at ``path``. Raises ValueError if it does not parse."""
        if path not in self._modules and path in self._texts:
            self._modules[path] = Module(path, parse_python(path, self._texts[path]), self)
        return self._modules.get(path)

    def only(self, paths: Sequence[str]) -> Module | None:
        """The one file that is there of ``paths``; None also where there are several."""
        there = [path for path in paths if path in self._texts]
        return self.module(there[0]) if len(there) == 1 else None

    def conftests(self, path: str) -> list[Module]:
        """The conftest files that pytest reads for a test, the nearest first."""
        found = (self.module(conftest) for conftest in conftest_paths(path))
        return [module for module in found if module is not None]


class Module:
    """One file: what its names stand for."""

    def __init__(self, path: str, tree: ast.Module, files: Files) -> None:
        self.path = path
        self.tree = tree
        self.functions: dict[str, Function] = {}
        self.classes: dict[str, ast.ClassDef] = {}
        self.constants: dict[str, ast.expr] = {}
        self._files = files
        self._imports: dict[str, _Import] = {}
        self._stars: list[_Import] = []
        bound: Counter[str] = Counter()
        defined: Counter[str] = Counter()
        for statement in reached(tree.body):
            bound.update(bindings(statement))
            match statement:
                case ast.FunctionDef() | ast.AsyncFunctionDef():
                    self.functions[statement.name] = statement
                    defined[statement.name] += 1
                case ast.ClassDef():
                    self.classes[statement.name] = statement
                case ast.Assign(targets=[ast.Name(id=name)], value=value):
                    self.constants[name] = value
                case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                    self.constants[name] = value
                case ast.Import() | ast.ImportFrom():
                    self._take(statement)
                case _:
                    pass
        self._unsure = {name for name, times in bound.items() if times > max(1, defined[name])}

    def find(self, name: str, seen: tuple[str, ...] = ()) -> Helper | None:
        """The function a name stands for; None where it is none of this file nor of those beside it."""
        if name in self._unsure:
            known = name in self.functions or (name in self._imports and self._imports[name].beside(self._files))
            return Helper(None, self) if known else None
        if name in self.functions:
            return Helper(self.functions[name], self)
        if name in self._imports:
            return self._imported(self._imports[name], seen)
        for star in self._stars if not name.startswith("_") else ():
            module = self._files.only(star.paths)
            if module is not None and module.path not in seen and (found := module.find(name, (*seen, module.path))):
                return found
        return None

    def attribute(self, name: str) -> Helper | None:
        """The function that ``module.function`` stands for, if that is a file beside this one."""
        owner, _, last = name.rpartition(".")
        imported = self._imports.get(owner)
        if imported is None or owner.partition(".")[0] in self._unsure:
            return None
        module = self._files.only(imported.module_paths)
        return None if module is None else module.find(last) or Helper(None, module)

    def imports(self, statement: ast.ImportFrom) -> Locals:
        """What an import within a function binds."""
        found = {alias.asname or alias.name: _Import.of(self.path, statement, alias) for alias in statement.names}
        return {name: self._imported(imported, ()) for name, imported in found.items()}

    def fixture(self, name: str) -> Helper | None:
        """The fixture of that name: of this file, or imported into it."""
        for function in self.functions.values():
            if name in {fixture_name(item, function.name) for item in function.decorator_list}:
                return self.find(function.name)
        found = self.find(name) if name in self._imports else None
        decorated = found is not None and isinstance(found.function, Function) and found.function.decorator_list
        return found if decorated and any(map(fixture_name, decorated)) else None

    def requested(self, name: str) -> Helper | None:
        """The fixture that a test of this file gets by the name of a parameter."""
        for module in (self, *self._files.conftests(self.path)):
            if (found := module.fixture(name)) is not None:
                return found
        return None

    def _take(self, statement: ast.Import | ast.ImportFrom) -> None:
        for alias in statement.names:
            imported = _Import.of(self.path, statement, alias)
            if alias.name == "*":
                self._stars.append(imported)
            else:
                self._imports[alias.asname or alias.name] = imported

    def _imported(self, imported: _Import, seen: tuple[str, ...]) -> Helper | None:
        module = self._files.only(imported.paths) if imported.name else None
        step = f"{module.path}:{imported.name}" if module is not None else ""
        found = module.find(imported.name, (*seen, step)) if module is not None and step not in seen else None
        return found or (Helper(None, self) if imported.beside(self._files) else None)


@dataclass(frozen=True)
class _Import:
    """One imported name: where it may be. ``name`` is "" for a module."""

    name: str
    paths: tuple[str, ...]  # of the file that has the name
    module_paths: tuple[str, ...]  # of the file that is the name
    own: bool  # it can be nothing but a file of the folder

    @classmethod
    def of(cls, path: str, statement: ast.Import | ast.ImportFrom, alias: ast.alias) -> _Import:
        folder, here = acceptance_folder(path), path.rpartition("/")[0]
        if isinstance(statement, ast.Import):
            parts = alias.name.split(".")
            return cls("", (), _candidates(parts, folder, _bases(parts, folder, here)), own=False)
        parts = statement.module.split(".") if statement.module else []
        if statement.level:
            up = here.split("/")
            bases = ["/".join(up[: len(up) - statement.level + 1])]
        else:
            bases = _bases(parts, folder, here)
        own = bool(statement.level) or _under(parts, folder)
        inner = _candidates([*parts, alias.name], folder, bases)
        return cls(alias.name, _candidates(parts, folder, bases), inner, own)

    def beside(self, files: Files) -> bool:
        """Whether the name comes from a file of the folder, or should."""
        return self.own or files.only(self.paths) is not None


def python_beside(path: str, source: str) -> set[str]:
    """The paths of files of the folder that a file may import, and of the conftest files it is run with."""
    found = set(conftest_paths(path))
    for node in ast.walk(parse_python(path, source)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            for alias in node.names:
                imported = _Import.of(path, node, alias)
                found.update(imported.paths, imported.module_paths)
    return found - {path}


def conftest_paths(path: str) -> list[str]:
    """Where pytest looks for conftest files within the folder, the nearest first."""
    folder, here = acceptance_folder(path), path.rpartition("/")[0]
    found = [f"{here}/conftest.py"]
    while here != folder and "/" in here:
        here = here.rpartition("/")[0]
        found.append(f"{here}/conftest.py")
    return found


def _bases(parts: Sequence[str], folder: str, here: str) -> list[str]:
    """The folders from which an absolute import may start: pytest puts those of the tests first."""
    return [""] if _under(parts, folder) else [here, folder]


def _under(parts: Sequence[str], folder: str) -> bool:
    return bool(folder) and f"{'/'.join(parts)}/".startswith(f"{folder}/")


def _candidates(parts: Sequence[str], folder: str, bases: Sequence[str]) -> tuple[str, ...]:
    names = ["/".join(part for part in (base, *parts) if part) for base in dict.fromkeys(bases)]
    paths = [path for name in names for path in (f"{name}.py", f"{name}/__init__.py")]
    return tuple(path for path in paths if path.startswith(f"{folder}/"))
