"""Subscriptions at the sandbox: begun by a checkout session, then changed, paused and ended."""

from typing import Any

import pytest
import stripe

from tests.sandbox.running import CARD, SESSION, RunningSandbox, monthly_of
from tests.sandbox.subscriptions import PROMISE, begin, event_types


def test_paying_begins_a_subscription(client: stripe.StripeClient, sandbox: RunningSandbox) -> None:
    """A paid session has a subscription, an invoice and a customer, and no payment intent."""
    session = begin(
        client,
        sandbox,
        client_reference_id="LWCAN-7KQ4M2X",
        customer_email="donor@example.com",
        metadata={"attempt": "1"},
    )
    assert (session["status"], session["payment_status"]) == ("complete", "paid")
    assert (session["payment_intent"], session["amount_total"]) == (None, 2_500)
    assert (session["client_reference_id"], session["metadata"]) == (
        "LWCAN-7KQ4M2X",
        {"attempt": "1"},
    )
    subscription = client.v1.subscriptions.retrieve(session["subscription"])
    assert (subscription.status, subscription.metadata.to_dict()) == ("active", PROMISE)
    assert subscription.latest_invoice == session["invoice"]
    (item,) = subscription["items"].data
    assert (item.price.unit_amount, item.price.currency, item.quantity) == (2_500, "cad", 1)
    assert (item.price.recurring.interval, item.price.recurring.interval_count) == ("month", 1)
    assert item.current_period_end > item.current_period_start == subscription.start_date
    customer = client.v1.customers.retrieve(session["customer"])
    assert customer.email == "donor@example.com"


def test_the_first_payment_is_one_charge(
    fresh_client: stripe.StripeClient, fresh_sandbox: RunningSandbox
) -> None:
    """A session and its first invoice share one charge, which is in the totals once."""
    session = begin(fresh_client, fresh_sandbox)
    invoice = fresh_client.v1.invoices.retrieve(
        session["invoice"], {"expand": ["payments.data.payment.payment_intent"]}
    )
    assert (invoice.status, invoice.billing_reason) == ("paid", "subscription_create")
    assert (invoice.amount_paid, invoice.amount_remaining, invoice.currency) == (2_500, 0, "cad")
    assert invoice.parent is not None
    assert invoice.parent.subscription_details is not None
    assert invoice.parent.subscription_details.subscription == session["subscription"]
    assert invoice.parent.subscription_details.metadata is not None
    assert invoice.parent.subscription_details.metadata.to_dict() == PROMISE
    assert invoice.payments is not None
    intent: Any = invoice.payments.data[0].payment.payment_intent
    charge = fresh_client.v1.charges.retrieve(
        intent.latest_charge, {"expand": ["balance_transaction"]}
    )
    assert (charge.amount, charge.customer) == (2_500, session["customer"])
    line: Any = charge.balance_transaction
    assert line.net == 2_500 - line.fee
    state = fresh_sandbox.control("GET", "/_sandbox/state")
    assert state["totals"]["cad"]["paid"] == 2_500
    assert state["counts"]["subscriptions"] == {"active": 1}
    assert state["counts"]["invoices"] == {"paid": 1}


def test_the_events_of_a_first_payment(
    fresh_client: stripe.StripeClient, fresh_sandbox: RunningSandbox
) -> None:
    """A subscription's first payment sends an event for each new or changed object."""
    begin(fresh_client, fresh_sandbox)
    assert event_types(fresh_client) == [
        "customer.created",
        "invoice.created",
        "customer.subscription.created",
        "invoice.finalized",
        "payment_intent.created",
        "charge.succeeded",
        "payment_intent.succeeded",
        "invoice.paid",
        "invoice.payment_succeeded",
        "invoice_payment.paid",
        "payment_method.attached",
        "customer.subscription.updated",
        "checkout.session.completed",
    ]


def test_the_page_says_how_often(client: stripe.StripeClient, sandbox: RunningSandbox) -> None:
    """The payment page of a subscription shows that the amount is paid every month."""
    session = client.v1.checkout.sessions.create(monthly_of(2_500, locale="fr-CA"))
    assert "par mois" in sandbox.http.get(f"/pay/{session.id}").text
    answer = sandbox.http.post(f"/pay/{session.id}", data=CARD)
    assert answer.status_code == 303
    paid = client.v1.checkout.sessions.retrieve(session.id, {"expand": ["subscription"]})
    assert isinstance(paid.subscription, stripe.Subscription)
    assert paid.subscription.status == "active"


