"""The job that extends the chain: it covers every row once, however late it is committed."""

import random
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from sqlmodel import SQLModel, col, insert, select

from donate.clock import FixedClock
from donate.finance.activity.trail import record_act
from donate.finance.models import StaffAct
from donate.gifts.facts import FactKind
from donate.gifts.ledger import record_facts
from donate.gifts.models import Gift, GiftFact
from donate.storage.bulk_writes import table_of
from donate.storage.chain.linker import LOOK_EVERY, ChainLinker
from donate.storage.chain.links import LINK_ROWS
from donate.storage.chain.models import ChainLink
from donate.storage.chain.row_hashes import CHAINED
from donate.storage.database import Database
from tests.chain.chained import NO_PAUSE, counts, fill, link_all, problems
from tests.gifts.samples import NOW, open_one, paid
from tests.real_parts import Postgres, Sqlite


@pytest.fixture
def on_postgresql(postgres: Postgres) -> Iterator[Database]:
    url = postgres.fresh_url()
    database = Database(url)
    yield database
    database.close()
    postgres.drop(url)


def act(database: Database, about: str) -> None:
    with database.writing() as session:
        record_act(session, "signed_in", now=NOW, about=about)


def test_old_and_new_rows_are_chained(database: Database) -> None:
    """The job chains the rows that are there, and later those that came since."""
    fill(database)
    assert counts(database) == (0, 20 * 3 + 7)
    link_all(database)
    assert counts(database) == (67, 0)
    fill(database, 1, name="later")
    assert counts(database) == (67, 4)
    link_all(database)
    assert counts(database) == (71, 0)


def test_many_rows_are_chained_in_several_links(database: Database) -> None:
    """A link covers at most a thousand rows, and the next one begins where it ends."""
    with database.writing() as session:
        values = {"act": "signed_in", "about": "", "address": "", "happened_at": NOW, "detail": {}}
        session.execute(insert(table_of(StaffAct)), [values] * (2 * LINK_ROWS + 1))
    linker = ChainLinker(database, FixedClock(NOW))
    assert [linker.link_due() for _ in range(4)] == [LINK_ROWS, LINK_ROWS, 1, 0]
    assert counts(database) == (2 * LINK_ROWS + 1, 0)


def test_the_job_looks_every_ten_seconds(database: Database) -> None:
    """The job looks for new rows every ten seconds, and at once if the clock was set back."""
    clock = FixedClock(NOW)
    linker = ChainLinker(database, clock)
    act(database, "first")
    assert [linker.link_due(), linker.link_due()] == [1, 0]
    act(database, "second")
    clock.instant += LOOK_EVERY - timedelta(seconds=1)
    assert linker.link_due() == 0
    clock.instant += timedelta(seconds=1)
    assert [linker.link_due(), linker.link_due()] == [1, 0]
    act(database, "third")
    clock.instant -= timedelta(days=1)
    assert linker.link_due() == 1


def test_a_row_that_is_committed_late_is_waited_for(on_postgresql: Database) -> None:
    """The job waits for an open transaction with a lower id, and then chains its row."""
    database = on_postgresql
    linker = ChainLinker(database, FixedClock(NOW), look_every=NO_PAUSE)
    with database.writing() as session:
        record_act(session, "signed_in", now=NOW, about="late")
        act(database, "early")
        assert linker.link_due() == 0
        assert linker.is_waiting
        act(database, "after the look")
        assert linker.link_due() == 0
    assert [linker.link_due(), linker.is_waiting] == [2, False]
    assert counts(database) == (2, 1)


def test_a_transaction_that_rolls_back_leaves_a_gap(on_postgresql: Database) -> None:
    """Ids of a rolled back transaction stay unused; the audit finds a row that gets one later."""
    database = on_postgresql
    with database.writing() as session:
        record_act(session, "signed_in", now=NOW, about="never")
        act(database, "early")
        session.rollback()
    link_all(database)
    assert counts(database) == (1, 0)
    with database.writing() as session:
        session.add(StaffAct(id=1, act="signed_in", happened_at=NOW))
    assert problems(database) == ["staff_act: row 1 was inserted"]
    link_all(database)
    assert problems(database) == ["staff_act: row 1 was inserted"]


