"""Pledges: the first month and its session are one payment; later months are gifts."""

from itertools import permutations
from typing import Any

import pytest

from donate.gifts.audit import differences
from donate.gifts.pledges import PledgeState, pledge_of
from donate.gifts.queries import facts_of
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
    with database.reading() as session:
        return list(differences(session)) == []


def test_every_order_of_the_first_month_ends_the_same(database: Database) -> None:
    """The first invoice and its session are one payment, in every order of their events."""
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
    """A later month that failed and was then paid is one gift, in every order of its events."""
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
    """Twelve months that arrive together, each twice, are twelve gifts."""
    gift = give(database, frequency="monthly")
    events = [invoice_event(gift, f"in_{month}") for month in range(12) for _ in range(2)]
    settle(database, *events, event(COMPLETED, first_session(gift)))
    months = months_of(database, gift)
    assert [month.status for month in months] == ["confirmed"] * 12
    assert audited(database)


@pytest.mark.parametrize("version", [BEFORE_BASIL, BASIL, TODAY])
def test_each_api_version_is_understood(database: Database, version: str) -> None:
    """Events of each API version give the same month, amount and payment."""
    gift = give(database, frequency="monthly")
    settle(database, invoice_event(gift, "in_2", version=version))
    if version != BEFORE_BASIL:
        settle(database, invoice_payment_event("in_2"))
    settle(database, event("refund.created", refund_of("pi_in_2", AMOUNT)))
    (month,) = months_of(database, gift)
    assert (month.status, month.received_minor, month.net_minor) == ("refunded", AMOUNT, 0)


def test_a_month_that_fails_stays_failed(database: Database) -> None:
    """A month that could not be collected is a failed gift, and the first one does not change."""
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
    """Each declined attempt of the first month is recorded, and the gift is still awaited."""
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
    """An invoice that opened a month of one pledge is never recorded for another."""
    ann, bob = (give(database, frequency="monthly") for _ in range(2))
    invoice = invoice_event(bob, "in_2")
    settle(database, invoice_event(ann, "in_2"))
    settle(database, invoice)
    row = event_now(database, invoice)
    assert row.state == EventState.SET_ASIDE
    assert row.reason == "its invoice belongs to another pledge"
    assert [month.received_minor for month in months_of(database, ann)] == [AMOUNT]
    assert months_of(database, bob) == []


def test_what_becomes_of_a_subscription_is_known(database: Database) -> None:
    """The start, change and end of a subscription are facts about the pledge's first gift."""
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
    """A subscription whose first month is not paid is no pledge."""
    database = Database(sqlite.fresh_url())
    gift = give(database, frequency="monthly")
    created = subscription_event(gift, step, status=status)
    settle(database, created)
    assert event_now(database, created).state == EventState.IGNORED
    database.close()


def test_a_debit_may_be_incomplete_until_its_first_month_arrives(database: Database) -> None:
    """A debit's subscription may be incomplete until its first month is paid."""
    gift = give(database, mode="bank_debit", frequency="monthly")

    def state() -> PledgeState:
        with database.reading() as session:
            facts = [row.as_fact() for row in facts_of(session, gift.id)]
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
def test_an_invoice_that_is_not_true_is_set_aside(
    database: Database, more: dict[str, Any], reason: str
) -> None:
    """An invoice that contradicts its pledge opens no gift, and staff see the reason."""
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
    """Another product's invoice at the same account, or one over zero, is ignored."""
    invoice = invoice_event(give(database, frequency="monthly"), "in_2", **more)
    settle(database, invoice)
    assert event_now(database, invoice).state == EventState.IGNORED


def test_one_gift_and_a_pledge_are_not_taken_for_each_other(database: Database) -> None:
    """A session or an invoice for the other frequency than the gift's is set aside."""
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
    """An invoice that failed and was then paid, in two transactions, is one month."""
    gift = give(database, frequency="monthly")
    for step in ("payment_failed", "paid"):
        store(database, invoice_event(gift, "in_2", step=step))
        assert settler_of(database).settle_due() == 1
    (month,) = months_of(database, gift)
    assert month.status == "confirmed"
