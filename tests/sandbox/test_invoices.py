"""The sandbox makes an invoice for each period of a subscription."""

from datetime import UTC, datetime
from typing import Any

import pytest
import stripe

from donate.sandbox.months import months_after, months_between
from tests.sandbox.running import RunningSandbox, monthly_of
from tests.sandbox.subscriptions import begin, event_types


def moment(year: int, month: int, day: int) -> int:
    return int(datetime(year, month, day, 12, tzinfo=UTC).timestamp())


def intent_of(invoice: dict[str, Any]) -> str:
    payment: str = invoice["payments"]["data"][0]["payment"]["payment_intent"]
    return payment


def test_the_next_month_has_an_invoice_of_its_own(
    fresh_client: stripe.StripeClient, fresh_sandbox: RunningSandbox
) -> None:
    """A renewal begins a subscription's next period, with a paid invoice and its events."""
    client, session = fresh_client, begin(fresh_client, fresh_sandbox)
    before = client.v1.subscriptions.retrieve(session["subscription"])["items"].data[0]
    events_before = len(event_types(client))
    renewed = fresh_sandbox.renew(session["subscription"])
    invoice = renewed["invoice"]
    assert (invoice["status"], invoice["billing_reason"]) == ("paid", "subscription_cycle")
    assert invoice["parent"]["subscription_details"]["metadata"]["gift_id"] == "g-1"
    assert invoice["period_start"] == before.current_period_end
    assert renewed["subscription"]["latest_invoice"] == invoice["id"]
    assert event_types(client)[events_before:] == [
        "invoice.created",
        "customer.subscription.updated",
        "invoice.finalized",
        "payment_intent.created",
        "charge.succeeded",
        "payment_intent.succeeded",
        "invoice.paid",
        "invoice.payment_succeeded",
        "invoice_payment.paid",
    ]
    state = fresh_sandbox.control("GET", "/_sandbox/state")
    assert state["totals"]["cad"]["paid"] == 5_000


def test_a_month_can_fail_and_be_paid_later(
    fresh_client: stripe.StripeClient, fresh_sandbox: RunningSandbox
) -> None:
    """If a month's payment fails, the subscription is past_due until the invoice is paid."""
    client, subscription_id = fresh_client, begin(fresh_client, fresh_sandbox)["subscription"]
    failed = fresh_sandbox.renew(subscription_id, succeed=False)["invoice"]
    assert (failed["status"], failed["attempt_count"], failed["amount_paid"]) == ("open", 1, 0)
    assert failed["next_payment_attempt"] is not None
    assert client.v1.subscriptions.retrieve(subscription_id).status == "past_due"
    assert event_types(client)[-2:] == ["invoice.payment_failed", "customer.subscription.updated"]
    path = f"/_sandbox/invoices/{failed['id']}/pay"
    assert fresh_sandbox.control("POST", path, succeed=False)["invoice"]["attempt_count"] == 2
    paid = fresh_sandbox.control("POST", path, succeed=True)["invoice"]
    assert (paid["status"], paid["amount_paid"], paid["attempt_count"]) == ("paid", 2_500, 3)
    assert client.v1.subscriptions.retrieve(subscription_id).status == "active"
    assert fresh_sandbox.control("GET", "/_sandbox/state")["totals"]["cad"]["paid"] == 5_000
    assert fresh_sandbox.http.post(path, json={}).status_code == 400


def test_a_subscription_that_is_to_end_ends_with_its_period(
    client: stripe.StripeClient, sandbox: RunningSandbox
) -> None:
    """With cancel_at_period_end, the subscription ends when its period ends."""
    subscription_id = begin(client, sandbox)["subscription"]
    client.v1.subscriptions.update(subscription_id, {"cancel_at_period_end": True})
    ended = sandbox.renew(subscription_id)
    assert (ended["invoice"], ended["subscription"]["status"]) == (None, "canceled")
    path = f"/_sandbox/subscriptions/{subscription_id}/renew"
    assert sandbox.http.post(path, json={}).status_code == 400


@pytest.mark.parametrize(
    ("behavior", "status"),
    [("void", "void"), ("mark_uncollectible", "uncollectible"), ("keep_as_draft", "draft")],
)
def test_a_paused_month_takes_no_money(
    fresh_client: stripe.StripeClient,
    fresh_sandbox: RunningSandbox,
    behavior: Any,
    status: str,
) -> None:
    """While a subscription is paused, its months have invoices, but none is paid."""
    subscription_id = begin(fresh_client, fresh_sandbox)["subscription"]
    fresh_client.v1.subscriptions.update(
        subscription_id, {"pause_collection": {"behavior": behavior}}
    )
    assert fresh_sandbox.renew(subscription_id)["invoice"]["status"] == status
    assert fresh_sandbox.control("GET", "/_sandbox/state")["totals"]["cad"]["paid"] == 2_500


