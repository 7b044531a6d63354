"""Monthly debits without webhooks: a new agreement begins, an old one does not."""

from datetime import timedelta
from typing import Any

import pytest

from donate.gifts.models import Gift
from donate.gifts.pledges import PledgeState, pledge_of
from donate.gifts.queries import facts_of
from donate.stripe_gateway.requests.agreements import Agreements
from donate.stripe_gateway.requests.billing import Billing
from tests.stripe_gateway.away import Away, check_totals
from tests.stripe_gateway.refund_desk import stripe_list

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
        facts = [row.as_fact() for row in facts_of(session, gift.id)]
    return pledge_of(facts, gift.amount).state


def test_an_agreement_nobody_told_of_begins(away: Away) -> None:
    """An agreement found by a catch-up a day later begins, and its months belong to the pledge."""
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
def test_an_old_agreement_begins_no_more(away: Away, days: int) -> None:
    """An agreement found weeks later, by event or by session, begins no debits."""
    agreed(away)
    away.later(days * DAY)
    away.run()
    begin_debits(away)
    assert away.statuses() == {"failed": 1}
    assert subscriptions(away) == []
    assert away.run().missing == 0


def test_what_began_before_we_were_away_is_found(away: Away) -> None:
    """A debit that arrived during two months of silence is confirmed from its invoice."""
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
