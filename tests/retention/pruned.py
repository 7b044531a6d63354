"""Gives as card testers and honest donors do, and prunes."""

import uuid
from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import text
from sqlmodel import select

from donate.clock import FixedClock
from donate.gifts.audit import differences
from donate.gifts.facts import Fact, FactKind
from donate.gifts.ledger import record_facts
from donate.gifts.models import Gift
from donate.gifts.movements.recorder import TotalKey
from donate.gifts.movements.totals import stored_totals
from donate.gifts.search_index.index_audit import search_differences
from donate.retention.pruning_job import REST, Retention
from donate.storage.constraints import broken_constraints
from donate.storage.database import Database
from tests.chain.chained import link_all, problems
from tests.stripe_gateway.gifts_and_events import NOW, event, give, session_for, settle

DAYS = 90
NEWEST = "the newest gift"
LATER = NOW + timedelta(days=DAYS, hours=1)


def card_tester(database: Database, number: int = 1, *, declines: int = 1, **more: str) -> Gift:
    """Open a card gift whose session has some declines, and then expires unpaid."""
    session_id = f"cs_tester_{number}"
    email = more.pop("email", f"t{number}@example.com")
    gift = give(database, opened=session_id, email=email, **more)  # type: ignore[arg-type]
    about = {"gift_id": str(gift.id), "reference": gift.reference, "attempt": "1"}
    declined = [
        event(
            "charge.failed",
            {
                "id": f"ch_{number}_{each}",
                "object": "charge",
                "amount": gift.amount_minor,
                "currency": "cad",
                "payment_intent": f"pi_tester_{number}",
                "metadata": about,
                "failure_code": "card_declined",
                "failure_message": "Your card was declined.",
                "outcome": {"reason": "generic_decline"},
            },
        )
        for each in range(declines)
    ]
    unpaid = {"status": "expired", "payment_status": "unpaid", "payment_intent": None}
    if gift.pledge_id:
        unpaid["mode"] = "subscription"
    expired = session_for(gift, id=session_id, **unpaid)
    settle(database, *declined, event("checkout.session.expired", expired))
    return gift


def retention(
    database: Database, now: datetime = LATER, *, bodies: int = 0, refused: int = 0, gifts: int = 0
) -> Retention:
    return Retention(
        database,
        FixedClock(now),
        event_bodies_days=bodies,
        refused_requests_days=refused,
        never_paid_days=gifts,
    )


def prune_all(database: Database, now: datetime = LATER, *, gifts: int = DAYS, **days: int) -> None:
    """Chain what is new, and prune until nothing is left to prune."""
    record_newest(database, now)
    link_all(database, FixedClock(now))
    job = retention(database, now, gifts=gifts, **days)
    run_to_rest(job.prune_due)
    link_all(database, FixedClock(now))


def record_newest(database: Database, now: datetime = NOW) -> None:
    """Record one more fact of a gift that is never pruned, because the newest fact stays."""
    with database.writing() as session:
        gift = session.exec(select(Gift).where(Gift.form_key == NEWEST)).first()
    if gift is None:
        gift = give(database, opened="cs_newest", email="newest@example.com", form_key=NEWEST)
    with database.writing() as session:
        source = f"{gift.id}:{uuid.uuid4()}"
        one = Fact(FactKind.CHECKOUT_REQUESTED, source, now, "donor")
        record_facts(session, [(gift.id, one)], now=now)


def run_to_rest(run: Callable[[], int]) -> None:
    for _ in range(1_000):
        if not run():
            return
    raise AssertionError(f"it never rests; {REST}")


def gifts_of(database: Database) -> set[str]:
    with database.reading() as session:
        return set(session.exec(select(Gift.reference).where(Gift.form_key != NEWEST)))


def totals(database: Database) -> dict[TotalKey, tuple[int, int]]:
    with database.reading() as session:
        return stored_totals(session)


def differences_in(database: Database) -> list[str]:
    """Return what `donate audit` would find."""
    with database.reading_snapshot() as session:
        found = [
            *broken_constraints(session),
            *differences(session),
            *search_differences(session),
        ]
    return found + problems(database)


def count(database: Database, table: str) -> int:
    with database.reading() as session:
        return int(session.execute(text(f"SELECT count(*) FROM {table}")).scalar_one())
