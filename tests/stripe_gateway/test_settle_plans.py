"""How SQLite finds what settling asks for: by index, however much is stored or waits."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import pytest
from sqlalchemy import Connection, event as hook
from sqlmodel import SQLModel

from donate.storage.database import Database
from donate.stripe_gateway.webhooks.queue import wake_those_waiting_for
from donate.stripe_gateway.webhooks.settle import BATCH
from tests.real_parts import Sqlite
from tests.stripe_gateway.given import NOW, event, give, session_for, settle


@pytest.mark.parametrize("how_many", [1, 10, 50, BATCH])
def test_settling_walks_through_nothing(sqlite: Sqlite, how_many: int) -> None:
    """However many events are settled, their gifts' facts are found one by one, never by kind."""
    with closing(Database(sqlite.fresh_url())) as database:
        told = []
        for number in range(how_many):
            gift = give(database, opened=f"cs_test_{number}")
            told.append(session_for(gift, id=f"cs_test_{number}", payment_intent=f"pi_{number}"))
        with _asked() as asked:
            settle(database, *(event("checkout.session.completed", found) for found in told))
        steps = list(_steps(database, asked))
    tables = set(SQLModel.metadata.tables)
    assert not [step for step in steps if step.startswith("SCAN") and step.split()[1] in tables]
    assert not [step for step in steps if step.endswith("(kind=?)")]
    assert sum("stripe_event_due" in step for step in steps) == 1


def test_waking_finds_those_who_wait_by_name(sqlite: Sqlite) -> None:
    """However many payments became known at once, those that wait for others are not looked at."""
    with closing(Database(sqlite.fresh_url())) as database:
        with _asked() as asked, database.writing() as session:
            wake_those_waiting_for(session, {f"pi_{number}" for number in range(BATCH)}, NOW)
        steps = list(_steps(database, asked))
    assert any("stripe_event_waits_for" in step for step in steps)
    assert not any("stripe_event_due" in step for step in steps)


@contextmanager
def _asked() -> Iterator[dict[str, Any]]:
    """Note each statement that finds rows, with what it was given."""
    asked: dict[str, Any] = {}

    def note(_c: object, _cursor: object, statement: str, given: Any, *_: object) -> None:
        if statement.startswith(("SELECT", "UPDATE")):
            asked[statement] = given[0] if isinstance(given, list) else given

    hook.listen(Connection, "before_cursor_execute", note)
    try:
        yield asked
    finally:
        hook.remove(Connection, "before_cursor_execute", note)


def _steps(database: Database, asked: dict[str, Any]) -> Iterator[str]:
    with database.reading() as session:
        for statement, given in asked.items():
            plan = session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", given)
            yield from (step.detail for step in plan)
