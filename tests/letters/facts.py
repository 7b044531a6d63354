"""Records facts after which an e-mail to the donor is due."""

from datetime import UTC, datetime
from typing import Any

from sqlmodel import func, select

from donate.gifts.facts import Fact, FactKind
from donate.gifts.ledger import record_facts
from donate.gifts.models import Gift, GiftFact
from donate.letters.kinds import LetterKind
from donate.letters.models import Letter, new_letter
from donate.storage.bulk_writes import insert_new
from donate.storage.database import Database
from tests.stripe_gateway.gifts_and_events import AMOUNT, NOW


def tell(database: Database, gift: Gift, kind: FactKind, source: str, **more: Any) -> None:
    """Record a fact about a gift, at the time `recorded_at` if that is given, or else at NOW."""
    recorded_at = more.pop("recorded_at", NOW)
    has_amount = kind in (
        FactKind.PAYMENT_SUCCEEDED,
        FactKind.TRANSFER_RECEIVED,
        FactKind.REFUND_SUCCEEDED,
        FactKind.REFUND_FAILED,
        FactKind.DISPUTE_OPENED,
    )
    money = {"amount_minor": AMOUNT, "currency": "CAD"} if has_amount else {}
    fields: dict[str, Any] = {"happened_at": NOW, "actor": "stripe"} | money | more
    with database.writing() as session:
        record_facts(session, [(gift.id, Fact(kind, source, **fields))], now=recorded_at)


def told_by_mistake(database: Database, gift: Gift) -> str:
    """Record a transfer that was marked, thanked for and undone; return the transfer's source."""
    source = f"C{gift.id}"
    tell(database, gift, FactKind.TRANSFER_RECEIVED, source)
    with database.writing() as session:
        newest_fact = session.exec(select(func.max(GiftFact.id))).one()
        row = new_letter(gift.id, LetterKind.THANK_YOU, source, now=NOW)
        sent = {"state": "sent", "sent_at": NOW, "knew": newest_fact}
        insert_new(session, Letter, [row | sent])
    tell(database, gift, FactKind.TRANSFER_UNDONE, source)
    return source


def returned_by_mistake(database: Database, gift: Gift, source: str) -> None:
    """Record a transfer that was sent back, told to the donor, and undone."""
    tell(database, gift, FactKind.REFUND_SUCCEEDED, source)
    with database.writing() as session:
        row = new_letter(gift.id, LetterKind.REFUND, source, now=NOW)
        insert_new(session, Letter, [row | {"state": "sent", "sent_at": NOW}])
    tell(database, gift, FactKind.REFUND_FAILED, source)


# A pause that leaves out the payment of April 1.
PAUSED: dict[str, Any] = {
    "paused": True,
    "resumes_at": int(datetime(2026, 5, 1, 4, tzinfo=UTC).timestamp()),
}


def begin_pledge(database: Database, gift: Gift) -> None:
    """Record that Stripe began a pledge at NOW, and collects it on the first of each month."""
    tell(database, gift, FactKind.PLEDGE_STARTED, f"sub_{gift.id}")
    change_pledge(database, gift, "begun", evidence={"payment_method": "pm_1", "last4": "4242"})


def change_pledge(
    database: Database,
    gift: Gift,
    name: str,
    evidence: dict[str, Any] | None = None,
    *,
    amount_minor: int = AMOUNT,
    at: datetime = NOW,
) -> str:
    """Record what Stripe reports about a pledge; return the source of the fact."""
    state = {"subscription": f"sub_{gift.id}", "status": "active", "paused": False}
    month_ends_at = {"month_ends_at": int(datetime(2026, 4, 1, 12, tzinfo=UTC).timestamp())}
    tell(
        database,
        gift,
        FactKind.PLEDGE_CHANGED,
        f"evt_{name}_{gift.id}",
        amount_minor=amount_minor,
        currency="CAD",
        happened_at=at,
        evidence=state | month_ends_at | (evidence or {}),
        recorded_at=at,
    )
    return f"evt_{name}_{gift.id}"
