"""What the names of a JavaScript file of tests stand for: its own functions, and those imported from files beside it.

See `python_module`: a name that is bound anew, that is missing where it is imported from, or that is no function stands
for something that asserts nothing.
"""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from smaker.agents.evidence.claims import acceptance_folder
from smaker.agents.evidence.node_syntax import FUNCTIONS, arguments, chain, name_of, parse_javascript, raw, text, walk

if TYPE_CHECKING:
    from tree_sitter import Node

DECLARATIONS = {"lexical_declaration", "variable_declaration"}
Locals = dict[str, "NodeHelper | None"]
"""What names of a function stand for; None is a value of which nothing is known."""


@dataclass(frozen=True, eq=False)
class NodeHelper:
    """A function that tests may call, and where its names are looked up; ``node`` None: it cannot be told which."""

    node: Node | None
    home: NodeModule
    local: Locals = field(default_factory=dict)

    @property
    def key(self) -> str:
        """What it is known by while it is followed."""
        return f"{self.home.path}:{self.node.start_byte if self.node is not None else 0}"

    @property
    def signature(self) -> tuple[str, ...]:
        """What decides from outside whether its assertions are reached: defaults of its parameters."""
        given = self.node.child_by_field_name("parameters") if self.node is not None else None
        if given is None or not any(node.type.endswith("assignment_pattern") for node in walk(given)):
            return ()
        return (text(given),)


