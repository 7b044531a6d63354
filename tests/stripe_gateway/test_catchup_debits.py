"""Catch-up finds agreements to monthly debits; only recent ones start a subscription."""

from datetime import timedelta
from typing import Any

import pytest

from donate.gifts.models import Gift
from donate.gifts.monthly.pledge_state import PledgeState, pledge_of
from donate.gifts.queries import plain_facts_of
from donate.stripe_gateway.requests.agreements import Agreements
from donate.stripe_gateway.requests.billing import Billing
from tests.stripe_gateway.refund_desk import stripe_list
from tests.stripe_gateway.without_webhooks import Away, check_totals

DAY = timedelta(days=1)


def agreements(away: Away) -> Agreements:
    return Agreements(away.database, Billing(away.client), away.inbox, away.settler, away.clock)


def agreed(away: Away) -> Gift:
    gift, session_id = away.open(frequency="monthly", mode="bank_debit")
    away.sandbox.pay(session_id, outcome="processing")
    return gift


def begin_debits(away: Away) -> None:
    away.later(timedelta(minutes=2))
    agreements(away).ask_due()


def subscriptions(away: Away) -> list[dict[str, Any]]:
    return stripe_list(away.sandbox, "/v1/subscriptions", status="all")


def bank_says_yes(away: Away) -> None:
    invoice = subscriptions(away)[0]["latest_invoice"]
    away.sandbox.control("POST", f"/_sandbox/invoices/{invoice}/settle", succeed=True)


def state(away: Away, gift: Gift) -> PledgeState:
    with away.database.reading() as session:
        facts = plain_facts_of(session, gift.id)
    return pledge_of(facts, gift.amount).state


def test_an_agreement_found_by_catchup_starts_debits(away: Away) -> None:
    """An agreement that catch-up finds a day later starts debits, and their payments count."""
    gift = agreed(away)
    away.later(DAY)
    away.run()
    assert away.statuses() == {"processing": 1}
    begin_debits(away)
    assert state(away, gift) is PledgeState.ACTIVE
    away.later(5 * DAY)
    bank_says_yes(away)
    away.later(timedelta(hours=1))
    away.run()
    check_totals(away)
    assert away.statuses() == {"confirmed": 1}
    assert away.run().missing == 0


@pytest.mark.parametrize("days", [20, 45])
def test_an_agreement_found_weeks_later_starts_no_debits(away: Away, days: int) -> None:
    """An agreement that catch-up finds weeks later starts no debits, and the gift fails."""
    agreed(away)
    away.later(days * DAY)
    away.run()
    begin_debits(away)
    assert away.statuses() == {"failed": 1}
    assert subscriptions(away) == []
    assert away.run().missing == 0


def test_a_debit_during_two_months_without_webhooks_is_found(away: Away) -> None:
    """After weeks without webhooks, catch-up confirms a debit from its invoice."""
    gift = agreed(away)
    away.later(timedelta(hours=1))
    away.run()
    begin_debits(away)
    bank_says_yes(away)
    away.later(48 * DAY)
    away.run()
    check_totals(away)
    assert (away.statuses(), state(away, gift)) == ({"confirmed": 1}, PledgeState.ACTIVE)
    assert len(subscriptions(away)) == 1
