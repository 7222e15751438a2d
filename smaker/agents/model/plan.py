"""A model's plan as data, how it becomes a spec, and which lines of the user's words no requirement speaks for."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from smaker.core.spec import Launch, Module, ProductKind, Requirement, Scenario, Spec, Toolchain

_BREAK = re.compile(r"\s*\n\s*")
_RANGE = re.compile(r"(\d+)(?:\s*(?:-|\u2013|\.\.|to)\s*(\d+))?")
_WORD = re.compile(r"[A-Za-z0-9]")
_LINK = re.compile(r"https?://\S+")
_LETTERS = re.compile(r"[A-Za-z]{2,}")
FEW = 3  # words beside a link that only name or date it
MAX_MODULES = 12


class _Loose(BaseModel):
    """What models add unasked is left out, not an error."""

    model_config = ConfigDict(extra="ignore")


class PlannedRequirement(_Loose):
    """One promise, and the lines of the user's words it is taken from ("3-7, 12")."""

    text: Annotated[str, Field(min_length=3, max_length=4000)]
    must: bool = True
    lines: str = ""


class PlannedModule(_Loose):
    """One task of a coder; without requirements it serves all."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,62}$")]
    title: Annotated[str, Field(min_length=1, max_length=200)]
    requirements: tuple[str, ...] = ()
    depends_on: tuple[str, ...] = ()


class PlannedScenario(_Loose):
    """A path through the pages, as a visitor takes it."""

    name: Annotated[str, Field(min_length=1, max_length=120)]
    requirements: tuple[str, ...] = ()
    steps: Annotated[
        tuple[Annotated[str, Field(min_length=1, max_length=400)], ...], Field(min_length=1, max_length=20)
    ]


class PlannedQuestion(_Loose):
    """What the words leave open, and what is assumed."""

    question: str
    taken: str


class Plan(_Loose):
    """What a planner answers."""

    name: Annotated[str, Field(min_length=1, max_length=80)]
    slug: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,48}$")]
    summary: Annotated[str, Field(min_length=1, max_length=600)]
    kind: ProductKind
    profile: str
    requirements: Annotated[tuple[PlannedRequirement, ...], Field(min_length=1, max_length=200)]
    not_requirements: str = ""
    interfaces: tuple[str, ...] = ()
    modules: Annotated[tuple[PlannedModule, ...], Field(min_length=1, max_length=MAX_MODULES)]
    launch: Launch | None = None
    toolchain: Toolchain | None = None
    test_strategy: str = ""
    scenarios: Annotated[tuple[PlannedScenario, ...], Field(max_length=12)] = ()
    questions: tuple[PlannedQuestion, ...] = ()


class Further(_Loose):
    """What a planner answers about lines that were left over."""

    requirements: Annotated[tuple[PlannedRequirement, ...], Field(max_length=100)] = ()


def numbered(text: str) -> str:
    """The user's words with a number before each line, as plans refer to them."""
    lines = text.splitlines()
    width = len(str(len(lines)))
    return "\n".join(f"{number:>{width}}| {line}" for number, line in enumerate(lines, 1))


def left_over(text: str, plan: Plan) -> list[int]:
    """The numbers of the lines that say something and that the plan neither covers nor sets aside."""
    spoken: set[int] = set()
    for given in (plan.not_requirements, *(requirement.lines for requirement in plan.requirements)):
        for first, last in _RANGE.findall(given):
            spoken.update(
                range(int(first), int(last or first) + 1) if int(last or first) - int(first) < 100_000 else ()
            )
    return [
        number for number, line in enumerate(text.splitlines(), 1) if number not in spoken and _says_something(line)
    ]


def _says_something(line: str) -> bool:
    """Whether a line could ask for something: headings, introductions of what follows, fences and mere links do not."""
    if line.lstrip().startswith(("#", "```")) or line.rstrip(" *_`").endswith(":") or not _WORD.search(line):
        return False
    return not _LINK.search(line) or len(_LETTERS.findall(_LINK.sub(" ", line))) > FEW


