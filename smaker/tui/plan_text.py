"""A plan as a person reads it: its parts as groups of lines, and everything about one of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from smaker.core.proof import Trace, TraceRow
from smaker.core.spec import DataField, Entity, Operation, Requirement, Spec
from smaker.tui.words import TASK

PROVED, FAILS, OPEN = TASK["done"], TASK["failed"], TASK["waiting"]


@dataclass(frozen=True)
class Entry:
    """One line of a group. ``requirement`` is its id if it is one; ``about`` is all there is to say."""

    label: str
    about: str
    sign: str = ""
    requirement: str = ""


@dataclass(frozen=True)
class Group:
    """A part of the plan."""

    title: str
    entries: tuple[Entry, ...]
    proved: int | None = None

    @property
    def figure(self) -> str:
        """How many there are, or are proved of how many."""
        return str(len(self.entries)) if self.proved is None else f"{self.proved}/{len(self.entries)} proved"


def groups(spec: Spec, table: Trace, assumptions: tuple[str, ...] = ()) -> list[Group]:
    """The parts that are there. ``assumptions`` are what models took for granted while they worked."""
    rows = {row.requirement: row for row in table.rows}
    proved = sum(row.proved for row in table.rows)
    listed = [_requirement(entry, rows.get(entry.id), spec, table.stale) for entry in spec.requirements]
    found = [
        Group("Requirements", tuple(listed), proved=proved),
        Group("Open questions", tuple(Entry(text, text) for text in dict.fromkeys((*spec.questions, *assumptions)))),
        Group("Not built", tuple(Entry(text, f"{text}\n\nUnderstood, and not claimed.") for text in spec.unsupported)),
        Group(
            "Scenarios",
            tuple(
                Entry(entry.name, _lines(entry.name, _numbered(entry.steps), f"Shows {', '.join(entry.requirements)}"))
                for entry in spec.scenarios
            ),
        ),
        Group(
            "Modules",
            tuple(
                Entry(
                    f"{entry.name}  {entry.title}",
                    _lines(
                        entry.title,
                        f"Serves {', '.join(entry.requirements)}" if entry.requirements else "",
                        f"After {', '.join(entry.depends_on)}" if entry.depends_on else "",
                        f"About {entry.entity}" if entry.entity else "",
                    ),
                )
                for entry in spec.modules
            ),
        ),
        Group("Interfaces", tuple(Entry(text, text) for text in spec.interfaces)),
        Group("Records", tuple(Entry(entry.name, _entity(entry)) for entry in spec.entities)),
        Group("About", tuple(Entry(label, f"{label}:\n{about}") for label, about in _about(spec))),
    ]
    return [group for group in found if group.entries]


def _requirement(entry: Requirement, row: TraceRow | None, spec: Spec, stale: str) -> Entry:
    tests = row.tests if row is not None else ()
    paths = row.paths if row is not None else ()
    failing = any(test.status == "failed" for test in tests)
    sign = PROVED if row is not None and row.proved else FAILS if failing else OPEN
    state = {PROVED: "proved", FAILS: "fails", OPEN: "not proved"}[sign]
    wanted = "must" if entry.must else "should"
    shown = [
        f"  {PROVED if test.proves else FAILS} {test.id}{'' if test.proves else f': {test.reason}'}" for test in tests
    ]
    modules = [module.name for module in spec.modules if entry.id in module.requirements]
    about = _lines(
        f"{entry.id}  {wanted}  {sign} {state}",
        entry.text,
        *(f"  - {line}" for line in entry.acceptance),
        f"Operation: {_operation(entry.operation)}" if entry.operation else "",
        f"In {', '.join(modules)}" if modules else "",
        f"No proof holds: {stale}." if stale else "",
        "Tests:" if shown else "No test names it yet.",
        *shown,
        *(f"  In a browser: {path.name}{f': {path.reason}' if path.reason else ', taken'}" for path in paths),
        f"Commits: {', '.join(sha[:7] for sha in row.commits)}" if row is not None and row.commits else "",
    )
    return Entry(f"{entry.id:<4}{'' if entry.must else '(should) '}{entry.text}", about, sign, entry.id)


def _operation(operation: Operation) -> str:
    said = operation.model_dump(mode="json", exclude_none=True)
    return " ".join([str(said.pop("kind")), *(f"{key}={value}" for key, value in said.items())])


def _entity(entity: Entity) -> str:
    head = f"{entity.name} ({entity.plural}){', each user has their own' if entity.owned else ''}"
    return _lines(head, *(f"  {_field(field)}" for field in entity.fields))


def _field(field: DataField) -> str:
    said = [field.name, field.type.value]
    said += ["required" if field.required else "may be empty"]
    said += ["unique"] if field.unique else []
    said += [f"one of {', '.join(field.choices)}"] if field.choices else []
    said += [f"of {field.references}"] if field.references else []
    said += [f"from {field.minimum:g}"] if field.minimum is not None else []
    said += [f"to {field.maximum:g}"] if field.maximum is not None else []
    return "  ".join(said)


def _about(spec: Spec) -> Iterator[tuple[str, str]]:
    yield "Summary", _lines(spec.name, spec.summary)
    yield "Stack", f"{spec.kind.value}, profile {spec.profile}"
    if spec.test_strategy:
        yield "Tests", spec.test_strategy
    if spec.launch is not None:
        yield "Started with", f"{' '.join(spec.launch.argv)}  (port {spec.launch.port}, {spec.launch.health})"
    if spec.milestones:
        yield "Milestones", _numbered(spec.milestones)


def _numbered(steps: tuple[str, ...]) -> str:
    return "\n".join(f"  {number}. {step}" for number, step in enumerate(steps, 1))


def _lines(*lines: str) -> str:
    return "\n".join(line for line in lines if line)
