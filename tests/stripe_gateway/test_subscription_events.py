"""How the parser reads invoices and subscriptions, field by field."""

from datetime import UTC, datetime
from typing import Any

import pytest

from donate.gifts.facts import FactKind
from donate.stripe_gateway.events.fields import IrrelevantEvent, Month, Reading, UnusableEvent
from donate.stripe_gateway.events.subscriptions import MAX_INVOICE_ID
from tests.stripe_gateway.gifts_and_events import NOW
from tests.stripe_gateway.months import BEFORE_BASIL, TODAY
from tests.stripe_gateway.parsing import GIFT, METADATA, facts, read, reading

CREATED = int(NOW.timestamp()) - 3_600
AN_HOUR_BEFORE = datetime.fromtimestamp(CREATED, UTC)


def invoice(*, version: str = TODAY, metadata: Any = METADATA, **more: Any) -> dict[str, Any]:
    """Return an invoice for 50.00 of which 40.00 was paid; its attempt_count is three."""
    details = {"metadata": metadata}
    about: dict[str, Any] = {"subscription_details": details}
    if version != BEFORE_BASIL:
        about = {"parent": {"type": "subscription_details", "subscription_details": details}}
    amounts = {"amount_due": 5_000, "amount_paid": 4_000, "attempt_count": 3, "currency": "cad"}
    names = {"id": "in_1", "created": CREATED, "billing_reason": "subscription_cycle"}
    return about | amounts | names | more


FIRST = {"billing_reason": "subscription_create"}
DEBIT = {"metadata": METADATA | {"session": "cs_1"}}


