"""Settling uses indexes on SQLite, however many events are stored."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import pytest
from sqlalchemy import Connection, event as hook
from sqlmodel import SQLModel

from donate.storage.database import Database
from donate.stripe_gateway.webhooks.queue import wake_events
from donate.stripe_gateway.webhooks.settle import BATCH
from tests.real_parts import Sqlite
from tests.stripe_gateway.gifts_and_events import NOW, event, give, session_for, settle


@pytest.mark.parametrize("how_many", [1, 10, 50, BATCH])
def test_settling_scans_no_table(sqlite: Sqlite, how_many: int) -> None:
    """Settling scans no table, and never searches facts by their kind alone."""
    with closing(Database(sqlite.fresh_url())) as database:
        sessions = []
        for number in range(how_many):
            gift = give(database, opened=f"cs_test_{number}")
            sessions.append(
                session_for(gift, id=f"cs_test_{number}", payment_intent=f"pi_{number}")
            )
        with _statements_recorded() as statements:
            settle(
                database, *(event("checkout.session.completed", content) for content in sessions)
            )
        steps = list(_steps(database, statements))
    tables = set(SQLModel.metadata.tables)
    assert not [step for step in steps if step.startswith("SCAN") and step.split()[1] in tables]
    assert not [step for step in steps if step.endswith("(kind=?)")]
    assert sum("stripe_event_due" in step for step in steps) == 1


def test_waking_uses_the_index_of_waiting_events(sqlite: Sqlite) -> None:
    """Events that wait for a payment are found by an index over the payment's id."""
    with closing(Database(sqlite.fresh_url())) as database:
        with _statements_recorded() as statements, database.writing() as session:
            wake_events(session, {f"pi_{number}" for number in range(BATCH)}, NOW)
        steps = list(_steps(database, statements))
    assert any("stripe_event_waits_for" in step for step in steps)
    assert not any("stripe_event_due" in step for step in steps)


@contextmanager
def _statements_recorded() -> Iterator[dict[str, Any]]:
    """Yield a dict that gets each SELECT and UPDATE that runs, with its last parameters."""
    statements: dict[str, Any] = {}

    def note(_c: object, _cursor: object, statement: str, parameters: Any, *_: object) -> None:
        if statement.startswith(("SELECT", "UPDATE")):
            statements[statement] = parameters[0] if isinstance(parameters, list) else parameters

    hook.listen(Connection, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        hook.remove(Connection, "before_cursor_execute", note)


def _steps(database: Database, statements: dict[str, Any]) -> Iterator[str]:
    with database.reading() as session:
        for statement, parameters in statements.items():
            plan = session.connection().exec_driver_sql(
                f"EXPLAIN QUERY PLAN {statement}", parameters
            )
            yield from (step.detail for step in plan)