def test_invoices_are_found(client: stripe.StripeClient, sandbox: RunningSandbox) -> None:
    """The lists of invoices and invoice payments accept Stripe's filters."""
    subscription_id = begin(client, sandbox)["subscription"]
    unpaid = sandbox.renew(subscription_id, succeed=False)["invoice"]
    paid = sandbox.renew(subscription_id)["invoice"]
    assert invoices(client, subscription=subscription_id)[:2] == [paid["id"], unpaid["id"]]
    assert invoices(client, subscription=subscription_id, status="open") == [unpaid["id"]]
    later = {"gt": paid["created"]}
    assert invoices(client, subscription=subscription_id, created=later) == []
    by_intent: Any = {"payment": {"type": "payment_intent", "payment_intent": intent_of(paid)}}
    (payment,) = client.v1.invoice_payments.list(by_intent).data
    assert (payment.invoice, payment.status, payment.amount_paid) == (paid["id"], "paid", 2_500)
    (waiting,) = client.v1.invoice_payments.list({"invoice": unpaid["id"]}).data
    assert (waiting.status, waiting.payment.payment_intent) == ("open", intent_of(unpaid))


def invoices(client: stripe.StripeClient, **params: Any) -> list[str]:
    return [invoice.id for invoice in client.v1.invoices.list(params).data]  # type: ignore[arg-type]


def test_a_month_can_be_refunded_and_disputed(
    fresh_client: stripe.StripeClient, fresh_sandbox: RunningSandbox
) -> None:
    """The payment of an invoice can be refunded and disputed like any other payment."""
    client, subscription_id = fresh_client, begin(fresh_client, fresh_sandbox)["subscription"]
    first, second = (fresh_sandbox.renew(subscription_id)["invoice"] for _ in range(2))
    refund = client.v1.refunds.create({"payment_intent": intent_of(first), "amount": 1_000})
    assert refund.status == "succeeded"
    dispute = fresh_sandbox.control("POST", "/_sandbox/dispute", payment_intent=intent_of(second))[
        "dispute"
    ]
    assert dispute["payment_intent"] == intent_of(second)
    totals = fresh_sandbox.control("GET", "/_sandbox/state")["totals"]["cad"]
    assert (totals["paid"], totals["refunded"], totals["disputed"]) == (7_500, 1_000, 2_500)


def test_a_new_price_counts_from_the_next_month(
    client: stripe.StripeClient, sandbox: RunningSandbox
) -> None:
    """A change of a subscription's quantity or price applies from the next invoice on."""
    subscription_id = begin(client, sandbox)["subscription"]
    (item,) = client.v1.subscriptions.retrieve(subscription_id)["items"].data
    change: Any = {"items": [{"id": item.id, "quantity": 3}], "proration_behavior": "none"}
    client.v1.subscriptions.update(subscription_id, change)
    assert sandbox.renew(subscription_id)["invoice"]["amount_paid"] == 7_500


def test_every_period_begins_where_the_last_one_ended(
    fresh_client: stripe.StripeClient, fresh_sandbox: RunningSandbox
) -> None:
    """A subscription that began on the 31st renews on the last day of shorter months."""
    fresh_sandbox.control("POST", "/_sandbox/clock", now=moment(2027, 1, 31))
    params = monthly_of(2_500, expires_at=moment(2027, 1, 31) + 3_600)
    session = fresh_client.v1.checkout.sessions.create(params)
    subscription_id = fresh_sandbox.pay(session.id)["session"]["subscription"]
    periods = [fresh_sandbox.renew(subscription_id)["invoice"] for _ in range(3)]
    assert [invoice["period_start"] for invoice in periods] == [
        moment(2027, 2, 28),
        moment(2027, 3, 31),
        moment(2027, 4, 30),
    ]


def test_months_are_counted_on_the_calendar() -> None:
    """If months_after adds n months to a date, months_between counts n, on any day of a month."""
    for day in (1, 28, 29, 30, 31):
        anchor = moment(2024, 1, day)
        counts = [months_between(anchor, months_after(anchor, n)) for n in range(40)]
        assert counts == list(range(40))
