"""The first month of a pledge is its own gift; every later month opens a new gift."""

from itertools import permutations
from typing import Any

import pytest

from donate.gifts.audit import differences
from donate.gifts.monthly.pledge_state import PledgeState, pledge_of
from donate.gifts.queries import plain_facts_of
from donate.storage.database import Database
from donate.stripe_gateway.models import EventState
from tests.real_parts import Sqlite
from tests.stripe_gateway.gifts_and_events import (
    AMOUNT,
    event,
    event_now,
    facts_now,
    gift_now,
    give,
    refund_of,
    session_for,
    settle,
    settler_of,
    store,
)
from tests.stripe_gateway.months import (
    BASIL,
    BEFORE_BASIL,
    TODAY,
    first_session,
    invoice_event,
    invoice_payment_event,
    months_of,
    subscription_event,
)

COMPLETED = "checkout.session.completed"
FIRST = "subscription_create"


def audited(database: Database) -> bool:
    with database.reading_snapshot() as session:
        return list(differences(session)) == []


def test_every_order_of_the_first_month_ends_the_same(database: Database) -> None:
    """A first month's session and invoice are one payment, in any order of their events."""
    for number, order in enumerate(permutations(range(4))):
        gift = give(database, frequency="monthly")
        invoice_id = f"in_{gift.reference}"
        events = [
            event(COMPLETED, first_session(gift)),
            invoice_event(gift, invoice_id, reason=FIRST),
            invoice_payment_event(invoice_id),
            event("refund.created", refund_of(f"pi_{invoice_id}", 1_000)),
        ]
        for place in order:
            settle(database, events[place])
        now = gift_now(database, gift)
        assert (now.status, now.received_minor) == ("partly_refunded", AMOUNT), f"order {number}"
        assert (now.net_minor, now.flags) == (AMOUNT - 1_000, "")
        assert ("pledge_started", f"sub_{gift.reference}") in facts_now(database, gift)
        assert months_of(database, gift) == []
    assert audited(database)


def test_every_order_of_a_later_month_ends_the_same(database: Database) -> None:
    """A later month that failed and was then paid is one gift, in any order of its events."""
    for order in permutations(range(5)):
        gift = give(database, frequency="monthly")
        invoice_id = f"in_2_{gift.reference}"
        events = [
            invoice_event(gift, invoice_id, step="payment_failed"),
            invoice_event(gift, invoice_id),
            invoice_event(gift, invoice_id),
            invoice_payment_event(invoice_id),
            event(COMPLETED, first_session(gift)),
        ]
        for place in order:
            settle(database, events[place])
        (month,) = months_of(database, gift)
        assert (month.status, month.received_minor, month.flags) == ("confirmed", AMOUNT, "")
        assert (month.donor_id, month.code, month.mode) == (gift.donor_id, gift.code, "card")
        assert month.reference != gift.reference
        assert ("payment_named", f"pi_{invoice_id}") in facts_now(database, month)
        assert gift_now(database, gift).received_minor == AMOUNT
    assert audited(database)


def test_one_batch_of_many_months(database: Database) -> None:
    """The events of twelve months that arrive together, each of them twice, make twelve gifts."""
    gift = give(database, frequency="monthly")
    events = [invoice_event(gift, f"in_{month}") for month in range(12) for _ in range(2)]
    settle(database, *events, event(COMPLETED, first_session(gift)))
    months = months_of(database, gift)
    assert [month.status for month in months] == ["confirmed"] * 12
    assert audited(database)


@pytest.mark.parametrize("version", [BEFORE_BASIL, BASIL, TODAY])
def test_each_api_version_is_understood(database: Database, version: str) -> None:
    """The events of a month in each API version give the same gift."""
    gift = give(database, frequency="monthly")
    settle(database, invoice_event(gift, "in_2", version=version))
    if version != BEFORE_BASIL:
        settle(database, invoice_payment_event("in_2"))
    settle(database, event("refund.created", refund_of("pi_in_2", AMOUNT)))
    (month,) = months_of(database, gift)
    assert (month.status, month.received_minor, month.net_minor) == ("refunded", AMOUNT, 0)


def test_a_month_that_fails_stays_failed(database: Database) -> None:
    """A later month that could not be collected is a failed gift; the first stays confirmed."""
    gift = give(database, frequency="monthly")
    settle(
        database,
        event(COMPLETED, first_session(gift)),
        invoice_event(gift, "in_2", step="payment_failed"),
        invoice_event(gift, "in_2", step="payment_failed", attempt_count=2),
    )
    (month,) = months_of(database, gift)
    assert (month.status, month.received_minor) == ("failed", 0)
    assert gift_now(database, gift).status == "confirmed"


def test_a_first_month_that_is_declined_may_still_be_paid(database: Database) -> None:
    """Each declined attempt to pay the first month is a fact, and the gift is still awaited."""
    gift = give(database, frequency="monthly", opened="cs_test_1")
    attempts = [
        invoice_event(gift, "in_1", step="payment_failed", reason=FIRST, attempt_count=attempt)
        for attempt in (1, 2)
    ]
    settle(database, *attempts)
    declined = [source for kind, source in facts_now(database, gift) if kind == "payment_declined"]
    assert declined == ["in_1:1", "in_1:2"]
    assert gift_now(database, gift).status == "awaited"


