"""How catch-up compares the objects on Stripe's lists with the recorded facts."""

import json
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from donate.gifts.facts import FactKind
from donate.gifts.models import Gift
from donate.storage.database import Database
from donate.stripe_gateway.catchup.comparison import (
    Comparison,
    Discrepancy,
    ListedTotal,
    SyntheticEvent,
    add_totals,
    compare,
    synthetic_events,
)
from donate.stripe_gateway.catchup.plan import Listing
from tests.letters.facts import tell
from tests.real_parts import Sqlite
from tests.stripe_gateway.gifts_and_events import (
    AMOUNT,
    NOW,
    dispute_of,
    event,
    give,
    refund_of,
    session_for,
    settle,
)
from tests.stripe_gateway.months import first_session, invoice_event, subscription_event

AT = int(NOW.timestamp())


@pytest.fixture
def database(sqlite: Sqlite) -> Iterator[Database]:
    database = Database(sqlite.fresh_url())
    yield database
    database.close()


def events_of(listing: Listing, listed: dict[str, Any]) -> list[SyntheticEvent]:
    return synthetic_events(listing, listed, NOW, livemode=False)


def paid_session(gift: Gift, payment: str, **more: Any) -> dict[str, Any]:
    """Return a paid session as Stripe lists it, with its payment intent expanded."""
    charge = {"created": AT, "paid": True, "payment_method_details": {"type": "card"}}
    intent = {"id": payment, "status": "succeeded", "latest_charge": charge}
    listed = {"payment_intent": intent, "livemode": False, "created": AT}
    return session_for(gift, **listed | more)


def paid(gift: Gift, payment: str, **more: Any) -> list[SyntheticEvent]:
    return events_of(Listing.PAID_SESSIONS, paid_session(gift, payment, **more))


def compared(database: Database, *events: SyntheticEvent) -> Comparison:
    with database.reading() as session:
        return compare(session, events)


def discrepancy(database: Database, *events: SyntheticEvent) -> Discrepancy:
    (only,) = compared(database, *events).discrepancies
    return only


def record_payment(database: Database, gift: Gift, listed: dict[str, Any], **more: Any) -> None:
    """Record the facts that settling this paid session would record."""
    evidence = {"attempt": 1}
    tell(database, gift, FactKind.CHECKOUT_OPENED, listed["id"], evidence=evidence)
    tell(database, gift, FactKind.PAYMENT_SUCCEEDED, listed["payment_intent"]["id"], **more)


def totals(listed: int, recorded: int, payments: int) -> dict[str, ListedTotal]:
    return {"CAD": ListedTotal(listed, recorded, payments)}


def test_a_recorded_payment_does_not_differ(database: Database) -> None:
    """A listed and recorded payment is in Stripe's total and in ours, and is no difference."""
    gift = give(database)
    listed = paid_session(gift, "pi_1")
    record_payment(database, gift, listed)
    assert compared(database, *events_of(Listing.PAID_SESSIONS, listed)) == Comparison(
        totals(AMOUNT, AMOUNT, 1), []
    )


@pytest.mark.parametrize("recorded", [1, AMOUNT - 1, AMOUNT + 1, 1_000 * AMOUNT])
def test_another_amount_differs(database: Database, recorded: int) -> None:
    """If our amount of a payment is not Stripe's, that is a difference, which names both."""
    gift = give(database)
    listed = paid_session(gift, "pi_1")
    record_payment(database, gift, listed, amount_minor=recorded)
    comparison = compared(database, *events_of(Listing.PAID_SESSIONS, listed))
    assert comparison.totals == totals(AMOUNT, recorded, 1)
    (only,) = comparison.discrepancies
    assert only.key == str(gift.id)
    assert only.sentence == (
        f"Stripe's {listed['id']} shows payment succeeded of 50.00 CAD for {gift.reference}: "
        f"recorded as {recorded:,} in minor units."
    )


def test_the_missing_payment_is_named_before_its_session(database: Database) -> None:
    """If both a session and its payment are not recorded, the difference names the payment."""
    gift = give(database)
    (payment,) = paid(gift, "pi_1", amount_total=123_456_789)
    difference = discrepancy(database, payment)
    assert difference.event == payment
    assert difference.sentence == (
        f"Stripe's {payment.object_id} shows payment succeeded of 1,234,567.89 CAD for "
        f"{gift.reference}: not recorded."
    )
    assert compared(database, payment).totals == totals(123_456_789, 0, 1)


