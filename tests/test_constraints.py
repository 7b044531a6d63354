"""The audit of constraints reports missing constraints, and rows that break them."""

import pytest
from sqlalchemy import text
from sqlmodel import Session

import donate.finance.models
import donate.stripe_gateway.models  # noqa: F401 -- the audit covers the tables of every folder
from donate.storage.constraints import APPEND_ONLY, broken_constraints
from donate.storage.database import Database
from tests.gifts.samples import open_one


@pytest.fixture
def filled(database: Database) -> Database:
    with database.writing() as session:
        open_one(session)
    return database


def reports(database: Database) -> list[str]:
    with database.reading() as session:
        return list(broken_constraints(session))


def unguarded(database: Database, *statements: str) -> None:
    """Run statements with the constraints switched off."""
    switch_off = (
        ["PRAGMA ignore_check_constraints = ON", "PRAGMA foreign_keys = OFF"]
        if database.is_sqlite
        else ["SET session_replication_role = replica"]
    )
    with database.engine.connect() as connection:
        raw = connection.connection.cursor()
        for statement in (*switch_off, *statements):
            raw.execute(statement)
        if not database.is_sqlite:
            connection.connection.commit()
        connection.invalidate()


def test_nothing_is_reported_about_our_own_rows(filled: Database) -> None:
    """The audit reports nothing about migrated tables with rows that our own code wrote."""
    assert reports(filled) == []


def test_a_broken_foreign_key_is_reported(filled: Database) -> None:
    """The audit counts the gifts whose donor does not exist, which break the foreign key."""
    unguarded(filled, "UPDATE gift SET donor_id = 999")
    assert reports(filled) == ["gift: 1 rows break the rule: donor_id refers to a donor"]


def test_a_broken_check_is_reported(filled: Database) -> None:
    """The audit reports an impossible amount that bypassed its CHECK, and a missing CHECK."""
    missing = []
    if not filled.is_sqlite:
        with filled.writing() as session:
            session.execute(text("ALTER TABLE gift DROP CONSTRAINT gift_amount_is_positive"))
        missing = ["gift: the constraint gift_amount_is_positive is missing"]
    unguarded(filled, "UPDATE gift SET amount_minor = 0")
    assert reports(filled) == [*missing, "gift: 1 rows break the rule: amount_minor > 0"]


def test_a_duplicate_fact_is_reported(filled: Database) -> None:
    """The audit reports a missing UNIQUE constraint, and also a duplicate fact in the table."""
    if filled.is_sqlite:
        indexes = "SELECT sql FROM sqlite_master WHERE name = 'gift_fact'"
        with filled.reading() as session:
            sql = session.execute(text(indexes)).scalar_one()
        without_unique = sql.replace(
            "CONSTRAINT gift_fact_once UNIQUE (kind, source_id)", "CHECK (1)"
        )
        assert without_unique != sql
        rebuild = ("DROP TABLE gift_fact", without_unique)
        keep = "CREATE TEMP TABLE kept AS SELECT * FROM gift_fact"
        unguarded(filled, keep, *rebuild, *["INSERT INTO gift_fact SELECT * FROM kept"])
        copied = "INSERT INTO gift_fact SELECT NULL, gift_id, kind, source_id, amount_minor, "
    else:
        unguarded(filled, "ALTER TABLE gift_fact DROP CONSTRAINT gift_fact_once CASCADE")
        copied = "INSERT INTO gift_fact SELECT id + 1, gift_id, kind, source_id, amount_minor, "
    unguarded(filled, copied + "currency, happened_at, recorded_at, actor, evidence FROM gift_fact")
    lines = reports(filled)
    assert "gift_fact: the constraint gift_fact_once is missing" in lines
    assert "gift_fact: 1 rows break the rule: kind, source_id is unique" in lines


@pytest.mark.parametrize("table", APPEND_ONLY)
def test_a_missing_trigger_is_reported(filled: Database, table: str) -> None:
    """The audit reports a missing or disabled trigger that refuses changes of a table."""
    with filled.writing() as session:
        drop_guard(session, table, sqlite=filled.is_sqlite)
    guard = f"{table}_no_DELETE" if filled.is_sqlite else f"{table}_append_only"
    report = f"the trigger {guard}, which refuses changes, is missing or disabled"
    assert reports(filled) == [report]


def drop_guard(session: Session, table: str, *, sqlite: bool) -> None:
    if sqlite:
        session.execute(text(f"DROP TRIGGER {table}_no_DELETE"))
    else:
        session.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER {table}_append_only"))
