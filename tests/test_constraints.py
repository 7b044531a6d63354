"""The audit of the constraints: what protects nothing any more is named, and what slipped by."""

import pytest
from sqlalchemy import text
from sqlmodel import Session

import donate.finance.models
import donate.stripe_gateway.models  # noqa: F401 -- the audit is about the tables of every room
from donate.storage.constraints import broken_constraints
from donate.storage.database import Database
from tests.gifts.given import open_one


@pytest.fixture
def filled(database: Database) -> Database:
    with database.writing() as session:
        open_one(session)
    return database


def told(database: Database) -> list[str]:
    with database.reading() as session:
        return list(broken_constraints(session))


def unguarded(database: Database, *statements: str) -> None:
    """Change rows as somebody would who has switched the constraints off."""
    off = (
        ["PRAGMA ignore_check_constraints = ON", "PRAGMA foreign_keys = OFF"]
        if database.is_sqlite
        else ["SET session_replication_role = replica"]
    )
    with database.engine.connect() as connection:
        raw = connection.connection.cursor()
        for statement in (*off, *statements):
            raw.execute(statement)
        if not database.is_sqlite:
            connection.connection.commit()
        connection.invalidate()


def test_nothing_is_wrong_with_what_we_write(filled: Database) -> None:
    """On tables as the migrations make them, with rows as the code writes them, nothing is told."""
    assert told(filled) == []


def test_a_row_that_leads_nowhere_is_told(filled: Database) -> None:
    """A gift of a donor who is not there breaks the foreign key, and is counted."""
    unguarded(filled, "UPDATE gift SET donor_id = 999")
    assert told(filled) == ["gift: 1 rows break the rule: donor_id refers to a donor"]


def test_a_row_that_a_check_forbids_is_told(filled: Database) -> None:
    """Impossible money that got round its CHECK is told, with the rule; and the CHECK if gone."""
    missing = []
    if not filled.is_sqlite:
        with filled.writing() as session:
            session.execute(text("ALTER TABLE gift DROP CONSTRAINT gift_amount_is_positive"))
        missing = ["gift: the constraint gift_amount_is_positive is missing"]
    unguarded(filled, "UPDATE gift SET amount_minor = 0")
    assert told(filled) == [*missing, "gift: 1 rows break the rule: amount_minor > 0"]


def test_a_fact_that_is_there_twice_is_told(filled: Database) -> None:
    """Where the UNIQUE of the facts is gone, it and the doubled fact are told."""
    if filled.is_sqlite:
        indexes = "SELECT sql FROM sqlite_master WHERE name = 'gift_fact'"
        with filled.reading() as session:
            sql = session.execute(text(indexes)).scalar_one()
        bare = sql.replace("CONSTRAINT gift_fact_once UNIQUE (kind, source_id)", "CHECK (1)")
        assert bare != sql
        rebuilt = ("DROP TABLE gift_fact", bare)
        keep = "CREATE TEMP TABLE kept AS SELECT * FROM gift_fact"
        unguarded(filled, keep, *rebuilt, *["INSERT INTO gift_fact SELECT * FROM kept"])
        copied = "INSERT INTO gift_fact SELECT NULL, gift_id, kind, source_id, amount_minor, "
    else:
        unguarded(filled, "ALTER TABLE gift_fact DROP CONSTRAINT gift_fact_once")
        copied = "INSERT INTO gift_fact SELECT id + 1, gift_id, kind, source_id, amount_minor, "
    unguarded(filled, copied + "currency, happened_at, recorded_at, actor, evidence FROM gift_fact")
    found = told(filled)
    assert "gift_fact: the constraint gift_fact_once is missing" in found
    assert "gift_fact: 1 rows break the rule: kind, source_id is unique" in found


@pytest.mark.parametrize("table", ["gift_fact", "staff_act"])
def test_a_missing_guard_is_told(filled: Database, table: str) -> None:
    """When the trigger that keeps rows as they are is gone, the audit says so."""
    with filled.writing() as session:
        drop_guard(session, table, sqlite=filled.is_sqlite)
    guard = f"{table}_no_DELETE" if filled.is_sqlite else f"{table}_append_only"
    off = f"the trigger {guard}, which refuses changes, is missing or disabled"
    assert told(filled) == [off]


def drop_guard(session: Session, table: str, *, sqlite: bool) -> None:
    if sqlite:
        session.execute(text(f"DROP TRIGGER {table}_no_DELETE"))
    else:
        session.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER {table}_append_only"))