class NodeFiles:
    """The JavaScript files beside a test, by path; each is parsed when it is first needed."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        self._texts = {path: text for path, text in texts.items() if text}
        self._modules: dict[str, NodeModule] = {}

    def module(self, path: str) -> NodeModule | None:
        """The file at ``path``. Raises ValueError if it does not parse."""
        if path not in self._modules and path in self._texts:
            self._modules[path] = NodeModule(path, parse_javascript(path, self._texts[path]), self)
        return self._modules.get(path)


class NodeModule:
    """One file: what its names stand for, and what it exports."""

    def __init__(self, path: str, root: Node, files: NodeFiles) -> None:
        self.path = path
        self.root = root
        self.helpers: dict[str, Node] = {}
        self.imports: dict[str, tuple[str, str]] = {}  # local name -> (module, imported name)
        self._files = files
        self._exports: dict[str, Node | tuple[str, str]] = {}  # what is exported, or (module, name) it is taken from
        self._stars: list[str] = []
        roots, functions = {"assert"}, set[str]()
        for statement in root.named_children:
            self.helpers |= local_functions(statement)
            if statement.type == "export_statement":
                self._export(statement)
            for module, local, imported in _imports(statement):
                self.imports[local] = (module, imported)
                if module.removeprefix("node:").startswith("assert"):
                    (roots if imported in {"default", "strict", "*"} else functions).add(local)
        self.roots = frozenset(roots)  # "assert", or what it was imported as
        self.functions = frozenset(functions)  # imported from the assertion library by name
        changed = (node.child_by_field_name("left") for node in walk(root) if node.type == "assignment_expression")
        self._unsure = {raw(left) for left in changed if left is not None and left.type == "identifier"}

    def find(self, name: str, seen: tuple[str, ...] = ()) -> NodeHelper | None:
        """The function a name stands for; None where it is none of this file nor of those beside it."""
        if name in self.helpers:
            return NodeHelper(None if name in self._unsure else self.helpers[name], self)
        module, imported = self.imports.get(name, ("", ""))
        return self._taken(module, imported, seen) if imported and imported != "*" else None

    def attribute(self, owner: str, name: str) -> NodeHelper | None:
        """The function that ``owner.name`` stands for, where a file beside this one was imported as ``owner``."""
        module, imported = self.imports.get(owner, ("", ""))
        if imported == "*":
            return self._taken(module, name, ())
        beside = self._files.module(_path(self.path, module)) if imported == "default" else None
        whole = beside.exported("default") if beside is not None else None
        if beside is None or not isinstance(whole, _Object):
            return None
        return whole.properties.get(name) or NodeHelper(None, beside)

    def exported(self, name: str, seen: tuple[str, ...] = ()) -> NodeHelper | _Object | None:
        """What an exported name stands for."""
        step = f"{self.path}:{name}"
        if step in seen:
            return None
        value = self._exports.get(name)
        if isinstance(value, tuple):
            return self._taken(*value, (*seen, step)) if value[0] else self.find(value[1], (*seen, step))
        if value is not None:
            return self._valued(value, (*seen, step))
        for module in self._stars if name != "default" else ():
            found = self._taken(module, name, (*seen, step))
            if found is not None and found.node is not None:
                return found
        return None

    def _valued(self, value: Node, seen: tuple[str, ...]) -> NodeHelper | _Object | None:
        if value.type in FUNCTIONS:
            return NodeHelper(value, self)
        if value.type == "identifier":
            return self.find(raw(value), seen)
        return _Object(self, value, seen) if value.type == "object" else None

    def _taken(self, module: str, name: str, seen: tuple[str, ...]) -> NodeHelper | None:
        path = _path(self.path, module)
        if not path:
            return None
        beside = self._files.module(path)
        found = beside.exported(name, seen) if beside is not None else None
        return found if isinstance(found, NodeHelper) else NodeHelper(None, self)

    def _export(self, statement: Node) -> None:
        source = statement.child_by_field_name("source")
        module = name_of(source) if source is not None else ""
        words = {child.type for child in statement.children}
        value = statement.child_by_field_name("value") or statement.child_by_field_name("declaration")
        if "default" in words and value is not None:
            self._exports["default"] = value
        elif "*" in words:
            self._stars.append(module)
        else:
            for name in local_functions(statement):
                self._exports[name] = ("", name)
        for node in walk(statement) if "export_clause" in words else ():
            if node.type == "export_specifier":
                name = raw(node.child_by_field_name("name"))
                self._exports[raw(node.child_by_field_name("alias")) or name] = (module, name)


class _Object:
    """An object that is exported as a whole: the functions it has."""

    def __init__(self, home: NodeModule, node: Node, seen: tuple[str, ...]) -> None:
        self.node = None
        self.properties: dict[str, NodeHelper | None] = {}
        for part in node.named_children:
            if part.type == "shorthand_property_identifier":
                self.properties[raw(part)] = home.find(raw(part), seen)
            elif part.type == "pair" and (value := part.child_by_field_name("value")) is not None:
                name = raw(part.child_by_field_name("key"))
                self.properties[name] = (
                    NodeHelper(value, home) if value.type in FUNCTIONS else home.find(raw(value), seen)
                )
            elif part.type == "method_definition":
                self.properties[raw(part.child_by_field_name("name"))] = NodeHelper(part, home)


def node_beside(path: str, source: str) -> set[str]:
    """The paths of files of the folder that a file imports or exports from."""
    found: set[str] = set()
    for statement in parse_javascript(path, source).named_children:
        found.update(_path(path, module) for module, _, _ in _imports(statement))
        if statement.type == "export_statement" and (source_ := statement.child_by_field_name("source")) is not None:
            found.add(_path(path, name_of(source_)))
    return found - {"", path}


def local_functions(statement: Node) -> dict[str, Node]:
    """The functions a statement of a block declares: name -> function."""
    found: dict[str, Node] = {}
    if statement.type == "export_statement":
        for child in statement.named_children:
            found |= local_functions(child)
    elif statement.type == "function_declaration":
        found[raw(statement.child_by_field_name("name"))] = statement
    elif statement.type in DECLARATIONS:
        for declarator in statement.named_children:
            value = declarator.child_by_field_name("value")
            if value is not None and value.type in FUNCTIONS:
                found[raw(declarator.child_by_field_name("name"))] = value
    return found


def names_in(pattern: Node | None) -> list[str]:
    """The names that a pattern of a declaration, or of parameters, binds."""
    kinds = {"identifier", "shorthand_property_identifier_pattern"}
    return [raw(node) for node in walk(pattern) if node.type in kinds] if pattern is not None else []


def _path(importer: str, module: str) -> str:
    """The path of a file of the folder that is imported, "" for anything else."""
    if not module.startswith(("./", "../")):
        return ""
    path = posixpath.normpath(posixpath.join(posixpath.dirname(importer), module))
    return path if path.startswith(f"{acceptance_folder(importer)}/") else ""


def _imports(statement: Node) -> list[tuple[str, str, str]]:
    """(module, local name, imported name) for each name a statement imports; "default" and "*" as in ES modules."""
    found: list[tuple[str, str, str]] = []
    if statement.type == "import_statement":
        module = name_of(statement.child_by_field_name("source"))
        for node in walk(statement):
            if node.type == "import_specifier":
                imported = raw(node.child_by_field_name("name"))
                found.append((module, raw(node.child_by_field_name("alias")) or imported, imported))
            elif node.type == "namespace_import":
                found.append((module, raw(node.named_children[0]), "*"))
            elif node.type == "identifier" and node.parent is not None and node.parent.type == "import_clause":
                found.append((module, raw(node), "default"))
    elif statement.type in {"lexical_declaration", "variable_declaration"}:
        for declarator in statement.named_children:
            value = declarator.child_by_field_name("value")
            if value is None or value.type not in {"call_expression", "member_expression"}:
                continue
            call = next((node for node in walk(value) if node.type == "call_expression"), None)
            if call is None or chain(call)[:1] != ["require"] or not arguments(call):
                continue
            module = name_of(arguments(call)[0])
            target = declarator.child_by_field_name("name")
            for node in walk(target) if target is not None else []:
                if node.type == "identifier":
                    key = (
                        node.parent.child_by_field_name("key")
                        if node.parent and node.parent.type == "pair_pattern"
                        else None
                    )
                    found.append((module, raw(node), raw(key) or "default"))
                elif node.type == "shorthand_property_identifier_pattern":
                    found.append((module, raw(node), raw(node)))
    return found
