"""What each thing that Stripe tells of a pledge is read as, field by field; nothing is stored."""

from datetime import UTC, datetime
from typing import Any

import pytest

from donate.gifts.facts import FactKind
from donate.stripe_gateway.events.fields import IrrelevantEvent, Month, Reading, UnusableEvent
from donate.stripe_gateway.events.subscriptions import MAX_INVOICE_ID
from tests.stripe_gateway.given import NOW
from tests.stripe_gateway.months import BEFORE_BASIL, TODAY
from tests.stripe_gateway.readings import GIFT, METADATA, facts, read, reading

CREATED = int(NOW.timestamp()) - 3_600
AN_HOUR_BEFORE = datetime.fromtimestamp(CREATED, UTC)


def invoice(*, version: str = TODAY, metadata: Any = METADATA, **more: Any) -> dict[str, Any]:
    """Return an invoice of which 40.00 of 50.00 are paid, at its third attempt."""
    details = {"metadata": metadata}
    about: dict[str, Any] = {"subscription_details": details}
    if version != BEFORE_BASIL:
        about = {"parent": {"type": "subscription_details", "subscription_details": details}}
    amounts = {"amount_due": 5_000, "amount_paid": 4_000, "attempt_count": 3, "currency": "cad"}
    named = {"id": "in_1", "created": CREATED, "billing_reason": "subscription_cycle"}
    return about | amounts | named | more


FIRST = {"billing_reason": "subscription_create"}
DEBIT = {"metadata": METADATA | {"session": "cs_1"}}


@pytest.mark.parametrize("version", [TODAY, BEFORE_BASIL])
@pytest.mark.parametrize(
    ("step", "more", "told", "is_first"),
    [
        pytest.param("paid", {}, ("payment_succeeded", "in_1", 4_000), False, id="paid"),
        pytest.param("paid", FIRST, ("payment_succeeded", "in_1", 4_000), True, id="first paid"),
        pytest.param("payment_failed", {}, ("payment_failed", "in_1", None), False, id="failed"),
        pytest.param(
            "payment_failed", FIRST, ("payment_declined", "in_1:3", None), True, id="first declined"
        ),
        pytest.param(
            "payment_failed",
            FIRST | DEBIT,
            ("payment_failed", "cs_1", None),
            True,
            id="first debit failed",
        ),
        pytest.param(
            "payment_failed", DEBIT, ("payment_failed", "in_1", None), False, id="debit failed"
        ),
    ],
)
def test_what_an_invoice_tells(
    version: str, step: str, more: dict[str, Any], told: tuple[str, str, int | None], is_first: bool
) -> None:
    """A first month is about the pledge's gift and has its amount; a later one is its own gift."""
    found = reading(f"invoice.{step}", invoice(version=version, **more))
    amount = 4_000 if step == "paid" else 5_000
    assert facts(found) == [told]
    assert str(found.gift_id) == GIFT
    assert found.claim
    assert (found.claim.reference, found.claim.currency) == (METADATA["reference"], "CAD")
    assert (found.claim.monthly, found.claim.session_id, found.payment) == (True, None, None)
    assert found.claim.amount_minor == (amount if is_first else None)
    assert found.month == (None if is_first else Month("in_1", amount, "CAD", AN_HOUR_BEFORE))
    assert [(fact.happened_at, fact.actor) for fact in found.facts] == [(NOW, "stripe")]


def test_why_a_month_came_or_failed_is_kept() -> None:
    """A payment keeps why it was billed; a debit that failed, its agreement and its invoice."""
    (paid,) = reading("invoice.paid", invoice()).facts
    assert (paid.currency, paid.evidence) == ("CAD", {"billing_reason": "subscription_cycle"})
    agreed: dict[str, Any] = FIRST | DEBIT
    (failed,) = reading("invoice.payment_failed", invoice(**agreed)).facts
    assert failed.evidence == {"agreement": "cs_1", "invoice": "in_1"}
    (later,) = reading("invoice.payment_failed", invoice()).facts
    assert later.evidence == {}


