"""Stores payouts with their transactions, for tests of the payouts' pages and exports."""

from typing import Any

from donate.gifts.models import Gift
from donate.storage.database import Database
from tests.stripe_gateway.balance.payouts import charge, of_payout, payout, record, transaction
from tests.stripe_gateway.gifts_and_events import event, give, session_for, settle


def paid_gift(database: Database) -> tuple[Gift, str]:
    """Return a gift that was paid, and its payment intent."""
    gift = give(database)
    paid = session_for(gift)
    settle(database, event("checkout.session.completed", paid))
    return gift, paid["payment_intent"]


def mixed_payout(database: Database, amount: int = 5_000) -> dict[str, Any]:
    """Store a payout of a gift, a refund, two transactions of a dispute, a fee and an unknown."""
    _, intent = paid_gift(database)
    dispute = {"id": "du_1", "object": "dispute", "payment_intent": intent}
    stripe_payout = payout(amount)
    record(
        database,
        stripe_payout,
        [
            transaction(12_000, 400, tax=45, source=charge(intent)),
            transaction(-1_000, 0, kind="refund"),
            transaction(-4_000, 1_500, kind="adjustment", category="dispute", source=dispute),
            transaction(0, 30, kind="adjustment", category="dispute", source=dispute),
            transaction(-200, 0, kind="stripe_fee", category="fee"),
            transaction(130, 0, kind="brand_new", category="brand_new"),
            of_payout(stripe_payout),
        ],
    )
    return stripe_payout
