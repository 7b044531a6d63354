"""Fills databases with facts and acts, chains these, and changes them without the service."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from sqlalchemy import insert, text
from sqlmodel import Session, col, select

from donate.clock import Clock, FixedClock
from donate.finance.activity.trail import record_act
from donate.finance.models import StaffAct
from donate.gifts.facts import FactKind
from donate.gifts.ledger import record_facts
from donate.gifts.models import GiftFact
from donate.storage.bulk_writes import table_of
from donate.storage.chain.linker import ChainLinker
from donate.storage.chain.seals import Seal
from donate.storage.chain.verification import ChainCheck, check_chain
from donate.storage.database import Database
from tests.gifts.samples import NOW, fact, open_one, paid

NO_PAUSE = timedelta(0)


def fill(database: Database, gifts: int = 20, *, name: str = "form", now: datetime = NOW) -> None:
    """Record gifts with facts and acts that have every kind of value: empty, French, nested."""
    with database.writing() as session:
        for number in range(gifts):
            gift = open_one(session, f"{name}-{number}", now=now)
            evidence = {"note": "Félicitations – « été »", "deep": {"b": [1, None], "a": 2.5}}
            facts = [paid(f"pi_{name}_{number}")]
            if number % 3 == 0:
                refund = fact(FactKind.REFUND_SUCCEEDED, f"re_{name}_{number}", 2_000)
                refund.evidence.update(evidence)  # type: ignore[typeddict-item]
                facts.append(refund)
            record_facts(session, [(gift.id, one) for one in facts], now=now)
            detail = {"amount_minor": 5_000, "why": "naïve ☃"} if number % 2 else {}
            record_act(session, "transfer_marked", now=now, about=gift.reference, detail=detail)


def link_all(database: Database, clock: Clock | None = None) -> None:
    """Run the job until it has nothing to do."""
    linker = ChainLinker(database, clock or FixedClock(NOW), look_every=NO_PAUSE)
    while linker.link_due():
        pass


def leave_gaps(database: Database) -> None:
    """Skip some ids of both tables, as transactions do that roll back."""
    with database.writing() as session:
        fact = session.exec(select(GiftFact).order_by(col(GiftFact.id).desc()).limit(1)).one()
        act = session.exec(select(StaffAct).order_by(col(StaffAct.id).desc()).limit(1)).one()
        fact_values = fact.model_dump() | {"id": (fact.id or 0) + 3, "source_id": f"gap {fact.id}"}
        act_values = act.model_dump() | {"id": (act.id or 0) + 3, "about": f"gap {act.id}"}
        session.execute(insert(table_of(GiftFact)), [fact_values])
        session.execute(insert(table_of(StaffAct)), [act_values])


def problems(database: Database, *seals: Seal) -> list[str]:
    with database.reading_snapshot() as session:
        return list(check_chain(session, ChainCheck(), seals))


def counts(database: Database) -> tuple[int, int]:
    """Return how many rows are chained, and how many are not."""
    check = ChainCheck()
    with database.reading_snapshot() as session:
        assert list(check_chain(session, check)) == []
    return check.rows, check.pending


@contextmanager
def unguarded(database: Database, *, keeps: bool = False) -> Iterator[Session]:
    """Open a session in which no trigger and no foreign key refuses a change.

    Its changes are committed if `keeps` is true, and otherwise rolled back.
    """
    with Session(database.engine) as session:
        if database.is_sqlite:
            session.connection().exec_driver_sql("ROLLBACK")
            session.connection().exec_driver_sql("PRAGMA foreign_keys = OFF")
            session.connection().exec_driver_sql("PRAGMA ignore_check_constraints = ON")
            session.connection().exec_driver_sql("BEGIN")
            for table in ("gift_fact", "staff_act", "chain_link"):
                for verb in ("UPDATE", "DELETE"):
                    session.execute(text(f"DROP TRIGGER {table}_no_{verb}"))
        else:
            session.execute(text("SET LOCAL session_replication_role = replica"))
        yield session
        if keeps:
            session.commit()
        session.rollback()
        session.connection().invalidate()