def test_an_unrecorded_session_is_a_difference(database: Database) -> None:
    """A session that is not recorded is a difference even if its payment is recorded."""
    gift = give(database)
    listed = paid_session(gift, "pi_1")
    tell(database, gift, FactKind.PAYMENT_SUCCEEDED, "pi_1")
    only = discrepancy(database, *events_of(Listing.PAID_SESSIONS, listed))
    assert only.sentence.endswith(f"shows checkout opened for {gift.reference}: not recorded.")


def test_a_fact_is_known_by_kind_and_source_together(database: Database) -> None:
    """A refund counts as recorded only if a fact has both its kind and its id."""
    gift = give(database)
    tell(database, gift, FactKind.PAYMENT_SUCCEEDED, "pi_1")
    refund = refund_of("pi_1", AMOUNT, created=AT)
    tell(database, gift, FactKind.REFUND_STARTED, refund["id"], amount_minor=AMOUNT, currency="CAD")
    tell(database, gift, FactKind.REFUND_SUCCEEDED, "re_other")
    only = discrepancy(database, *events_of(Listing.REFUNDS, refund))
    assert "refund succeeded of 50.00 CAD" in only.sentence
    tell(database, gift, FactKind.REFUND_SUCCEEDED, refund["id"])
    assert compared(database, *events_of(Listing.REFUNDS, refund)) == Comparison({}, [])


def test_only_payments_are_in_the_totals(database: Database) -> None:
    """Catch-up reports a missing refund or dispute, but its totals count only payments."""
    gift = give(database)
    tell(database, gift, FactKind.PAYMENT_SUCCEEDED, "pi_1")
    refund = events_of(Listing.REFUNDS, refund_of("pi_1", 1_000, created=AT))
    dispute = events_of(Listing.DISPUTES, dispute_of("pi_1", created=AT))
    comparison = compared(database, *refund, *dispute)
    assert comparison.totals == {}
    assert all(
        f"for {gift.reference}: not recorded" in x.sentence for x in comparison.discrepancies
    )
    assert not any(x.needs_staff for x in comparison.discrepancies)
    assert [
        one.sentence.partition(" shows ")[2].partition(" CAD")[0]
        for one in comparison.discrepancies
    ] == ["refund succeeded of 10.00", "dispute opened of 50.00"]


def test_refunds_of_unknown_payments_are_no_difference(database: Database) -> None:
    """A refund of another program's payment is no difference; objects after it are compared."""
    gift = give(database)
    others = events_of(Listing.REFUNDS, refund_of("pi_others", 1_000, created=AT))
    assert compared(database, *others) == Comparison({}, [])
    assert discrepancy(database, *others, *paid(gift, "pi_1")).key == str(gift.id)


def test_an_unusable_object_is_no_difference(database: Database) -> None:
    """An object that the parser cannot use is no difference; objects after it are compared."""
    gift = give(database)
    odd = paid(gift, "pi_1", metadata={"gift_id": "nobody"})
    assert [one.reading for one in odd] == [None]
    assert compared(database, *odd) == Comparison({}, [])
    assert discrepancy(database, *odd, *paid(gift, "pi_2")).key == str(gift.id)


@pytest.mark.parametrize(
    "more",
    [
        {"status": "open", "payment_status": "unpaid", "payment_intent": None},
        {"metadata": {}},
        {"metadata": None},
        {"id": "no id of theirs"},
    ],
    ids=["open", "others", "no metadata", "an odd id"],
)
def test_sessions_that_give_no_event(database: Database, more: dict[str, Any]) -> None:
    """A session gives no event if it is open, of another program, or has an invalid id."""
    assert paid(give(database), "pi_1", **more) == []


def test_a_first_month_is_summed_once(database: Database) -> None:
    """The first month of a pledge has a session and an invoice, and is in the totals once."""
    gift = give(database, frequency="monthly")
    session = first_session(gift) | {"livemode": False, "created": AT}
    invoice = invoice_event(gift, session["invoice"], reason="subscription_create")
    invoice = invoice["data"]["object"] | {"livemode": False}
    later = invoice_event(gift, "in_later")["data"]["object"] | {"livemode": False}
    events = events_of(Listing.PAID_SESSIONS, session) + events_of(Listing.INVOICES, invoice)
    assert compared(database, *events).totals == totals(AMOUNT, 0, 1)
    events += events_of(Listing.INVOICES, later)
    assert compared(database, *events).totals == totals(2 * AMOUNT, 0, 2)


