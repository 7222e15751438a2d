"""The version of the schema: made, checked and migrated.

Alembic is loaded only when there is something to migrate: opening an up-to-date database reads one row.
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, inspect, text

from smaker.core.errors import StorageError
from smaker.store.revisions import newest, refuse_unknown

_VERSION = text("SELECT version_num FROM alembic_version")
_MIGRATIONS = Path(__file__).parent / "migrations"
_POSTGRES_LOCK = 0x736D616B6572  # "smaker": an advisory lock number for those who migrate


def version(connection: Connection) -> str | None:
    """Return the schema's revision, None in an empty database."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(_VERSION).scalar_one_or_none()


def migrate(connection: Connection) -> None:
    """Bring the schema to the newest revision inside the connection's transaction. Raises StorageError."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": _POSTGRES_LOCK})
    found = version(connection)
    refuse_unknown(found, str(connection.engine.url.database))
    if found == newest():
        return
    from alembic import command  # noqa: PLC0415  slow to load, and rarely needed
    from alembic.config import Config  # noqa: PLC0415
    from alembic.util import CommandError  # noqa: PLC0415

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        raise StorageError(f"The database could not be migrated: {error}", hint="Reinstall smaker.") from error
