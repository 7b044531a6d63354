"""Compares the version of the tables with this version of the code, and migrates the tables."""

from enum import Enum, auto
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, inspect, text

MIGRATIONS: Final = Path(__file__).with_name("migrations")
VERSIONS: Final = MIGRATIONS / "versions"


class SchemaAge(Enum):
    """Whether the tables are missing, older than the code, current, or newer."""

    MISSING = auto()
    OLD = auto()
    CURRENT = auto()
    NEWER = auto()


def age_of(connection: Connection) -> SchemaAge:
    """Return whether the tables match this version of the code."""
    version, newest = _version_of(connection), _newest()
    if version is None:
        return SchemaAge.MISSING
    return (
        SchemaAge.CURRENT
        if version == newest
        else SchemaAge.OLD
        if version < newest
        else SchemaAge.NEWER
    )


def _newest() -> str:
    """Return the number of the newest migration in the code."""
    return max(VERSIONS.glob("*.py")).name[:4]


def _version_of(connection: Connection) -> str | None:
    """Return the number of the last migration that was applied; None if there is none."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    version = connection.execute(text("SELECT version_num FROM alembic_version"))
    return version.scalar_one_or_none()


def migrate(connection: Connection) -> None:
    """Migrate the tables to this version of the code."""
    from alembic import command  # noqa: PLC0415 -- it would double the service's import time
    from alembic.config import Config  # noqa: PLC0415 -- the same

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
