"""Gifts and facts to begin tests with."""

from datetime import UTC, datetime
from typing import Any

from sqlmodel import Session

from donate.gifts.choosing.choice import Choice, check_choice
from donate.gifts.facts import Fact, FactKind
from donate.gifts.ledger import open_gift
from donate.gifts.models import Gift
from donate.money import Money
from donate.regions.regions import load_regions

CANADA = load_regions()["LWCAN"]
NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def choose(**more: Any) -> Choice:
    """Return a choice that is right, unless `more` says otherwise."""
    right: dict[str, Any] = {
        "mode": "card",
        "amount": Money(5_000, "CAD"),
        "frequency": "once",
        "country": "CA",
        "language": "en-CA",
        "name": "Ann Lee",
        "email": "ann@example.com",
    }
    return check_choice(CANADA, **(right | more))


def open_one(
    session: Session, form_key: str = "form-1", *, now: datetime = NOW, **more: Any
) -> Gift:
    return open_gift(session, choose(**more), form_key, now=now)


def fact(kind: FactKind, source_id: str, amount_minor: int | None = None, **more: Any) -> Fact:
    currency = None if amount_minor is None else "CAD"
    given: dict[str, Any] = {"happened_at": NOW, "actor": "stripe", "currency": currency}
    return Fact(kind=kind, source_id=source_id, amount_minor=amount_minor, **(given | more))


def paid(source_id: str = "pi_1", amount_minor: int | None = 5_000, **more: Any) -> Fact:
    return fact(FactKind.PAYMENT_SUCCEEDED, source_id, amount_minor, **more)
