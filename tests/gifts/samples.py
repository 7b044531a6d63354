"""Sample choices, gifts and facts for tests."""

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from sqlmodel import Session

from donate.gifts.choosing.choice import Choice, check_choice
from donate.gifts.facts import Fact, FactKind
from donate.gifts.ledger import record_facts
from donate.gifts.listing.filters import GiftFilter
from donate.gifts.models import Gift
from donate.gifts.opening import open_gift
from donate.money import Money
from donate.regions.regions import load_regions
from donate.storage.database import Database

CANADA = load_regions()["LWCAN"]
NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def choose(**more: Any) -> Choice:
    """Return a donor's valid choice, with the fields in `more` replaced."""
    fields: dict[str, Any] = {
        "mode": "card",
        "amount": Money(5_000, "CAD"),
        "frequency": "once",
        "country": "CA",
        "language": "en-CA",
        "name": "Ann Lee",
        "email": "ann@example.com",
    }
    return check_choice(CANADA, **(fields | more))


def open_one(
    session: Session, form_key: str = "form-1", *, now: datetime = NOW, **more: Any
) -> Gift:
    return open_gift(session, choose(**more), form_key, now=now)


def fact(kind: FactKind, source_id: str, amount_minor: int | None = None, **more: Any) -> Fact:
    currency = None if amount_minor is None else "CAD"
    fields: dict[str, Any] = {"happened_at": NOW, "actor": "stripe", "currency": currency}
    return Fact(kind=kind, source_id=source_id, amount_minor=amount_minor, **(fields | more))


def paid(source_id: str = "pi_1", amount_minor: int | None = 5_000, **more: Any) -> Fact:
    return fact(FactKind.PAYMENT_SUCCEEDED, source_id, amount_minor, **more)


def case_id(value: object) -> str | None:
    """Return an id for a parameter of a parametrized test, or None to keep pytest's own id.

    A list of facts is named by their kinds, a filter by what it narrows, and other objects by their
    `ascii` text, cut to forty characters.
    """
    if isinstance(value, list):
        return ", ".join(str(getattr(item, "kind", item)) for item in value) or "nothing"
    if isinstance(value, GiftFilter):
        usual = asdict(GiftFilter())
        parts = [f"{n}={part}" for n, part in asdict(value).items() if part != usual[n]]
        return ", ".join(parts) or "everything"
    return None if isinstance(value, (str, int, type(None))) else ascii(value)[:40]


def record(database: Database, gift: Gift, *facts: Fact) -> None:
    with database.writing() as session:
        record_facts(session, [(gift.id, one) for one in facts], now=NOW)


def open_gift_of(database: Database, form_key: str = "form-1", **more: Any) -> Gift:
    with database.writing() as session:
        return open_one(session, form_key, **more)
