"""Events about payouts: each makes its payout due to be read, and none touches a gift."""

from datetime import timedelta

import pytest

from donate.clock import FixedClock
from donate.storage.database import Database
from donate.stripe_gateway.events.types import PAYOUT_EVENT_TYPES
from donate.stripe_gateway.models import EventState
from tests.stripe_gateway.balance.payouts import payout, to_read
from tests.stripe_gateway.gifts_and_events import (
    NOW,
    event,
    event_now,
    facts_now,
    gift_now,
    give,
    session_for,
    settle,
)


@pytest.mark.parametrize("kind", PAYOUT_EVENT_TYPES)
def test_each_event_makes_its_payout_due(database: Database, kind: str) -> None:
    """Every event about a payout is settled, and its payout is due at once."""
    news = event(kind, payout(id="po_1"))
    settle(database, news)
    assert event_now(database, news).state is EventState.SETTLED
    assert to_read(database)["po_1"].ask_at == NOW


def test_events_about_one_payout_make_one_row(database: Database) -> None:
    """Any number of events about a payout, in any order, leave it due once, since the first."""
    later = FixedClock(NOW + timedelta(minutes=5))
    settle(database, event("payout.paid", payout(id="po_1")))
    settle(
        database,
        event("payout.created", payout(id="po_1", status="pending")),
        event("payout.created", payout(id="po_2", status="pending")),
        event("payout.paid", payout(id="po_1")),
        clock=later,
    )
    assert {name: row.ask_at for name, row in to_read(database).items()} == {
        "po_1": NOW,
        "po_2": later.instant,
    }


def test_payouts_do_not_disturb_gifts(database: Database) -> None:
    """Gifts in the same batch as payouts, even malformed ones, are recorded as without them."""
    gift = give(database)
    odd = event("payout.paid", payout(id="po 1"))
    paid = event("checkout.session.completed", session_for(gift))
    settle(database, event("payout.created", payout(id="po_1")), odd, paid)
    assert gift_now(database, gift).status == "confirmed"
    assert event_now(database, odd).state is EventState.SET_ASIDE
    assert len(facts_now(database, gift)) == 4
    assert set(to_read(database)) == {"po_1"}