@pytest.mark.parametrize("version", [TODAY, BEFORE_BASIL])
@pytest.mark.parametrize(
    ("step", "more", "expected", "is_first"),
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
def test_how_an_invoice_is_read(
    version: str,
    step: str,
    more: dict[str, Any],
    expected: tuple[str, str, int | None],
    is_first: bool,
) -> None:
    """An invoice of the first month is about the pledge's first gift; a later one opens a gift."""
    result = reading(f"invoice.{step}", invoice(version=version, **more))
    amount = 4_000 if step == "paid" else 5_000
    assert facts(result) == [expected]
    assert str(result.gift_id) == GIFT
    assert result.claim
    assert (result.claim.reference, result.claim.currency) == (METADATA["reference"], "CAD")
    assert (result.claim.monthly, result.claim.session_id, result.payment) == (True, None, None)
    assert result.claim.amount_minor == (amount if is_first else None)
    assert result.month == (None if is_first else Month("in_1", amount, "CAD", AN_HOUR_BEFORE))
    assert [(fact.happened_at, fact.actor) for fact in result.facts] == [(NOW, "stripe")]


def test_the_evidence_of_a_month() -> None:
    """The fact of a paid month keeps its billing reason.

    The fact of a failed first debit keeps the invoice and the agreement.
    """
    (paid,) = reading("invoice.paid", invoice()).facts
    assert (paid.currency, paid.evidence) == ("CAD", {"billing_reason": "subscription_cycle"})
    agreed: dict[str, Any] = FIRST | DEBIT
    (failed,) = reading("invoice.payment_failed", invoice(**agreed)).facts
    assert failed.evidence == {"agreement": "cs_1", "invoice": "in_1"}
    (later,) = reading("invoice.payment_failed", invoice()).facts
    assert later.evidence == {}


def test_an_invoice_before_basil_names_its_payment() -> None:
    """Before API version basil an invoice names its payment intent, which gives a fact."""
    result = reading("invoice.paid", invoice(version=BEFORE_BASIL, payment_intent="pi_1"))
    assert facts(result)[1] == ("payment_named", "pi_1", None)
    assert result.facts[1].evidence == {"invoice": "in_1"}
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
def test_which_invoices_are_ignored(step: str, more: dict[str, Any]) -> None:
    """An invoice is ignored if its amount is zero or it is not about a gift of ours."""
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
def test_an_invalid_invoice_is_unusable(step: str, more: dict[str, Any]) -> None:
    """An invoice of ours without a valid id, amount, currency, time or reference is unusable."""
    with pytest.raises(UnusableEvent):
        read(f"invoice.{step}", invoice(**more))
    assert MAX_INVOICE_ID == 100
    assert isinstance(read("invoice.paid", invoice(id="i" * MAX_INVOICE_ID)), Reading)


def test_how_an_invoice_payment_is_read() -> None:
    """An invoice_payment event gives the invoice's payment intent; without one it is ignored."""
    paid_by = {"type": "payment_intent", "payment_intent": "pi_1"}
    content = {"invoice": "in_1", "payment": paid_by}
    result = reading("invoice_payment.paid", content)
    assert facts(result) == [("payment_named", "pi_1", None)]
    assert (result.payment, result.gift_id, result.claim) == ("in_1", None, None)
    assert result.facts[0].evidence == {"invoice": "in_1"}
    for other in (None, "pi_1", paid_by | {"type": "out_of_band"}, {}):
        assert isinstance(
            read("invoice_payment.paid", content | {"payment": other}), IrrelevantEvent
        )


ITEM = {"price": {"unit_amount": 2_500}, "quantity": 1}


def subscription(**more: Any) -> dict[str, Any]:
    names = {"id": "sub_1", "status": "active", "currency": "cad", "metadata": METADATA}
    return names | {"items": {"data": [ITEM]}} | more


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
def test_how_a_subscription_is_read(step: str, status: str, kind: FactKind | None) -> None:
    """A subscription starts, changes or ends a pledge; if it was never paid it is ignored."""
    result = read(f"customer.subscription.{step}", subscription(status=status))
    if kind is None:
        assert isinstance(result, IrrelevantEvent)
        return
    assert isinstance(result, Reading)
    (fact,) = result.facts
    assert fact.kind is kind
    assert (fact.source_id == "sub_1") == (kind is not FactKind.PLEDGE_CHANGED)
    assert str(result.gift_id) == GIFT
    assert result.claim
    assert (result.claim.monthly, result.claim.currency) == (True, "CAD")
    assert result.claim.reference == METADATA["reference"]


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
    """The monthly amount of a subscription is known only if it has one item of quantity one."""
    (fact,) = reading("customer.subscription.updated", subscription(items=items)).facts
    currency = None if amount_minor is None else "CAD"
    assert (fact.amount_minor, fact.currency) == (amount_minor, currency)


PERIOD = {"current_period_end": CREATED}
UNCHANGED: dict[str, Any] = {"subscription": "sub_1", "status": "active", "paused": False}
UNCHANGED["ends_with_the_month"] = False


@pytest.mark.parametrize(
    ("more", "evidence"),
    [
        pytest.param({}, {}, id="nothing"),
        pytest.param(PERIOD, {"month_ends_at": CREATED}, id="a month that ends"),
        pytest.param({"pause_collection": {}}, {"paused": True}, id="paused"),
        pytest.param(
            {"pause_collection": {"behavior": "void", "resumes_at": CREATED + 10**7}},
            {"paused": True, "resumes_at": CREATED + 10**7},
            id="paused until a date",
        ),
        pytest.param(
            {"pause_collection": {"behavior": "void", "resumes_at": CREATED}},
            {"paused": False},
            id="a pause whose date has come",
        ),
        pytest.param(
            {"cancel_at_period_end": True} | PERIOD,
            {"ends_with_the_month": True, "ends_at": CREATED, "month_ends_at": CREATED},
            id="to end with the month",
        ),
        pytest.param({"cancel_at": CREATED + 1}, {"ends_at": CREATED + 1}, id="to end"),
    ],
)
def test_the_evidence_of_a_changed_pledge(more: dict[str, Any], evidence: dict[str, Any]) -> None:
    """The fact of a changed pledge keeps Stripe's status, the pause, and the end if it is set."""
    (fact,) = reading("customer.subscription.updated", subscription(**more)).facts
    assert fact.evidence == UNCHANGED | evidence


@pytest.mark.parametrize(
    ("details", "evidence"),
    [
        ({"reason": "cancellation_requested"}, {"reason": "cancellation_requested"}),
        ({"reason": None}, {}),
        (None, {}),
    ],
    ids=["told", "not told", "no details"],
)
def test_the_evidence_of_an_ended_pledge(details: Any, evidence: dict[str, str]) -> None:
    """The fact of an ended pledge keeps Stripe's reason, if there is one."""
    ended = subscription(cancellation_details=details)
    (fact,) = reading("customer.subscription.deleted", ended).facts
    assert fact.evidence == evidence


@pytest.mark.parametrize("metadata", [None, {}, "odd"], ids=str)
def test_a_subscription_without_our_metadata_is_ignored(metadata: Any) -> None:
    """A subscription without our metadata is ignored."""
    content = subscription(metadata=metadata)
    assert isinstance(read("customer.subscription.deleted", content), IrrelevantEvent)
