"""Adds facts, disputes and monthly gifts, for tests of the overview."""

from datetime import UTC, datetime
from typing import Any, cast

from donate.gifts.evidence import Evidence
from donate.gifts.facts import Fact, FactKind
from donate.gifts.ledger import record_facts
from donate.gifts.models import Gift
from donate.gifts.opening import open_month
from donate.money import Money
from tests.finance.finance_site import NOW, FinanceSite
from tests.stripe_gateway import gifts_and_events

K = FactKind


def add_fact(
    site: FinanceSite,
    gift: Gift,
    kind: FactKind,
    source_id: str,
    amount_minor: int | None = None,
    *,
    at: datetime = NOW,
    **evidence: Any,
) -> None:
    currency = None if amount_minor is None else "CAD"
    fact = Fact(kind, source_id, at, "stripe", amount_minor, currency, cast(Evidence, evidence))
    with site.database.writing() as session:
        record_facts(session, [(gift.id, fact)], now=at)


def open_pledge(site: FinanceSite) -> None:
    """Open a monthly gift that paid in January, twice in February, and once in March."""
    first = gifts_and_events.give(site.database, frequency="monthly")
    months = [(first.id, "in_0", datetime(2026, 1, 5, tzinfo=UTC))]
    with site.database.writing() as session:
        for number, (month, day) in enumerate(((2, 5), (2, 20), (3, 5)), start=1):
            at = datetime(2026, month, day, tzinfo=UTC)
            amount = Money(5_000, "CAD")
            gift = open_month(session, first.id, f"in_{number}", amount, invoiced_at=at, now=NOW)
            months.append((gift.id, f"in_{number}", at))
        for gift_id, source, at in months:
            fact = Fact(K.PAYMENT_SUCCEEDED, source, at, "stripe", 5_000, "CAD")
            record_facts(session, [(gift_id, fact)], now=NOW)


def dispute(site: FinanceSite, key: str, due_by: datetime | None) -> Gift:
    gift = site.gift(key, mode="card", received_minor=5_000)
    evidence: dict[str, Any] = {"due_by": due_by.isoformat()} if due_by else {}
    add_fact(site, gift, K.DISPUTE_OPENED, f"dp_{key}", 5_000, **evidence)
    return gift
