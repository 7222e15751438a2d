"""The tables. Rows are not models: SQLModel does not validate them, and core's models know nothing of columns.

What is searched, counted or locked is a column; the rest is the model's JSON in ``body`` with its check sum in ``crc``.
`smaker.store.mapping` goes both ways between rows and models.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import ClassVar

from sqlalchemy import BigInteger, DateTime, Dialect, ForeignKey, Index, Integer, LargeBinary, MetaData, Table, Text
from sqlalchemy.orm import declared_attr
from sqlalchemy.types import TypeDecorator
from sqlmodel import Field, SQLModel

Number = BigInteger().with_variant(Integer(), "sqlite")
"""64 bits everywhere; on SQLite only "INTEGER" can be a row number."""


class UtcDateTime(TypeDecorator[datetime]):
    """An aware time in UTC: SQLite has no time zones, and gives back what it was given without one."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return what the driver is given."""
        if value is None:
            return None
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Return what the driver gave, in UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(SQLModel):
    """The root of all rows, with names for every constraint, so that migrations can name them."""

    @declared_attr  # pyright: ignore[reportArgumentType]  as SQLModel itself does it
    def __tablename__(cls) -> str:  # noqa: N805  # pyright: ignore[reportIncompatibleVariableOverride]
        return cls.__name__.removesuffix("Row").lower() + "s"

    metadata: ClassVar[MetaData] = MetaData(  # pyright: ignore[reportIncompatibleVariableOverride]  SQLModel's own way
        naming_convention={
            "pk": "pk_%(table_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        }
    )


def _owner() -> ForeignKey:
    return ForeignKey("projects.id", ondelete="CASCADE")


class ProjectRow(Base, table=True):
    """A project, without its revision."""

    id: str = Field(primary_key=True)
    created_at: datetime = Field(sa_type=UtcDateTime)
    desired: str
    body: str = Field(sa_type=Text)
    crc: int = Field(sa_type=BigInteger)


class CounterRow(Base, table=True):
    """What grows with a project. Apart from the project's body, so that taking a number writes few bytes; its lock is
    the project's lock: everything that writes to a project takes it first."""

    project: str = Field(primary_key=True, sa_column_args=(_owner(),))
    revision: int = Field(sa_type=BigInteger)
    seq: int = Field(sa_type=BigInteger)  # of the newest event


class TaskRow(Base, table=True):
    """A task; the ownership columns are written by claims alone. ``needs`` is a sorted JSON list."""

    __table_args__: ClassVar[tuple[Index, ...]] = (
        Index("uq_tasks_project_id", "project", "id", unique=True),
        Index("ix_tasks_state_serial", "state", "serial"),
    )

    serial: int | None = Field(default=None, primary_key=True, sa_type=Number)  # pyright: ignore[reportArgumentType]  an instance is right too
    project: str = Field(sa_column_args=(_owner(),))
    id: str
    state: str
    needs: str
    attempt: int = Field(sa_type=BigInteger)
    worker: str | None = None
    lease_until: datetime | None = Field(default=None, sa_type=UtcDateTime)
    lease_mark: float | None = None  # SQLite: this machine's monotonic clock when the lease was last extended, seconds
    lease_s: float | None = None  # SQLite: how long it runs from there, seconds
    body: str = Field(sa_type=Text)
    crc: int = Field(sa_type=BigInteger)


class StepRow(Base, table=True):
    """One phase of a step: its intent or its result."""

    project: str = Field(primary_key=True, sa_column_args=(_owner(),))
    task: int = Field(primary_key=True, sa_type=BigInteger, sa_column_kwargs={"autoincrement": False})
    step: int = Field(primary_key=True, sa_type=BigInteger, sa_column_kwargs={"autoincrement": False})
    phase: str = Field(primary_key=True)
    body: str = Field(sa_type=Text)
    crc: int = Field(sa_type=BigInteger)


class EventRow(Base, table=True):
    """An event: ``seq`` is 1, 2, 3, … in each project, ``at`` microseconds since 1970, ``body`` what was emitted.

    Plain numbers and text, so that very many are inserted without a conversion each.
    """

    project: str = Field(primary_key=True, sa_column_args=(_owner(),))
    seq: int = Field(primary_key=True, sa_type=BigInteger, sa_column_kwargs={"autoincrement": False})
    at: int = Field(sa_type=BigInteger)
    body: str = Field(sa_type=Text)
    crc: int = Field(sa_type=BigInteger)


class AnswerRow(Base, table=True):
    """What the user said, in the order said."""

    serial: int | None = Field(default=None, primary_key=True, sa_type=Number)  # pyright: ignore[reportArgumentType]  an instance is right too
    project: str = Field(index=True, sa_column_args=(_owner(),))
    body: str = Field(sa_type=Text)
    crc: int = Field(sa_type=BigInteger)


class ReportRow(Base, table=True):
    """A project's newest test report."""

    project: str = Field(primary_key=True, sa_column_args=(_owner(),))
    body: str = Field(sa_type=Text)
    crc: int = Field(sa_type=BigInteger)


class ArtifactRow(Base, table=True):
    """An artifact; the newest of an id replaces the older."""

    __table_args__: ClassVar[tuple[Index, ...]] = (Index("uq_artifacts_project_id", "project", "id", unique=True),)

    serial: int | None = Field(default=None, primary_key=True, sa_type=Number)  # pyright: ignore[reportArgumentType]  an instance is right too
    project: str = Field(sa_column_args=(_owner(),))
    id: str
    body: str = Field(sa_type=Text)
    crc: int = Field(sa_type=BigInteger)


class WorkerRow(Base, table=True):
    """A process that does tasks."""

    id: str = Field(primary_key=True)
    body: str = Field(sa_type=Text)
    crc: int = Field(sa_type=BigInteger)


class BlobRow(Base, table=True):
    """A small blob. ``touched_at``: last put, so that a sweep leaves alone what is about to be referred to."""

    sha256: str = Field(primary_key=True)
    data: bytes = Field(sa_type=LargeBinary)
    touched_at: datetime = Field(sa_type=UtcDateTime)


class CommitRow(Base, table=True):
    """SQLite: one row that counts transactions, to notice that the newest were lost (`smaker.store.files.Mark`)."""

    id: int = Field(default=1, primary_key=True, sa_type=BigInteger, sa_column_kwargs={"autoincrement": False})
    number: int = Field(sa_type=BigInteger)


def _table(name: str) -> Table:
    return Base.metadata.tables[name]


PROJECTS = _table("projects")
COUNTERS = _table("counters")
TASKS = _table("tasks")
STEPS = _table("steps")
EVENTS = _table("events")
ANSWERS = _table("answers")
REPORTS = _table("reports")
ARTIFACTS = _table("artifacts")
WORKERS = _table("workers")
BLOBS = _table("blobs")
COMMITS = _table("commits")
