"""The tables: how they stand to this version of the code, and how they are brought up to it."""

from enum import Enum, auto
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, inspect, text

MIGRATIONS: Final = Path(__file__).with_name("migrations")
VERSIONS: Final = MIGRATIONS / "versions"


class SchemaAge(Enum):
    """How the tables of a database stand to this version of the code."""

    MISSING = auto()
    OLD = auto()
    CURRENT = auto()
    NEWER = auto()


def age_of(connection: Connection) -> SchemaAge:
    """Tell how the tables stand to this version of the code."""
    found, newest = _version_of(connection), _newest()
    if found is None:
        return SchemaAge.MISSING
    return (
        SchemaAge.CURRENT
        if found == newest
        else SchemaAge.OLD
        if found < newest
        else SchemaAge.NEWER
    )


def _newest() -> str:
    """Return the number of the last migration that there is."""
    return max(VERSIONS.glob("*.py")).name[:4]


def _version_of(connection: Connection) -> str | None:
    """Return the number of the last migration that the tables went through."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    found = connection.execute(text("SELECT version_num FROM alembic_version"))
    return found.scalar_one_or_none()


def migrate(connection: Connection) -> None:
    """Bring the tables up to this version of the code."""
    from alembic import command  # noqa: PLC0415 -- half the import time of the service
    from alembic.config import Config  # noqa: PLC0415 -- the same

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
