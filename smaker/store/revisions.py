"""Which revisions of the schema this smaker knows, oldest first. No SQL library here: the reader asks too."""

from __future__ import annotations

from smaker.core.errors import StorageError

REVISIONS = ("0001",)


def newest() -> str:
    """Return the revision a database should be at."""
    return REVISIONS[-1]


def refuse_unknown(found: str | None, place: str) -> None:
    """Raise StorageError if a database is of a revision that only a newer smaker can know."""
    if found is not None and found not in REVISIONS:
        raise StorageError(
            f"The database {place} was made by a newer smaker (schema {found}; this one knows up to {newest()}).",
            hint="Upgrade smaker, or use another folder with --home.",
            code="E_SCHEMA_NEWER",
        )