@pytest.mark.parametrize(
    ("aside", "needs_staff"),
    [(None, False), ("this gift", True), ("another gift", False), ("settled", False)],
)
def test_a_difference_of_an_event_set_aside_needs_staff(
    database: Database, aside: str | None, needs_staff: bool
) -> None:
    """A difference needs staff if an event about the same gift is set aside."""
    gift, other = give(database), give(database)
    if aside == "settled":
        expired = session_for(gift, status="expired", payment_status="unpaid", payment_intent=None)
        settle(database, event("checkout.session.expired", expired))
    elif aside:
        about = gift if aside == "this gift" else other
        settle(database, event("checkout.session.completed", session_for(about, amount_total=1)))
    assert discrepancy(database, *paid(gift, "pi_1")).needs_staff == needs_staff


def test_a_payment_for_an_unknown_gift_needs_staff(database: Database) -> None:
    """A payment for a gift that is not in the database is a difference that needs staff."""
    gift = give(database)
    unknown = gift.model_copy(update={"id": uuid.uuid4()})
    only = discrepancy(database, *paid(unknown, "pi_1"))
    assert only.needs_staff
    assert only.key == str(unknown.id)
    assert only.sentence.endswith("50.00 CAD for a gift that is not recorded here: not recorded.")


def test_each_gift_is_compared_with_its_own(database: Database) -> None:
    """If one of three listed payments is not recorded, only that gift has a difference."""
    gifts = [give(database) for _ in range(3)]
    pages = [paid_session(gift, f"pi_{number}") for number, gift in enumerate(gifts)]
    for number in (0, 2):
        record_payment(database, gifts[number], pages[number])
    events = [one for page in pages for one in events_of(Listing.PAID_SESSIONS, page)]
    assert discrepancy(database, *events).key == str(gifts[1].id)
    assert compared(database, *events).totals == totals(3 * AMOUNT, 2 * AMOUNT, 3)


@pytest.mark.parametrize(
    ("listing", "kinds"),
    [
        (Listing.PAID_SESSIONS, ["checkout.session.completed"]),
        (Listing.EXPIRED_SESSIONS, ["checkout.session.expired"]),
        (Listing.INVOICES, ["invoice.paid", "invoice_payment.paid"]),
        (Listing.SUBSCRIPTIONS, ["customer.subscription.updated"]),
        (Listing.REFUNDS, ["refund.updated"]),
        (Listing.DISPUTES, ["charge.dispute.updated"]),
    ],
    ids=lambda value: value if isinstance(value, str) else ", ".join(value),
)
def test_the_synthetic_event_of_each_list(
    database: Database, listing: Listing, kinds: list[str]
) -> None:
    """A listed object becomes an event like Stripe's; if it lacks livemode, ours is used."""
    gift = give(database, frequency="monthly")
    payments = [
        {"id": "inpay_1", "object": "invoice_payment", "status": "paid"}
        | {"payment": {"type": "payment_intent", "payment_intent": "pi_1"}}
    ]
    listed: dict[Listing, dict[str, Any]] = {
        Listing.PAID_SESSIONS: paid_session(gift, "pi_1"),
        Listing.EXPIRED_SESSIONS: paid_session(gift, "pi_1", status="expired", expires_at=AT),
        Listing.INVOICES: invoice_event(gift, "in_1", payments={"data": payments})["data"][
            "object"
        ],
        Listing.SUBSCRIPTIONS: subscription_event(gift, "updated")["data"]["object"],
        Listing.REFUNDS: refund_of("pi_1", AMOUNT),
        Listing.DISPUTES: dispute_of("pi_1"),
    }
    listed_object = {key: value for key, value in listed[listing].items() if key != "livemode"}
    events = synthetic_events(listing, listed_object, NOW, livemode=True)
    bodies = [json.loads(event.payload) for event in events]
    assert [body["type"] for body in bodies] == kinds
    assert [body["livemode"] for body in bodies] == [True] * len(kinds)
    assert events[0].object_id == listed_object["id"]
    assert events[0].happened_at == NOW
    test_mode = synthetic_events(listing, listed_object | {"livemode": False}, NOW, livemode=True)
    assert json.loads(test_mode[0].payload)["livemode"] is False


def test_an_event_needs_no_synthetic_event() -> None:
    """Synthetic events are made from objects only; an event as input raises ValueError."""
    with pytest.raises(ValueError, match="need no synthetic event"):
        events_of(Listing.EVENTS, {})


def test_currencies_never_add_up_together() -> None:
    """Two tables of totals are added currency by currency, even if one table lacks a currency."""
    first, dollars = totals(1, 2, 3), {"USD": ListedTotal(7, 8, 9)}
    second, both = totals(10, 20, 30) | dollars, totals(11, 22, 33) | dollars
    assert add_totals(first, second) == add_totals(second, first) == both
    assert add_totals({}, {}) == {}
