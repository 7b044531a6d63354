"""Stored values: times and enums come back unchanged, and duplicate rows are skipped."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DataError, IntegrityError, StatementError
from sqlmodel import SQLModel, select

from donate.gifts.models import Donor
from donate.storage.bulk_writes import insert_new
from donate.storage.column_types import EnumText
from donate.storage.database import Database
from donate.stripe_gateway.models import EventSource, EventState, StripeEvent

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def event(received_at: datetime, event_id: str = "evt_1") -> StripeEvent:
    return StripeEvent(
        event_id=event_id,
        type="ping",
        source=EventSource.WEBHOOK,
        payload=b"{}",
        received_at=received_at,
        state=EventState.WAITING,
        due_at=NOW,
    )


@pytest.mark.parametrize(
    "instant",
    [
        datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC),
        datetime(2025, 12, 31, 23, 59, 59, tzinfo=timezone(timedelta(hours=-8))),
        datetime(2026, 1, 1, 13, 45, tzinfo=timezone(timedelta(hours=13, minutes=45))),
    ],
)
def test_an_instant_comes_back_in_utc(database: Database, instant: datetime) -> None:
    """A time in any time zone is read back from the database as the same time in UTC."""
    with database.writing() as session:
        session.add(event(instant))
    with database.reading() as session:
        read = session.exec(select(StripeEvent.received_at)).one()
    assert read == instant
    assert read.utcoffset() == timedelta(0)


def test_a_time_without_a_zone_is_refused(database: Database) -> None:
    """A time without a time zone is refused."""
    with pytest.raises(StatementError, match="needs a time zone"), database.writing() as session:
        session.add(event(datetime(2026, 3, 1, 12, 0)))  # noqa: DTZ001 -- naive on purpose


def test_an_enum_comes_back_as_a_member(database: Database) -> None:
    """A column of an enum stores the member's text and gives the member back."""
    with database.writing() as session:
        session.add(event(NOW))
    with database.reading() as session:
        assert session.execute(text("SELECT state FROM stripe_event")).scalar_one() == "waiting"
        assert session.exec(select(StripeEvent)).one().state is EventState.WAITING


def test_an_unknown_value_of_an_enum_is_an_error(database: Database) -> None:
    """A text that no member has is refused with the column's name, when written and when read."""
    lost = event(NOW).model_dump(exclude={"id"}) | {"state": "lost"}
    written = pytest.raises(StatementError, match="cannot store 'lost'")
    with written, database.writing() as session:
        insert_new(session, StripeEvent, [lost])
    with database.writing() as session:
        session.add(event(NOW))
        session.flush()
        session.execute(text("UPDATE stripe_event SET state = 'lost'"))
    read = pytest.raises(ValueError, match=r"^stripe_event\.state holds 'lost'")
    with read, database.reading() as session:
        session.exec(select(StripeEvent)).all()


def test_a_column_of_an_enum_has_its_own_name() -> None:
    """Each enum column knows its own name for error messages, and is wide enough for its texts."""
    types = {
        f"{table.name}.{column.name}": column.type
        for table in SQLModel.metadata.sorted_tables
        for column in table.columns
    }
    enums = {name: kind for name, kind in types.items() if isinstance(kind, EnumText)}
    assert len(enums) > 8
    assert [kind.column for kind in enums.values()] == list(enums)
    for kind in enums.values():
        assert max(map(len, kind.enum)) <= (kind.length or 0)


def test_only_new_rows_are_inserted(database: Database) -> None:
    """`insert_new` skips rows that break a UNIQUE constraint, and returns how many it inserted."""

    def insert(*event_ids: str) -> int:
        rows = [event(NOW, event_id).model_dump(exclude={"id"}) for event_id in event_ids]
        with database.writing() as session:
            return insert_new(session, StripeEvent, rows)

    assert insert() == 0
    assert insert("evt_1", "evt_2") == 2
    assert insert("evt_2", "evt_3", "evt_3") == 1
    assert insert("evt_1", "evt_2", "evt_3") == 0


def test_other_broken_constraints_raise(database: Database) -> None:
    """`insert_new` raises an error for a row that breaks any constraint that is not UNIQUE."""
    nameless: dict[str, Any] = {"name": None, "email": "a@b.ca", "country": "CA", "language": "en"}
    with pytest.raises(IntegrityError), database.writing() as session:
        insert_new(session, Donor, [nameless])


def test_what_is_too_long_is_never_cut(database: Database) -> None:
    """PostgreSQL refuses a text that is too long for its column; SQLite keeps all of it."""
    long = {"name": "n" * 201, "email": "a@b.ca", "country": "CA", "language": "en"}

    def insert() -> None:
        with database.writing() as session:
            insert_new(session, Donor, [long])

    if database.is_sqlite:
        insert()
    else:
        with pytest.raises(DataError, match="too long"):
            insert()
    with database.reading() as session:
        assert session.exec(select(Donor.name)).all() == [long["name"]] * database.is_sqlite