def test_an_invoice_of_another_pledge_is_set_aside(database: Database) -> None:
    """An event is set aside if it assigns an invoice of one pledge to another pledge."""
    ann, bob = (give(database, frequency="monthly") for _ in range(2))
    invoice = invoice_event(bob, "in_2")
    settle(database, invoice_event(ann, "in_2"))
    settle(database, invoice)
    row = event_now(database, invoice)
    assert row.state == EventState.SET_ASIDE
    assert row.reason == "its invoice belongs to another pledge"
    assert [month.received_minor for month in months_of(database, ann)] == [AMOUNT]
    assert months_of(database, bob) == []


def test_steps_of_a_subscription_are_facts(database: Database) -> None:
    """A subscription's start, changes and end are facts about the pledge's first gift."""
    gift = give(database, frequency="monthly")
    changed = subscription_event(gift, "updated", at=1, status="past_due")
    settle(
        database,
        subscription_event(gift, "created"),
        changed,
        subscription_event(gift, "deleted", at=2),
    )
    facts = [(kind, source) for kind, source in facts_now(database, gift) if "pledge" in kind]
    subscription = f"sub_{gift.reference}"
    assert facts == [
        ("pledge_changed", changed["id"]),
        ("pledge_ended", subscription),
        ("pledge_started", subscription),
    ]
    assert gift_now(database, gift).received_minor == 0


@pytest.mark.parametrize("status", ["incomplete", "incomplete_expired"])
@pytest.mark.parametrize("step", ["created", "updated"])
def test_a_pledge_that_was_never_paid_did_not_start(sqlite: Sqlite, step: str, status: str) -> None:
    """A card subscription whose first month is unpaid does not start a pledge."""
    database = Database(sqlite.fresh_url())
    gift = give(database, frequency="monthly")
    created = subscription_event(gift, step, status=status)
    settle(database, created)
    assert event_now(database, created).state == EventState.IGNORED
    database.close()


def test_a_debit_may_be_incomplete_until_its_first_month_arrives(database: Database) -> None:
    """A pledge by bank debit starts when its first month is paid; until then it has not begun."""
    gift = give(database, mode="bank_debit", frequency="monthly")

    def state() -> PledgeState:
        with database.reading() as session:
            facts = plain_facts_of(session, gift.id)
        return pledge_of(facts, gift.amount).state

    settle(database, subscription_event(gift, "created", status="incomplete"))
    assert (state(), gift_now(database, gift).received_minor) == (PledgeState.NOT_BEGUN, 0)
    settle(
        database,
        invoice_event(gift, "in_1", reason=FIRST),
        subscription_event(gift, "updated", at=1, status="active"),
    )
    assert (state(), gift_now(database, gift).received_minor) == (PledgeState.ACTIVE, AMOUNT)


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        pytest.param({"currency": "usd"}, "currency is USD", id="another currency"),
        pytest.param({"currency": "xyz"}, "currency is not a known one", id="no currency"),
        pytest.param({"amount_paid": -1}, "amount_paid is not a usable amount", id="negative"),
        pytest.param({"amount_paid": "5000"}, "amount_paid is not a usable amount", id="text"),
        pytest.param({"created": None}, "created is not a time", id="no time"),
        pytest.param({"id": None}, "id is missing or odd", id="no id"),
        pytest.param(
            {"amount_paid": 4_000, "billing_reason": FIRST},
            "amount is $40.00",
            id="another amount in the first month",
        ),
    ],
)
def test_an_invalid_invoice_is_set_aside(
    database: Database, more: dict[str, Any], reason: str
) -> None:
    """An invalid invoice, or one that contradicts its pledge, is set aside and opens no gift."""
    gift = give(database, frequency="monthly")
    invoice = invoice_event(gift, "in_2", **more)
    settle(database, invoice)
    row = event_now(database, invoice)
    assert row.state == EventState.SET_ASIDE
    assert reason in row.reason
    assert (months_of(database, gift), gift_now(database, gift).received_minor) == ([], 0)


@pytest.mark.parametrize(
    "more",
    [
        pytest.param({"amount_paid": 0}, id="over zero"),
        pytest.param({"parent": None}, id="no parent"),
        pytest.param({"parent": {}}, id="an empty parent"),
        pytest.param({"parent": {"type": "quote"}}, id="of a quote"),
    ],
)
def test_an_invoice_that_is_no_gift_is_ignored(database: Database, more: dict[str, Any]) -> None:
    """An invoice is ignored if its amount is zero or it is not for a subscription of ours."""
    invoice = invoice_event(give(database, frequency="monthly"), "in_2", **more)
    settle(database, invoice)
    assert event_now(database, invoice).state == EventState.IGNORED


def test_events_of_the_wrong_frequency_are_set_aside(database: Database) -> None:
    """An event of a subscription is set aside if its gift is a single one, and the reverse."""
    once, monthly = give(database), give(database, frequency="monthly")
    events = [
        event(COMPLETED, first_session(once)),
        invoice_event(once, "in_9"),
        event(COMPLETED, session_for(monthly)),
        subscription_event(once, "created"),
    ]
    settle(database, *events)
    reasons = [event_now(database, one).reason for one in events]
    assert ["monthly" in reason for reason in reasons] == [True] * 4
    assert {gift_now(database, gift).received_minor for gift in (once, monthly)} == {0}


def test_a_month_is_opened_once(database: Database) -> None:
    """A month whose invoice failed and is paid later, in another batch, is one gift."""
    gift = give(database, frequency="monthly")
    for step in ("payment_failed", "paid"):
        store(database, invoice_event(gift, "in_2", step=step))
        assert settler_of(database).settle_due() == 1
    (month,) = months_of(database, gift)
    assert month.status == "confirmed"