def test_a_decline_can_be_followed_by_a_payment(
    client: stripe.StripeClient, sandbox: RunningSandbox
) -> None:
    """After a declined card, another card can pay the same invoice of the same subscription."""
    session = client.v1.checkout.sessions.create(monthly_of(2_500))
    declined = sandbox.pay(session.id, "declined")
    assert (declined["session"]["status"], declined["session"]["subscription"]) == ("open", None)
    paid = sandbox.pay(session.id)["session"]
    invoice = client.v1.invoices.retrieve(paid["invoice"])
    assert (invoice.status, invoice.attempt_count) == ("paid", 2)
    subscriptions = client.v1.subscriptions.list(
        {"customer": paid["customer"], "status": "all"}
    ).data
    assert [subscription.id for subscription in subscriptions] == [paid["subscription"]]


def test_an_expired_session_ends_its_subscription(
    fresh_client: stripe.StripeClient, fresh_sandbox: RunningSandbox
) -> None:
    """If a session expires after a decline, its subscription expires and its invoice is void."""
    session = fresh_client.v1.checkout.sessions.create(monthly_of(2_500))
    fresh_sandbox.pay(session.id, "declined")
    fresh_client.v1.checkout.sessions.expire(session.id)
    (subscription,) = fresh_client.v1.subscriptions.list({"status": "all"}).data
    (invoice,) = fresh_client.v1.invoices.list().data
    assert (subscription.status, invoice.status) == ("incomplete_expired", "void")


PRICE = monthly_of(2_500)["line_items"][0]["price_data"]
WEEKLY = {**PRICE, "recurring": {"interval": "week"}}
YEARLY = {**PRICE, "recurring": {"interval": "year"}}
ONCE = {name: value for name, value in PRICE.items() if name != "recurring"}


def items(*prices: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"quantity": 1, "price_data": price} for price in prices]


@pytest.mark.parametrize(
    ("params", "param"),
    [
        (monthly_of(2_500, payment_intent_data={"description": "x"}), "payment_intent_data"),
        (monthly_of(2_500, customer_creation="if_required"), "customer_creation"),
        (monthly_of(2_500, mode="payment"), "line_items"),
        (monthly_of(2_500, line_items=items(ONCE)), "line_items"),
        (monthly_of(2_500, line_items=items(PRICE, YEARLY)), "line_items"),
        (monthly_of(2_500, line_items=items(PRICE, ONCE)), "line_items[1][price_data]"),
        (
            monthly_of(2_500, line_items=items(WEEKLY)),
            "line_items[0][price_data][recurring][interval]",
        ),
        (monthly_of(49), "line_items"),
        (
            monthly_of(2_500, allowed_payment_method_types=["acss_debit"]),
            "allowed_payment_method_types",
        ),
        (
            monthly_of(2_500, subscription_data={"trial_period_days": 30}),
            "subscription_data[trial_period_days]",
        ),
        ({**SESSION, "subscription_data": {"metadata": PROMISE}}, "subscription_data"),
    ],
    ids=[
        "payment intent data",
        "customer creation",
        "payment mode",
        "no recurring price",
        "monthly and yearly",
        "monthly and once",
        "weekly",
        "a small amount",
        "a debit",
        "a trial",
        "subscription data in payment mode",
    ],
)
def test_parameters_of_another_mode_are_refused(
    client: stripe.StripeClient, params: Any, param: str
) -> None:
    """A price or parameter that does not fit the session's mode gets an error that names it."""
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.checkout.sessions.create(params)
    assert refused.value.param == param


def test_a_donate_button_may_be_monthly(client: stripe.StripeClient) -> None:
    """A subscription's session may have submit_type, as at Stripe since 2024-11-20."""
    session = client.v1.checkout.sessions.create(monthly_of(2_500, submit_type="donate"))
    assert (session.submit_type, session.mode) == ("donate", "subscription")


