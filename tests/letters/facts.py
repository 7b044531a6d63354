"""Records facts after which an e-mail to the donor is due."""

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


def ask_for(database: Database, gift: Gift, amount_minor: int, request: str) -> None:
    """Record that the donor requested another monthly amount."""
    kind = FactKind.PLEDGE_CHANGE_REQUESTED
    tell(database, gift, kind, request, amount_minor=amount_minor, currency="CAD")