def test_a_row_with_an_old_time_is_found(database: Database) -> None:
    """The audit finds a new row whose time is long before the newest link, chained or not."""
    clock = FixedClock(NOW)
    act(database, "true")
    link_all(database, clock)
    clock.instant += timedelta(days=30)
    with database.writing() as session:
        record_act(session, "signed_in", now=clock.now())
    link_all(database, clock)
    act(database, "backdated")
    newest = 3
    late = (
        f"staff_act: row {newest} has the time 2026-03-01T12:00:00.000000Z, but it was not there "
        "on 2026-03-31"
    )
    assert problems(database) == [late]
    link_all(database, clock)
    assert problems(database) == [late]


def test_writers_and_jobs_at_once_chain_every_row_once(on_postgresql: Database) -> None:
    """While eight writers commit and roll back in any order, three jobs chain each row once."""
    database = on_postgresql
    done = threading.Event()
    failures: list[BaseException] = []

    def guarded(work: object, *arguments: object) -> None:
        try:
            work(*arguments)  # type: ignore[operator]
        except BaseException as error:  # noqa: BLE001 -- asserted below
            failures.append(error)

    def write(writer: int) -> None:
        dice = random.Random(writer)
        for number in range(12):
            with suppress(ZeroDivisionError), database.writing() as session:
                gift = open_one(session, f"form-{writer}-{number}")
                time.sleep(dice.random() / 50)
                record_facts(session, [(gift.id, paid(f"pi_{writer}_{number}"))], now=NOW)
                record_act(session, "signed_in", now=NOW)
                time.sleep(dice.random() / 50)
                if dice.random() < 0.3:
                    raise ZeroDivisionError

    def chain() -> None:
        linker = ChainLinker(database, FixedClock(NOW), look_every=NO_PAUSE)
        while not done.is_set():
            linker.link_due()

    jobs = [threading.Thread(target=guarded, args=(chain,)) for _ in range(3)]
    writers = [threading.Thread(target=guarded, args=(write, number)) for number in range(8)]
    for thread in (*jobs, *writers):
        thread.start()
    for thread in writers:
        thread.join()
    done.set()
    for thread in jobs:
        thread.join()
    assert failures == []
    link_all(database)
    with database.reading() as session:
        links = session.exec(select(ChainLink)).all()
        rows = len(session.exec(select(GiftFact)).all()) + len(session.exec(select(StaffAct)).all())
    assert len(links) > 10
    assert sum(link.row_count for link in links) == rows
    assert counts(database) == (rows, 0)


def test_both_databases_give_the_same_hashes(sqlite: Sqlite, postgres: Postgres) -> None:
    """The same rows have the same hashes on SQLite and on PostgreSQL."""
    at = datetime(2026, 3, 1, 12, 0, 0, 5, tzinfo=UTC)
    gift_id = uuid.UUID("0d9a6b0e-7a55-4f0e-9c6e-6f2a3b1c4d5e")
    hashes = []
    for url in (sqlite.fresh_url(), postgres.fresh_url()):
        database = Database(url)
        with database.writing() as session:
            gift = open_one(session)
            terms = gift.model_dump() | {"id": gift_id, "reference": "LWCAN-7KQ4M2X"}
            session.execute(insert(table_of(Gift)), [terms | {"link_name": "t", "form_key": "f"}])
            row = {"gift_id": gift_id, "kind": FactKind.PAYMENT_SUCCEEDED, "happened_at": at}
            row |= {"recorded_at": at + timedelta(days=99), "actor": "stripe"}
            some = {"amount_minor": 5_000, "currency": "CAD"}
            none = {"amount_minor": None, "currency": None}
            evidence = {"é": ["☃", "\ud83d", {"z": None, "a": 1.5}], "big": 2**60, "yes": True}
            rows = [
                row | some | {"id": 1_000, "source_id": "a", "evidence": evidence},
                row | none | {"id": 1_007, "source_id": "ü\\\"'", "evidence": {}},
            ]
            for each in rows:
                session.execute(insert(table_of(GiftFact)), [each])
            session.add(StaffAct(id=5, act="x", happened_at=at, detail=evidence))
        with database.reading() as session:
            link_all(database)
            fingerprints = select(ChainLink.fingerprints).order_by(col(ChainLink.position))
            facts, acts = session.exec(fingerprints).all()
            hashes.append((facts[-24:], acts))
        database.close()
    assert len(hashes[0][0]) == 24
    assert hashes[0] == hashes[1]


def test_every_column_is_chained() -> None:
    """The hash of a row covers all columns of its table."""
    for table in CHAINED:
        assert set(table.columns) == set(SQLModel.metadata.tables[table.name].c.keys())
