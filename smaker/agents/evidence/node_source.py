"""Read the tests of Node's own runner (``node:test``) from source: ids, requirements and assertions."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from smaker.agents.evidence.claims import Tangled
from smaker.agents.evidence.node_claims import NodeClaimReader, SubTest, first_parameter
from smaker.agents.evidence.node_module import NodeFiles, NodeModule
from smaker.agents.evidence.node_syntax import (
    FUNCTIONS,
    arguments,
    chain,
    constant_truth,
    name_of,
    parse_javascript,
    raw,
    text,
    walk,
)
from smaker.core.models import TestSource

if TYPE_CHECKING:
    from tree_sitter import Node

JOIN = " > "
"""Between the names of nested suites and tests in an id."""

NAMED_REQUIREMENTS = re.compile(r"\s*((?:R[1-9][0-9]{0,3}(?:\s*(?:,|/|&|and)\s*)?)+):")
TESTS = {"test", "it"}
SUITES = {"describe", "suite"}


def read_node(path: str, source: str, beside: Mapping[str, str] | None = None) -> list[TestSource]:
    """Return the tests of a file, in order; a test with subtests claims what they claim, and they stand beside it.

    ``path`` is relative to the workspace and begins the ids; ``beside`` are the other files of its folder, in which
    helpers are looked up. Raises ValueError with the line if it, or one of those, does not parse.
    """
    root = parse_javascript(path, source)
    try:
        return list(_File(NodeModule(path, root, NodeFiles(beside or {}))).tests().values())
    except RecursionError as error:
        raise ValueError(f"{path}:1: nested too deeply to be read") from error
    except Tangled as error:
        raise ValueError(f"{path}:1: {error}") from error


@dataclass(frozen=True)
class _Around:
    """What surrounds a test: the names of suites, the requirements they name, loops over cases."""

    names: tuple[str, ...] = ()
    requirements: tuple[str, ...] = ()
    skipped: bool = False
    guards: tuple[str, ...] = ()
    cases: tuple[str, ...] = ()
    contexts: frozenset[str] = frozenset()


class _File:
    def __init__(self, module: NodeModule) -> None:
        self._module = module
        self._path = module.path
        self._root = module.root
        self._kinds = dict.fromkeys(TESTS, "test") | dict.fromkeys(SUITES, "suite")
        for local, (source, imported) in module.imports.items():
            if source in {"node:test", "test"}:
                kind = imported if imported != "default" else "test"
                self._kinds |= {local: self._kinds[kind]} if kind in self._kinds else {}
        self._arrays: dict[str, Node] = {}
        for node in walk(module.root):
            value = node.child_by_field_name("value") if node.type == "variable_declarator" else None
            if value is not None and value.type == "array":
                self._arrays[raw(node.child_by_field_name("name"))] = value

    def tests(self) -> dict[str, TestSource]:
        """Every test by id."""
        found: dict[str, TestSource] = {}
        self._visit(self._root.named_children, _Around(), found)
        return found

    def _visit(self, nodes: Iterable[Node], around: _Around, found: dict[str, TestSource]) -> None:
        for node in nodes:
            match node.type:
                case "if_statement":
                    self._visit_if(node, around, found)
                case "for_in_statement":
                    self._visit(node.named_children, self._loop(node, node.child_by_field_name("right"), around), found)
                case "call_expression":
                    self._visit_call(node, around, found)
                case kind if kind in FUNCTIONS and node.parent is not None and node.parent.type != "arguments":
                    pass  # a helper: what it defines counts where it is called
                case _:
                    self._visit(node.named_children, around, found)

    def _visit_if(self, node: Node, around: _Around, found: dict[str, TestSource]) -> None:
        condition = node.child_by_field_name("condition")
        truth = constant_truth(condition)
        branches = {"consequence": (False, "if"), "alternative": (True, "unless")}
        for name, (dead_when, word) in branches.items():
            branch = node.child_by_field_name(name)
            if branch is not None and truth is not dead_when:
                guards = around.guards if truth is not None else (*around.guards, f"{word} {text(condition)}")
                self._visit([branch], replace(around, guards=guards), found)

    def _visit_call(self, call: Node, around: _Around, found: dict[str, TestSource]) -> None:
        kind, marked = self._kind(call, around.contexts)
        if not kind:
            function = call.child_by_field_name("function")
            inner = around
            if chain(call)[-1:] == ["forEach"] and function is not None:
                inner = self._loop(call, function.child_by_field_name("object"), around)
            self._visit(call.named_children, inner, found)
            return
        given = arguments(call)
        name = name_of(given[0]) if given and given[0].type not in FUNCTIONS else "<anonymous>"
        within = replace(
            around,
            names=(*around.names, name),
            requirements=(*around.requirements, *_requirements(name)),
            skipped=around.skipped or marked or any(_skip_option(argument) for argument in given),
        )
        callback = self._callback(given)
        if kind == "suite":
            if callback is not None:
                self._visit(callback.named_children, within, found)
            return
        test = self._test(callback, within)
        found[test.id] = test
        context = first_parameter(callback)
        if callback is not None and context:
            nested = replace(within, contexts=within.contexts | {context})
            self._visit(callback.named_children, nested, found)

    def _test(self, callback: Node | None, around: _Around) -> TestSource:
        contexts = around.contexts | {name for name in [first_parameter(callback)] if name}

        def subtest(call: Node) -> SubTest | None:
            kind, marked = self._kind(call, contexts)
            if kind != "test":
                return None
            given = arguments(call)
            skipped = marked or any(_skip_option(argument) for argument in given)
            return SubTest(name_of(given[0]) if given else "<anonymous>", skipped)

        reader = NodeClaimReader(self._module, subtest)
        claims = reader.read(callback, around.guards) if callback is not None else None
        texts = claims.texts if claims else []
        return TestSource(
            id=f"{self._path}::{JOIN.join(around.names)}",
            requirements=tuple(dict.fromkeys(around.requirements)),
            assertions=(*texts, *around.cases) if texts else (),
            skipped=around.skipped or bool(claims and claims.skipped),
        )

    def _kind(self, call: Node, contexts: frozenset[str]) -> tuple[str, bool]:
        """ "test", "suite" or "", and whether the call itself skips, as in ``test.skip(…)``."""
        names = chain(call)
        function = call.child_by_field_name("function")
        if not names or function is None or function.type not in {"identifier", "member_expression"}:
            return "", False
        if names[0] in contexts:
            return ("test", False) if names[1:] in (["test"], ["it"]) else ("", False)
        kind = self._kinds.get(names[0], "")
        modifiers = set(names[1:])
        if not kind or not modifiers <= {"skip", "todo", "only"}:
            return ("test", False) if kind and names[1:] in (["test"], ["it"]) else ("", False)
        return kind, bool(modifiers & {"skip", "todo"})

    def _callback(self, given: list[Node]) -> Node | None:
        """The function of a test or suite: written in place, or a function of the file by name."""
        last = given[-1] if given else None
        if last is not None and last.type == "identifier":
            return self._module.helpers.get(raw(last))
        return last if last is not None and last.type in FUNCTIONS else None

    def _loop(self, node: Node, values: Node | None, around: _Around) -> _Around:
        """Tests defined in a loop: one case per element where the list is written out, else the loop's source."""
        if values is not None and values.type == "identifier":
            values = self._arrays.get(raw(values), values)
        if values is not None and values.type == "array":
            items = [child for child in values.named_children if child.type != "comment"]
            return replace(around, cases=(*around.cases, *(f"case {text(item)}" for item in items)))
        header = text(values) or node.type
        return replace(around, guards=(*around.guards, f"for {header}"))


def _requirements(name: str) -> list[str]:
    """The ids a name begins with: "R1, R4: keeps both" -> R1, R4."""
    match = NAMED_REQUIREMENTS.match(name)
    return re.findall(r"R[1-9][0-9]{0,3}", match[1]) if match else []


def _skip_option(argument: Node) -> bool:
    """``{ skip: … }`` or ``{ todo: … }`` with anything that is not always false."""
    if argument.type != "object":
        return False
    for pair in argument.named_children:
        key = raw(pair.child_by_field_name("key")).strip("'\"") if pair.type == "pair" else raw(pair)
        if key in {"skip", "todo"} and constant_truth(pair.child_by_field_name("value")) is not False:
            return True
    return False
