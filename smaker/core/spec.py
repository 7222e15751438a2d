"""What is to be built, as data: requirements with ids, the data model, operations, modules, interfaces and scenarios.

The spec is written by a planner (rules or a model), kept in the workspace as ``.smaker/spec.yaml``, and read by coders
and testers. Requirement ids ("R1", "R2", …) run from here through tests and reports to commits.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, model_validator
from pydantic import Field as Constraint

Name = Annotated[str, Constraint(pattern=r"^[a-z][a-z0-9_]{0,62}$")]
"""A snake_case identifier, singular for entities."""

RequirementId = Annotated[str, Constraint(pattern=r"^R[1-9][0-9]{0,3}$")]


class Frozen(BaseModel):
    """Immutable, and unknown keys are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ProductKind(StrEnum):
    """What kind of software the user asked for."""

    API = "api"
    WEB = "web"
    CLI = "cli"
    LIBRARY = "library"
    SITE = "site"


class FieldType(StrEnum):
    """The type of a field, in the words of the problem, not of a language."""

    TEXT = "text"  # one line
    LONG_TEXT = "long_text"  # several lines
    INTEGER = "integer"
    NUMBER = "number"  # floating point
    MONEY = "money"  # decimal, two places
    BOOLEAN = "boolean"
    DATE = "date"  # ISO 8601 day
    DATETIME = "datetime"  # ISO 8601, UTC
    EMAIL = "email"
    URL = "url"
    CHOICE = "choice"  # one of `choices`
    TAGS = "tags"  # a list of short texts
    REFERENCE = "reference"  # many to one, to the entity `references`


class DataField(Frozen):
    """One field of an entity. ``minimum`` and ``maximum`` bound numbers by value and texts by length."""

    name: Name
    type: FieldType = FieldType.TEXT
    required: bool = True
    unique: bool = False
    choices: tuple[str, ...] = ()
    default: str | None = None
    minimum: float | None = None
    maximum: float | None = None
    references: Name | None = None

    @model_validator(mode="after")
    def _consistent(self) -> DataField:
        if self.type is FieldType.CHOICE and not self.choices:
            raise ValueError(f"field {self.name!r} is a choice but names no choices")
        if (self.type is FieldType.REFERENCE) != (self.references is not None):
            raise ValueError(f"field {self.name!r}: 'references' goes with the type 'reference' and only with it")
        return self


class Entity(Frozen):
    """A kind of record. ``owned`` records belong to the user who made them and no one else sees them."""

    name: Name
    plural: Name
    fields: tuple[DataField, ...] = ()
    owned: bool = False
    label: Name | None = None  # the field that names a record to a person

    def field(self, name: str) -> DataField:
        """Return the field called ``name``; raises KeyError."""
        for candidate in self.fields:
            if candidate.name == name:
                return candidate
        raise KeyError(name)


class OperationKind(StrEnum):
    """What can be done, beyond which a blueprint says that it cannot."""

    CREATE = "create"
    LIST = "list"  # every record, paginated where the product is an API
    READ = "read"
    UPDATE = "update"
    DELETE = "delete"
    VALIDATE = "validate"  # `field` must be present, of its type, one of its choices, within its bounds
    UNIQUE = "unique"  # no two records share `field`
    REFERENCE = "reference"  # `field` must point at a record that exists
    SEARCH = "search"  # by text in any text field
    FILTER = "filter"  # by `field` equal to a value; by month or ISO week of a date where `by` is "month", "week"
    SORT = "sort"  # by `field`
    SET = "set"  # set `field` to `value`: mark done, close, archive, publish
    REPORT = "report"  # `aggregate` of `field`, grouped by `by` (a field, "month", or nothing)
    EXPORT = "export"  # to `format`
    IMPORT = "import"  # from `format`
    LIMIT = "limit"  # at most `limit` records, per `by` ("user", a reference field, or nothing)
    TRANSFER = "transfer"  # move a quantity of one record between two others, never below zero
    SIGN_UP = "sign_up"
    LOG_IN = "log_in"
    LOG_OUT = "log_out"
    OWN = "own"  # a user sees and changes only their own records
    HEALTH = "health"
    CONVERT = "convert"  # library: convert values between the units of `topic`
    REGISTRY = "registry"  # library: register further units
    SECTION = "section"  # site: a section of a page, its kind in `topic`
    TOGGLE = "toggle"  # site: prices switch between `by` periods
    FORM = "form"  # site: a form that is checked before it is sent


