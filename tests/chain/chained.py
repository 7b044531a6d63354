"""Fills databases with facts and acts, chains these, and changes them without the service."""

from collections.abc import Callable, Iterator, Sequence
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
from donate.storage.chain.amending import amend_rows
from donate.storage.chain.linker import ChainLinker
from donate.storage.chain.models import AmendmentReason
from donate.storage.chain.seals import Seal
from donate.storage.chain.verification import ChainCheck, check_chain
from donate.storage.database import Database
from tests.gifts.samples import NOW, fact, open_one, paid

NO_PAUSE = timedelta(0)
# Nothing refers to facts of this kind, so a test may remove some.
_AMENDABLE = (("gift_fact", "kind = 'gift_opened'"), ("staff_act", "1 = 1"))


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


def amend_some(database: Database, number: int, now: datetime) -> None:
    """Remove or redact two facts or two acts, as `number` says."""
    table, kinds = _AMENDABLE[number % 2]
    of_kinds = f"SELECT id FROM {table} WHERE {kinds} ORDER BY id LIMIT 2 OFFSET {number % 5}"
    with database.writing() as session:
        ids = session.execute(text(of_kinds)).scalars().all()
        some = f"WHERE id IN ({ids[0]}, {ids[1]})"
        column = "evidence" if table == "gift_fact" else "detail"
        redact = f"UPDATE {table} SET {column} = '[{number}]' {some}"
        statement = text(f"DELETE FROM {table} {some}" if number % 4 < 2 else redact)
        amend(session, table, ids, lambda: session.execute(statement), now=now)


def amend(
    session: Session,
    table: str,
    ids: Sequence[int],
    change: Callable[[], object],
    *,
    now: datetime = NOW,
) -> None:
    """Remove or redact rows as if a donor were erased."""
    why = AmendmentReason.ERASED
    amend_rows(session, table, ids, change, why=why, about="donor 1", actor="service", now=now)


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
            for table in ("gift_fact", "staff_act", "chain_link", "chain_amendment"):
                for verb in ("UPDATE", "DELETE"):
                    session.execute(text(f"DROP TRIGGER {table}_no_{verb}"))
            for table in ("gift_fact", "staff_act"):
                session.execute(text(f"DROP TRIGGER {table}_keeps_what_happened"))
        else:
            session.execute(text("SET LOCAL session_replication_role = replica"))
        yield session
        if keeps:
            session.commit()
        session.rollback()
        session.connection().invalidate()