def to_spec(plan: Plan, profiles: Iterable[str]) -> Spec:
    """The plan as a spec. Raises ValueError where it contradicts itself."""
    known = set(profiles)
    if plan.profile not in known:
        raise ValueError(f"there is no stack {plan.profile!r}; there are: {', '.join(sorted(known))}")
    requirements = tuple(
        Requirement(id=f"R{number}", text=requirement.text.strip(), must=requirement.must)
        for number, requirement in enumerate(plan.requirements, 1)
    )
    ids = [requirement.id for requirement in requirements]
    modules: list[Module] = []
    for module in plan.modules:
        unknown = [name for name in module.requirements if name not in ids]
        if unknown:
            raise ValueError(
                f"module {module.name!r} names {', '.join(unknown)}, which are not requirements (R1 to {ids[-1]})"
            )
        earlier = {entry.name for entry in modules}
        if module.name in earlier or not earlier.issuperset(module.depends_on):
            raise ValueError(f"module {module.name!r} is there twice, or depends on one that does not come before it")
        modules.append(
            Module(
                name=module.name,
                title=_line(module.title),
                requirements=tuple(module.requirements or ids),
                depends_on=module.depends_on,
            )
        )
    served = {name for module in modules for name in module.requirements}
    missing = [name for name in ids if name not in served]
    if missing:
        raise ValueError(f"no module serves {', '.join(missing)}")
    for scenario in plan.scenarios:
        if unknown := [name for name in scenario.requirements if name not in ids]:
            raise ValueError(f"scenario {scenario.name!r} names {', '.join(unknown)}, which are not requirements")
    gui = plan.kind in {ProductKind.WEB, ProductKind.SITE}
    return Spec(
        name=_line(plan.name),
        slug=plan.slug,
        summary=_line(plan.summary),
        kind=plan.kind,
        profile=plan.profile,
        requirements=requirements,
        modules=tuple(modules),
        interfaces=tuple(text.strip() for text in plan.interfaces),
        launch=plan.launch,
        toolchain=plan.toolchain,
        gui=gui,
        test_strategy=plan.test_strategy,
        scenarios=tuple(
            Scenario(
                name=_line(entry.name),
                requirements=entry.requirements,
                steps=tuple(_line(step) for step in entry.steps),
            )
            for entry in (plan.scenarios if gui else ())
        ),
        questions=tuple(f"{_question(entry.question)} Taken: {_line(entry.taken)}" for entry in plan.questions),
    )


def spec_text(spec: Spec, requirements: Sequence[str] | None = None) -> str:
    """A spec as a model reads it; with ``requirements``, those in full and of the others nothing."""
    wanted = set(requirements) if requirements is not None else None
    lines = [f"{spec.name}: {spec.summary}", "", "Requirements:"]
    lines += [
        f"- {entry.id}{'' if entry.must else ' (optional)'}: {entry.text}"
        for entry in spec.requirements
        if wanted is None or entry.id in wanted
    ]
    for title, entries in (
        ("Interfaces", spec.interfaces),
        ("Decided, and holds where a requirement says otherwise", spec.questions),
    ):
        if entries:
            lines += ["", f"{title}:", *(f"- {entry}" for entry in entries)]
    if spec.launch is not None:
        variables = "".join(f" {name}={value}" for name, value in spec.launch.variables.items())
        lines += [
            "",
            f"Started with:{variables} {' '.join(spec.launch.argv)} ({{port}} is the port); "
            f"GET {spec.launch.health} answers 200.",
        ]
    if spec.toolchain is not None and spec.toolchain.checks:
        lines += ["", "Also checked with:", *(f"- {' '.join(argv)}" for argv in spec.toolchain.checks)]
    if spec.scenarios:
        lines += ["", "Tried in a real browser in the end:"]
        lines += [
            f"- {entry.name} ({', '.join(entry.requirements)}): {'; '.join(entry.steps)}" for entry in spec.scenarios
        ]
    if spec.test_strategy:
        lines += ["", f"Tests: {spec.test_strategy}"]
    return "\n".join(lines)


def _question(text: str) -> str:
    """A question on one line, with the mark that sets it off from its answer."""
    line = _line(text)
    return line if line.endswith(("?", ".", "!", ":")) else f"{line}:"


def _line(text: str) -> str:
    """A text on one line; blanks within a line are its writer's."""
    return _BREAK.sub(" ", text).strip()
