"""The first schema."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

serial = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make all tables."""
    op.create_table(
        "projects",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("desired", sa.String(), nullable=False),
        *_sealed(),
        sa.PrimaryKeyConstraint("id", name="pk_projects"),
    )
    op.create_table(
        "counters",
        sa.Column("project", sa.String(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        _owner("counters"),
        sa.PrimaryKeyConstraint("project", name="pk_counters"),
    )
    op.create_table(
        "tasks",
        sa.Column("serial", serial, nullable=False),
        sa.Column("project", sa.String(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("needs", sa.String(), nullable=False),
        sa.Column("attempt", sa.BigInteger(), nullable=False),
        sa.Column("worker", sa.String()),
        sa.Column("lease_until", sa.DateTime(timezone=True)),
        sa.Column("lease_mark", sa.Float()),
        sa.Column("lease_s", sa.Float()),
        *_sealed(),
        _owner("tasks"),
        sa.PrimaryKeyConstraint("serial", name="pk_tasks"),
    )
    op.create_index("uq_tasks_project_id", "tasks", ["project", "id"], unique=True)
    op.create_index("ix_tasks_state_serial", "tasks", ["state", "serial"])
    op.create_table(
        "steps",
        sa.Column("project", sa.String(), nullable=False),
        sa.Column("task", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("step", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("phase", sa.String(), nullable=False),
        *_sealed(),
        _owner("steps"),
        sa.PrimaryKeyConstraint("project", "task", "step", "phase", name="pk_steps"),
    )
    op.create_table(
        "events",
        sa.Column("project", sa.String(), nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        *_sealed(),
        _owner("events"),
        sa.PrimaryKeyConstraint("project", "seq", name="pk_events"),
    )
    op.create_table(
        "answers",
        sa.Column("serial", serial, nullable=False),
        sa.Column("project", sa.String(), nullable=False),
        *_sealed(),
        _owner("answers"),
        sa.PrimaryKeyConstraint("serial", name="pk_answers"),
    )
    op.create_index("ix_answers_project", "answers", ["project"])
    op.create_table(
        "reports",
        sa.Column("project", sa.String(), nullable=False),
        *_sealed(),
        _owner("reports"),
        sa.PrimaryKeyConstraint("project", name="pk_reports"),
    )
    op.create_table(
        "artifacts",
        sa.Column("serial", serial, nullable=False),
        sa.Column("project", sa.String(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        *_sealed(),
        _owner("artifacts"),
        sa.PrimaryKeyConstraint("serial", name="pk_artifacts"),
    )
    op.create_index("uq_artifacts_project_id", "artifacts", ["project", "id"], unique=True)
    op.create_table(
        "workers",
        sa.Column("id", sa.String(), nullable=False),
        *_sealed(),
        sa.PrimaryKeyConstraint("id", name="pk_workers"),
    )
    op.create_table(
        "blobs",
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.Column("touched_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("sha256", name="pk_blobs"),
    )
    commits = op.create_table(
        "commits",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_commits"),
    )
    op.bulk_insert(commits, [{"id": 1, "number": 0}])


def _sealed() -> tuple[sa.Column[str], sa.Column[int]]:
    return sa.Column("body", sa.Text(), nullable=False), sa.Column("crc", sa.BigInteger(), nullable=False)


def _owner(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["project"], ["projects.id"], name=f"fk_{table}_project", ondelete="CASCADE")