def test_an_invoice_before_basil_names_its_payment() -> None:
    """Where the intent stands on the invoice it is named with it, by a fact of its own."""
    found = reading("invoice.paid", invoice(version=BEFORE_BASIL, payment_intent="pi_1"))
    assert facts(found)[1] == ("payment_named", "pi_1", None)
    assert found.facts[1].evidence == {"invoice": "in_1"}
    unnamed = reading("invoice.paid", invoice(version=BEFORE_BASIL, payment_intent=None))
    assert len(unnamed.facts) == 1


@pytest.mark.parametrize(
    ("step", "more"),
    [
        ("paid", {"metadata": None}),
        ("paid", {"metadata": {}}),
        ("paid", {"metadata": [GIFT]}),
        ("paid", {"parent": None}),
        ("paid", {"parent": {"subscription_details": None}}),
        ("paid", {"amount_paid": 0}),
        ("payment_failed", {"amount_due": 0}),
    ],
    ids=["no metadata", "others", "odd", "no parent", "no details", "paid nothing", "owed nothing"],
)
def test_which_invoices_are_none_of_ours(step: str, more: dict[str, Any]) -> None:
    """What names no gift of ours, or is over nothing, is passed over; another zero is none."""
    assert isinstance(read(f"invoice.{step}", invoice(**more)), IrrelevantEvent)
    if not {"amount_paid", "amount_due"}.isdisjoint(more):
        other = "payment_failed" if step == "paid" else "paid"
        assert isinstance(read(f"invoice.{other}", invoice(**more)), Reading)


@pytest.mark.parametrize(
    ("step", "more"),
    [
        ("paid", {"id": "i" * (MAX_INVOICE_ID + 1)}),
        ("paid", {"amount_paid": True}),
        ("paid", {"amount_paid": False}),
        ("paid", {"amount_paid": None}),
        ("paid", {"currency": None}),
        ("paid", {"created": None}),
        ("paid", {"metadata": {"gift_id": GIFT}}),
        ("payment_failed", FIRST | {"attempt_count": None}),
    ],
    ids=[
        "long id",
        "true",
        "false",
        "no amount",
        "no currency",
        "no time",
        "no reference",
        "no count",
    ],
)
def test_an_odd_invoice_is_never_guessed(step: str, more: dict[str, Any]) -> None:
    """An invoice of ours that lacks what has to be known is left to staff."""
    with pytest.raises(UnusableEvent):
        read(f"invoice.{step}", invoice(**more))
    assert MAX_INVOICE_ID == 100
    assert isinstance(read("invoice.paid", invoice(id="i" * MAX_INVOICE_ID)), Reading)


def test_what_names_an_invoices_payment() -> None:
    """The intent is named under its invoice, which says whose it is; another payment is not."""
    paid_by = {"type": "payment_intent", "payment_intent": "pi_1"}
    found = {"invoice": "in_1", "payment": paid_by}
    told = reading("invoice_payment.paid", found)
    assert facts(told) == [("payment_named", "pi_1", None)]
    assert (told.payment, told.gift_id, told.claim) == ("in_1", None, None)
    assert told.facts[0].evidence == {"invoice": "in_1"}
    for other in (None, "pi_1", paid_by | {"type": "out_of_band"}, {}):
        assert isinstance(read("invoice_payment.paid", found | {"payment": other}), IrrelevantEvent)


ITEM = {"price": {"unit_amount": 2_500}, "quantity": 1}


def subscription(**more: Any) -> dict[str, Any]:
    named = {"id": "sub_1", "status": "active", "currency": "cad", "metadata": METADATA}
    return named | {"items": {"data": [ITEM]}} | more