class Aggregate(StrEnum):
    """How a report condenses a group."""

    COUNT = "count"
    SUM = "sum"
    AVERAGE = "average"
    MINIMUM = "minimum"
    MAXIMUM = "maximum"


class Operation(Frozen):
    """One thing the software does, in a form from which code and tests can be derived independently."""

    kind: OperationKind
    entity: Name | None = None
    field: Name | None = None
    by: Name | None = None
    value: str | None = None
    aggregate: Aggregate | None = None
    format: str | None = None
    limit: int | None = None
    topic: str | None = None
    name: Name | None = None  # what the user calls it: "archive", "mark_done", "total_per_category"


class Requirement(Frozen):
    """One promise of the spec: proved by at least one passing test, or the build is not READY."""

    id: RequirementId
    text: str
    must: bool = True
    acceptance: tuple[str, ...] = ()
    operation: Operation | None = None


class Module(Frozen):
    """A part of the implementation that one task writes. ``entity`` where the part is about one kind of record."""

    name: Name
    title: str
    requirements: tuple[RequirementId, ...] = ()
    depends_on: tuple[Name, ...] = ()
    entity: Name | None = None


class Launch(Frozen):
    """How a server is started where its profile does not know: "{port}" in ``argv`` and ``variables`` is the port it
    must listen on; ``health`` is a path that answers 200."""

    argv: Annotated[tuple[str, ...], Constraint(min_length=1)]
    port: Annotated[int, Constraint(ge=1024, le=65_535)] = 8000
    health: Annotated[str, Constraint(pattern=r"^/\S*$")] = "/"
    variables: dict[Annotated[str, Constraint(pattern=r"^[A-Z][A-Z0-9_]*$")], str] = {}


Argv = Annotated[tuple[str, ...], Constraint(min_length=1)]


class Toolchain(Frozen):
    """The own tools of a repository, where its profile does not know them: ``setup`` brings what they need, and may
    reach registries; ``checks`` end with exit code 0 where all is well."""

    setup: tuple[Argv, ...] = ()
    checks: tuple[Argv, ...] = ()


class Scenario(Frozen):
    """A path through the GUI, in a person's steps."""

    name: str
    requirements: tuple[RequirementId, ...] = ()
    steps: tuple[str, ...] = ()


class Spec(Frozen):
    """The whole plan of one product. Deterministic: no ids of projects, no times, so equal prompts give equal files."""

    name: str  # a person's name for it: "Book loans"
    slug: Annotated[str, Constraint(pattern=r"^[a-z][a-z0-9-]{0,48}$")]  # directory and distribution name
    summary: str
    kind: ProductKind
    profile: str
    requirements: tuple[Requirement, ...] = ()
    entities: tuple[Entity, ...] = ()
    modules: tuple[Module, ...] = ()
    interfaces: tuple[str, ...] = ()  # "GET /books", "expenses list --month"
    launch: Launch | None = None  # of a server whose profile does not say how
    toolchain: Toolchain | None = None  # of an adopted repository
    users: bool = False  # people sign up and log in
    gui: bool = False
    topics: tuple[str, ...] = ()  # library: conversion topics; site: sections in order
    test_strategy: str = ""
    scenarios: tuple[Scenario, ...] = ()
    milestones: tuple[str, ...] = ()
    questions: tuple[str, ...] = ()  # what was not understood, each with the default that was taken
    unsupported: tuple[str, ...] = ()  # what was understood but the profile cannot do: never claimed

    @property
    def package(self) -> str:
        """The import name: the slug with underscores."""
        return self.slug.replace("-", "_")

    def entity(self, name: str) -> Entity:
        """Return the entity called ``name``; raises KeyError."""
        for candidate in self.entities:
            if candidate.name == name:
                return candidate
        raise KeyError(name)

    def requirement(self, identifier: str) -> Requirement:
        """Return the requirement with that id; raises KeyError."""
        for candidate in self.requirements:
            if candidate.id == identifier:
                return candidate
        raise KeyError(identifier)

    def operations(self, kind: OperationKind, entity: str | None = None) -> tuple[Requirement, ...]:
        """Return the requirements whose operation is of ``kind`` (and about ``entity``)."""
        return tuple(
            requirement
            for requirement in self.requirements
            if requirement.operation is not None
            and requirement.operation.kind is kind
            and (entity is None or requirement.operation.entity == entity)
        )
