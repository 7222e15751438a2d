"""What a JavaScript test claims: its assertions as normalised text, each with what guards it. See `python_claims`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from smaker.agents.evidence.claims import CLAIM_PREFIXES, Claims, Place
from smaker.agents.evidence.node_module import DECLARATIONS, Locals, NodeHelper, NodeModule, local_functions, names_in
from smaker.agents.evidence.node_syntax import (
    FUNCTIONS,
    arguments,
    chain,
    constant_truth,
    depends,
    raw,
    same,
    text,
    walk,
)

if TYPE_CHECKING:
    from tree_sitter import Node

SKIPS = {"skip", "todo"}
COMPARISONS = {"equal", "strictEqual", "deepEqual", "deepStrictEqual", "partialDeepStrictEqual"}
LOOPS = {"for_statement", "for_in_statement", "while_statement", "do_statement"}
LEAVING = {"return_statement", "throw_statement", "break_statement", "continue_statement"}


@dataclass(frozen=True)
class SubTest:
    """A test defined within a test."""

    name: str
    skipped: bool


class NodeClaimReader:
    """Reads the claims of tests in the file ``home``. ``subtest`` recognises a call that defines a test."""

    def __init__(self, home: NodeModule, subtest: Callable[[Node], SubTest | None]) -> None:
        self._test_home = self._home = home
        self._subtest = subtest
        self._locals: Locals = {}  # of the function that is being read, and of those it stands in
        self._contexts: set[str] = set()
        self._claims = Claims()

    def read(self, callback: Node, guards: tuple[str, ...] = ()) -> Claims:
        """Return the claims of a test's function."""
        self._claims = Claims()
        self._locals = dict.fromkeys(_parameters(callback))
        self._contexts = {parameter for parameter in [first_parameter(callback)] if parameter}
        place = Place(guards=guards)
        body = callback.child_by_field_name("body")
        if body is not None and body.type == "statement_block":
            self._block(body.named_children, place)
        elif body is not None:
            self._expression(body, place)
        return self._claims

    # --- statements ---------------------------------------------------------------------------------------------------

    def _block(self, statements: list[Node], place: Place) -> bool:
        """Walk statements in order and return whether the block always leaves."""
        for statement in statements:
            self._bind(statement)
        left = False
        for statement in statements:
            leaves, place = self._statement(statement, place)
            if leaves:
                left = True
                place = replace(place, dead=True)
        return left

    def _bind(self, statement: Node) -> None:
        """Learn the names a statement declares; a helper's name that is declared anew is nobody's."""
        for declarator in statement.named_children if statement.type in DECLARATIONS else ():
            for name in names_in(declarator.child_by_field_name("name")):
                known = self._locals[name] if name in self._locals else self._home.find(name)
                self._locals[name] = None if known is None else NodeHelper(None, self._home)
        for name, function in local_functions(statement).items():
            self._locals[name] = NodeHelper(function, self._home, self._locals)

    def _inner(self, node: Node | None, place: Place) -> bool:
        """Walk a branch, whether a block or a single statement."""
        if node is None:
            return False
        if node.type in {"statement_block", "else_clause", "finally_clause"}:
            return self._block(node.named_children, place)
        return self._block([node], place)

    def _statement(self, node: Node, place: Place) -> tuple[bool, Place]:
        match node.type:
            case "if_statement":
                return self._if(node, place)
            case "try_statement":
                return self._try(node, place), place
            case "statement_block":
                return self._block(node.named_children, place), place
            case "switch_statement":
                subject = node.child_by_field_name("value")
                for case in walk(node):
                    if case.type in {"switch_case", "switch_default"}:
                        guard = f"switch {text(subject)} case {text(case.child_by_field_name('value'))}"
                        self._block(case.named_children, place.under(guard))
                return False, place
            case kind if kind in LOOPS:
                self._loop(node, place)
                return False, place
            case kind if kind in LEAVING:
                early = kind == "return_statement" and place.test and not place.dead and not node.named_children
                if (
                    early
                    and not self._claims.texts
                    and not any(word.startswith(("if", "unless")) for word in place.guards)
                ):
                    self._claims.skipped = True
                self._children(node, place)
                return True, place
            case _:
                self._expression(node, place)
                return False, place

    def _if(self, node: Node, place: Place) -> tuple[bool, Place]:
        condition = node.child_by_field_name("condition")
        self._children(node.child_by_field_name("condition"), place)
        truth = constant_truth(condition)
        yes = place if truth else place.under(f"if {text(condition)}")
        no = place if truth is False else place.under(f"unless {text(condition)}")
        consequence, alternative = node.child_by_field_name("consequence"), node.child_by_field_name("alternative")
        leaves_yes = self._inner(consequence, replace(yes, dead=place.dead or truth is False))
        leaves_no = self._inner(alternative, replace(no, dead=place.dead or truth is True))
        if truth is not None:
            return (leaves_yes if truth else leaves_no), place
        if leaves_yes and leaves_no:
            return True, place
        if leaves_yes:
            place = no
        elif leaves_no:
            place = yes
        return False, place

    def _loop(self, node: Node, place: Place) -> None:
        body = node.child_by_field_name("body")
        header = [child for child in node.named_children if child != body]
        for part in header:
            self._expression(part, place)
        values = node.child_by_field_name("right")
        empty = values is not None and values.type == "array" and not values.named_children
        never = node.type != "do_statement" and constant_truth(node.child_by_field_name("condition")) is False
        guard = f"{node.type.split('_')[0]} {' '.join(text(part) for part in header)}"
        self._inner(body, replace(place.under(guard), dead=place.dead or empty or never))

    def _try(self, node: Node, place: Place) -> bool:
        handler = node.child_by_field_name("handler")
        catching = handler.child_by_field_name("body") if handler is not None else None
        caught = catching is not None and not self._fails(catching)
        left = self._inner(node.child_by_field_name("body"), replace(place, caught=place.caught or caught))
        if catching is not None:
            self._inner(catching, place.under("catch"))
        ended = self._inner(node.child_by_field_name("finalizer"), place)
        return ended or (left and handler is None)

    def _fails(self, block: Node) -> bool:
        """Whether a catch clause ends by failing the test, or asserts something of the error."""
        if not block.named_children:
            return False
        if block.named_children[-1].type == "throw_statement":
            return True
        calls = (node for node in walk(block) if node.type == "call_expression")
        return any(self._asserts(call) for call in calls)

    # --- expressions --------------------------------------------------------------------------------------------------

    def _children(self, node: Node | None, place: Place) -> None:
        for child in node.named_children if node is not None else []:
            self._expression(child, place)

    def _expression(self, node: Node, place: Place) -> None:
        match node.type:
            case "call_expression":
                self._call(node, place)
            case "identifier" | "member_expression" if (helper := self._named(node)) is not None:
                self._follow(helper, text(node), place)
            case "ternary_expression":
                condition = text(node.child_by_field_name("condition"))
                self._branch(node.child_by_field_name("consequence"), place.under(f"if {condition}"))
                self._branch(node.child_by_field_name("alternative"), place.under(f"unless {condition}"))
            case "binary_expression" if raw(node.child_by_field_name("operator")) in {"&&", "||"}:
                left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
                self._branch(left, place)
                word = "if" if raw(node.child_by_field_name("operator")) == "&&" else "unless"
                self._branch(right, place.under(f"{word} {text(left)}"))
            case "variable_declarator":
                value = node.child_by_field_name("value")
                if value is not None and value.type not in FUNCTIONS:
                    self._expression(value, place)
            case "function_declaration":
                pass  # followed where it is called
            case kind if kind in FUNCTIONS:
                body = node.child_by_field_name("body")
                if body is not None:
                    self._branch(body, replace(place, test=False))
            case _:
                self._children(node, place)

    def _branch(self, node: Node | None, place: Place) -> None:
        if node is not None and node.type == "statement_block":
            self._block(node.named_children, place)
        elif node is not None:
            self._expression(node, place)

    def _call(self, call: Node, place: Place) -> None:
        names = chain(call)
        given = arguments(call)
        subtest = self._subtest(call)
        if subtest is not None:
            self._claims.skipped = self._claims.skipped or (subtest.skipped and not place.dead)
            callback = given[-1] if given else None
            inner = replace(place.under(f"{subtest.name}"), test=False)
            self._contexts |= {parameter for parameter in [first_parameter(callback)] if parameter}
            self._branch(callback, inner)
        elif len(names) == 2 and names[0] in self._contexts and names[1] in SKIPS:
            self._claims.skipped = self._claims.skipped or not place.dead
        elif (helper := self._named(call.child_by_field_name("function"))) is not None:
            before = len(self._claims.texts)
            self._follow(helper, text(call), place)
            asserts = helper.home is not self._test_home and len(self._claims.texts) > before
            if asserts and names[-1].startswith(CLAIM_PREFIXES[:2]):  # a call so named is a claim, if it is one
                self._claim(_claim_text(call, names[-1], given), place)
            for argument in given:
                self._expression(argument, place)
        elif self._asserts(call):
            fluent = names[0].startswith("expect")  # what is asserted of stands in the first call of the chain
            if fluent or not _proves_nothing(names[-1], given):
                self._claim(_claim_text(call, names[-1], given), place)
            function = text(call.child_by_field_name("function"))
            for argument in given:  # a helper that is asked for a value may assert something on the way
                self._expression(argument, place.under(function) if argument.type in FUNCTIONS else place)
        else:
            function = call.child_by_field_name("function")
            swallowing = names[-1:] == ["catch"]
            self._children(function, replace(place, caught=place.caught or swallowing))
            for argument in given:
                guarded = argument.type in FUNCTIONS
                self._expression(argument, place.under(text(function)) if guarded else place)

    def _asserts(self, call: Node) -> bool:
        names = chain(call)
        if not names:
            return False
        if names[0] in self._home.roots or names[0] in self._home.functions:
            return True
        if len(names) > 2 and names[0] in self._contexts and names[1] == "assert":
            return True
        return any(name.startswith(CLAIM_PREFIXES[:2]) for name in (names[0], names[-1]))

    def _named(self, node: Node | None) -> NodeHelper | None:
        """What a name stands for, or a name of a module."""
        if node is not None and node.type == "identifier":
            name = raw(node)
            return self._locals[name] if name in self._locals else self._home.find(name)
        owner = node.child_by_field_name("object") if node is not None and node.type == "member_expression" else None
        if node is None or owner is None or owner.type != "identifier" or raw(owner) in self._locals:
            return None
        return self._home.attribute(raw(owner), raw(node.child_by_field_name("property")))

    def _follow(self, helper: NodeHelper, call: str, place: Place) -> None:
        if helper.node is None or helper.key in place.inside:
            return
        self._claims.follow()
        told = helper.signature if helper.home is not self._test_home else ()
        guards = (*place.guards, call, *told)
        before = self._home, self._locals
        self._home, self._locals = helper.home, {**helper.local, **dict.fromkeys(_parameters(helper.node))}
        body = helper.node.child_by_field_name("body")
        self._branch(body, replace(place, guards=guards, test=False, inside=(*place.inside, helper.key)))
        self._home, self._locals = before

    def _claim(self, claim: str, place: Place) -> None:
        if place.dead:
            self._claims.skipped = True
        elif not place.caught:
            self._claims.texts.append(": ".join((*place.guards, claim)))