@pytest.mark.parametrize(
    ("step", "status", "kind"),
    [
        ("created", "active", FactKind.PLEDGE_STARTED),
        ("created", "canceled", FactKind.PLEDGE_ENDED),
        ("updated", "active", FactKind.PLEDGE_CHANGED),
        ("updated", "past_due", FactKind.PLEDGE_CHANGED),
        ("updated", "canceled", FactKind.PLEDGE_ENDED),
        ("deleted", "active", FactKind.PLEDGE_ENDED),
        ("deleted", "canceled", FactKind.PLEDGE_ENDED),
        ("created", "incomplete", None),
        ("updated", "incomplete", None),
        ("updated", "incomplete_expired", None),
        ("deleted", "incomplete_expired", None),
    ],
)
def test_what_a_subscription_tells(step: str, status: str, kind: FactKind | None) -> None:
    """It starts, changes and ends a pledge; one whose first month was never paid does nothing."""
    told = read(f"customer.subscription.{step}", subscription(status=status))
    if kind is None:
        assert isinstance(told, IrrelevantEvent)
        return
    assert isinstance(told, Reading)
    (fact,) = told.facts
    assert fact.kind is kind
    assert (fact.source_id == "sub_1") == (kind is not FactKind.PLEDGE_CHANGED)
    assert str(told.gift_id) == GIFT
    assert told.claim
    assert (told.claim.monthly, told.claim.currency) == (True, "CAD")
    assert told.claim.reference == METADATA["reference"]


@pytest.mark.parametrize(
    ("items", "amount_minor"),
    [
        ({"data": [ITEM]}, 2_500),
        ({"data": [ITEM, ITEM]}, None),
        ({"data": []}, None),
        ({"data": [ITEM | {"quantity": 2}]}, None),
        ({"data": [ITEM | {"price": None}]}, None),
        ({"data": [None]}, None),
        ({"data": None}, None),
        (None, None),
    ],
    ids=["one", "two", "none", "twice", "no price", "null", "no rows", "no items"],
)
def test_what_is_collected_each_month(items: Any, amount_minor: int | None) -> None:
    """One item, once, says the amount; with anything else none is said, and none is guessed."""
    (fact,) = reading("customer.subscription.updated", subscription(items=items)).facts
    currency = None if amount_minor is None else "CAD"
    assert (fact.amount_minor, fact.currency) == (amount_minor, currency)


PERIOD = {"current_period_end": CREATED}
GOES_ON: dict[str, Any] = {"subscription": "sub_1", "status": "active", "paused": False}
GOES_ON["ends_with_the_month"] = False


@pytest.mark.parametrize(
    ("more", "evidence"),
    [
        pytest.param({}, {}, id="nothing"),
        pytest.param(PERIOD, {}, id="a month that ends"),
        pytest.param({"pause_collection": {}}, {"paused": True}, id="paused"),
        pytest.param(
            {"cancel_at_period_end": True} | PERIOD,
            {"ends_with_the_month": True, "ends_at": CREATED},
            id="to end with the month",
        ),
        pytest.param({"cancel_at": CREATED + 1}, {"ends_at": CREATED + 1}, id="to end"),
    ],
)
def test_what_a_change_keeps(more: dict[str, Any], evidence: dict[str, Any]) -> None:
    """A change keeps the status, whether it is paused, and an end only where one is set."""
    (fact,) = reading("customer.subscription.updated", subscription(**more)).facts
    assert fact.evidence == GOES_ON | evidence


@pytest.mark.parametrize(
    ("details", "evidence"),
    [
        ({"reason": "cancellation_requested"}, {"reason": "cancellation_requested"}),
        ({"reason": None}, {}),
        (None, {}),
    ],
    ids=["told", "not told", "no details"],
)
def test_an_end_keeps_why(details: Any, evidence: dict[str, str]) -> None:
    """An ended pledge keeps Stripe's reason, and nothing where there is none."""
    ended = subscription(cancellation_details=details)
    (fact,) = reading("customer.subscription.deleted", ended).facts
    assert fact.evidence == evidence


@pytest.mark.parametrize("metadata", [None, {}, "odd"], ids=str)
def test_a_subscription_of_others_is_passed_over(metadata: Any) -> None:
    """What names no gift of ours changes nothing here."""
    found = subscription(metadata=metadata)
    assert isinstance(read("customer.subscription.deleted", found), IrrelevantEvent)
