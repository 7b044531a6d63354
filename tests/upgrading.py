"""Runs single migrations, for tests of them."""

import runpy

from alembic import command
from alembic.config import Config
from sqlmodel import Session

from donate.gifts.movements.models import Subject
from donate.storage.database import Database
from donate.storage.schema import MIGRATIONS, VERSIONS

_WITHOUT_PROFILES = (
    "DROP TABLE taught_payer",
    "DROP TABLE donor_link",
    "DROP INDEX gift_by_profile",
    "DROP INDEX gift_received_by_profile",
    "DROP INDEX gift_pledges_by_profile",
    "ALTER TABLE gift DROP COLUMN profile_id",
    "DROP INDEX IF EXISTS gift_movement_by_profile",
    "ALTER TABLE gift_movement DROP COLUMN profile_id",
    "ALTER TABLE gift_movement DROP COLUMN fund",
    "DROP TABLE donor_merge",
    "DROP TABLE donor_note",
    "DROP TABLE donor_edit",
    "DROP TABLE donor_name_word",
    "DROP TABLE donor_profile",
)


def without_profiles(database: Database) -> tuple[str, ...]:
    """Return the SQL that undoes migration 0014 for gifts that the present code has opened."""
    # SQLite accepts a foreign key whose table is gone, so it needs no such statement.
    key = "ALTER TABLE offline_entry DROP CONSTRAINT offline_entry_profile_id_fkey"
    return (*([] if database.is_sqlite else [key]), *_WITHOUT_PROFILES)


def as_before(revision: str) -> str:
    """Return the SQL that makes Alembic believe that this migration has not run yet."""
    (script,) = VERSIONS.glob(f"{revision}_*.py")
    before = runpy.run_path(str(script))["down_revision"]
    return f"UPDATE alembic_version SET version_num = '{before}'"


def upgrade_to(revision: str, database: Database) -> None:
    """Run the migrations up to this one."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with database.engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)


def let_totals_count(session: Session, *subjects: str) -> None:
    """Give the table of day totals the constraint of an older version, with these subjects."""
    new, old = ", ".join(f"'{one}'" for one in Subject), ", ".join(f"'{one}'" for one in subjects)
    connection = session.connection()
    if connection.dialect.name != "sqlite":
        name = "day_total_subject_is_known"
        connection.exec_driver_sql(f"ALTER TABLE day_total DROP CONSTRAINT {name}")
        rule = f"ADD CONSTRAINT {name} CHECK (subject IN ({old}))"
        connection.exec_driver_sql(f"ALTER TABLE day_total {rule}")
        return
    schema = "SELECT sql FROM sqlite_master WHERE tbl_name = 'day_total' AND sql IS NOT NULL"
    table, *indexes = connection.exec_driver_sql(schema).scalars().all()
    assert new in table
    connection.exec_driver_sql("ALTER TABLE day_total RENAME TO newer")
    connection.exec_driver_sql(table.replace(new, old))
    connection.exec_driver_sql("INSERT INTO day_total SELECT * FROM newer")
    connection.exec_driver_sql("DROP TABLE newer")
    for index in indexes:
        connection.exec_driver_sql(index)