def test_a_subscription_can_be_changed(
    fresh_client: stripe.StripeClient, fresh_sandbox: RunningSandbox
) -> None:
    """A subscription's price, metadata, pause and end can be changed, each with an event."""
    client, subscription_id = fresh_client, begin(fresh_client, fresh_sandbox)["subscription"]
    (item,) = client.v1.subscriptions.retrieve(subscription_id)["items"].data
    price = {
        "currency": "cad",
        "product": client.v1.products.create({"name": "Gift"}).id,
        "recurring": {"interval": "month"},
        "unit_amount": 4_000,
    }
    changes: list[Any] = [
        {"items": [{"id": item.id, "price_data": price}], "proration_behavior": "none"},
        {"metadata": {"gift_id": "", "note": "raised"}},
        {"pause_collection": {"behavior": "void"}},
        {"pause_collection": ""},
        {"cancel_at_period_end": True},
    ]
    *_, changed = [client.v1.subscriptions.update(subscription_id, params) for params in changes]
    assert changed["items"].data[0].price.unit_amount == 4_000
    assert changed.metadata.to_dict() == {"reference": "LWCAN-7KQ4M2X", "note": "raised"}
    assert (changed.pause_collection, changed.status) == (None, "active")
    assert changed.cancel_at == changed["items"].data[0].current_period_end
    updates = client.v1.events.list({"type": "customer.subscription.updated"}).data[: len(changes)]
    before: list[Any] = [event.data.to_dict()["previous_attributes"] for event in reversed(updates)]
    assert before[0]["items"]["data"][0]["price"]["unit_amount"] == 2_500
    assert [set(was) for was in before[1:4]] == [
        {"metadata"},
        {"pause_collection"},
        {"pause_collection"},
    ]
    assert before[4]["cancel_at_period_end"] is False


def test_an_inline_product_takes_no_other_price(
    client: stripe.StripeClient, sandbox: RunningSandbox
) -> None:
    """A product that was created with its session is inactive, so it can have no second price."""
    subscription_id = begin(client, sandbox)["subscription"]
    expanded: Any = {"expand": ["items.data.price.product"]}
    subscription = client.v1.subscriptions.retrieve(subscription_id, expanded)
    (item,) = subscription["items"].data
    assert (item.price.product.object, item.price.product.active) == ("product", False)
    price = {
        "currency": "cad",
        "product": item.price.product.id,
        "recurring": {"interval": "month"},
        "unit_amount": 4_000,
    }
    change: Any = {
        "items": [{"id": item.id, "price_data": price}],
        "proration_behavior": "none",
    }
    with pytest.raises(stripe.InvalidRequestError, match="is marked as inactive"):
        client.v1.subscriptions.update(subscription_id, change)


def test_an_unsupported_change_is_refused(
    client: stripe.StripeClient, sandbox: RunningSandbox
) -> None:
    """The sandbox refuses a change of a subscription that it does not support, such as a trial."""
    subscription_id = begin(client, sandbox)["subscription"]
    (item,) = client.v1.subscriptions.retrieve(subscription_id)["items"].data
    refused: list[tuple[Any, str]] = [
        ({"items": [{"id": item.id, "quantity": 2}]}, "proration_behavior"),
        (
            {"items": [{"id": "si_no", "quantity": 2}], "proration_behavior": "none"},
            "items[0][id]",
        ),
        ({"trial_end": "now"}, "trial_end"),
        ({"pause_collection": {"behavior": "sleep"}}, "pause_collection[behavior]"),
    ]
    for params, param in refused:
        with pytest.raises(stripe.InvalidRequestError) as error:
            client.v1.subscriptions.update(subscription_id, params)
        assert error.value.param == param


def test_a_subscription_can_be_ended(client: stripe.StripeClient, sandbox: RunningSandbox) -> None:
    """A canceled subscription is not listed, and only its metadata can be changed."""
    session = begin(client, sandbox)
    subscription_id = session["subscription"]
    mine: Any = {"customer": session["customer"]}
    ended = client.v1.subscriptions.cancel(
        subscription_id, {"cancellation_details": {"comment": "thank you"}}
    )
    assert (ended.status, ended.ended_at) == ("canceled", ended.canceled_at)
    assert ended.cancellation_details is not None
    assert ended.cancellation_details.comment == "thank you"
    client.v1.subscriptions.update(subscription_id, {"metadata": {"why": "moved"}})
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.subscriptions.update(subscription_id, {"cancel_at_period_end": True})
    with pytest.raises(stripe.InvalidRequestError) as again:
        client.v1.subscriptions.cancel(subscription_id)
    assert again.value.http_status == 404
    assert client.v1.subscriptions.list(mine).data == []
    over: Any = {**mine, "status": "canceled"}
    listed = client.v1.subscriptions.list(over).data
    assert [subscription.id for subscription in listed] == [subscription_id]
    deletion = client.v1.events.list({"type": "customer.subscription.deleted"}).data[0]
    assert deletion.data.object["id"] == subscription_id


def test_ending_by_control_request(client: stripe.StripeClient, sandbox: RunningSandbox) -> None:
    """A control request ends a subscription, as staff can in Stripe's dashboard."""
    path = f"/_sandbox/subscriptions/{begin(client, sandbox)['subscription']}/cancel"
    assert sandbox.control("POST", path)["subscription"]["status"] == "canceled"
    assert sandbox.http.post(path).status_code == 400