def _parameters(function: Node) -> list[str]:
    single = function.child_by_field_name("parameter")
    return names_in(single if single is not None else function.child_by_field_name("parameters"))


def first_parameter(function: Node | None) -> str:
    """The name of a function's first parameter: the test context, by which it skips and nests."""
    if function is None or function.type not in FUNCTIONS:
        return ""
    single = function.child_by_field_name("parameter")
    if single is not None:
        return raw(single)
    listed = function.child_by_field_name("parameters")
    first = listed.named_children[0] if listed is not None and listed.named_children else None
    return raw(first) if first is not None and first.type == "identifier" else ""


def _proves_nothing(method: str, given: list[Node]) -> bool:
    if method == "fail" or not given:
        return False
    if method in COMPARISONS and len(given) > 1:
        return same(given[0], given[1]) or not (depends(given[0]) or depends(given[1]))
    if method in {"throws", "rejects"}:
        body = given[0].child_by_field_name("body")
        first = body.named_children[0] if body is not None and body.named_children else None
        return first is not None and first.type == "throw_statement"
    truth = constant_truth(given[0])
    if method in {"ok", "assert", "strict"} and truth is not None:
        return truth
    return not any(depends(argument) for argument in given)


def _claim_text(call: Node, method: str, given: list[Node]) -> str:
    """The call without its message, which says nothing about what is asserted."""
    needed = 1 if method in {"ok", "assert", "strict"} else 2
    if len(given) > needed and given[-1].type in {"string", "template_string"}:
        kept = ", ".join(text(argument) for argument in given[:-1])
        return f"{text(call.child_by_field_name('function'))}({kept})"
    return text(call)
