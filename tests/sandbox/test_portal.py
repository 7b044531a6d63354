"""A donor replaces the card in the portal after a month's payment failed.

The service can also pay or void the month's invoice through the API.
"""

from typing import Any

import pytest
import stripe

from tests.sandbox.running import CARD, RunningSandbox, monthly_of

RETURN_URL = "http://127.0.0.1:9/pledge"


def begin(client: stripe.StripeClient, sandbox: RunningSandbox) -> Any:
    params = monthly_of(2_500, customer_email="donor@example.com")
    return sandbox.pay(client.v1.checkout.sessions.create(params).id)["session"]


def fail_a_month(sandbox: RunningSandbox, subscription_id: str) -> str:
    invoice_id: str = sandbox.renew(subscription_id, succeed=False)["invoice"]["id"]
    return invoice_id


def portal_of(client: stripe.StripeClient, session: Any, **more: Any) -> str:
    params: Any = {"customer": session["customer"], "return_url": RETURN_URL, "locale": "fr-CA"}
    return client.v1.billing_portal.sessions.create(params | more).url


def charge_new_card(client: stripe.StripeClient, session: Any) -> None:
    """Make the card that was saved in the portal the subscription's card."""
    customer = client.v1.customers.retrieve(session["customer"])
    assert customer.invoice_settings
    default: Any = {"default_payment_method": customer.invoice_settings.default_payment_method}
    client.v1.subscriptions.update(session["subscription"], default)


def test_a_failed_month_can_be_paid_once(
    client: stripe.StripeClient, sandbox: RunningSandbox
) -> None:
    """The invoice of a failed month can be paid later with the saved card, but only once."""
    subscription_id = begin(client, sandbox)["subscription"]
    invoice_id = fail_a_month(sandbox, subscription_id)
    assert client.v1.subscriptions.retrieve(subscription_id).status == "past_due"
    assert client.v1.invoices.pay(invoice_id).status == "paid"
    assert client.v1.subscriptions.retrieve(subscription_id).status == "active"
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.invoices.pay(invoice_id)
    assert refused.value.code == "invoice_already_paid"


def test_a_voided_month_cannot_be_paid(
    client: stripe.StripeClient, sandbox: RunningSandbox
) -> None:
    """A void invoice cannot be paid, and a paid one cannot be made void."""
    subscription_id = begin(client, sandbox)["subscription"]
    invoice_id = fail_a_month(sandbox, subscription_id)
    assert client.v1.invoices.void_invoice(invoice_id).status == "void"
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.invoices.pay(invoice_id)
    paid = sandbox.renew(subscription_id)["invoice"]["id"]
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.invoices.void_invoice(paid)


def test_a_card_is_replaced_at_the_portal(
    client: stripe.StripeClient, sandbox: RunningSandbox
) -> None:
    """A card saved in the portal can be charged for an open invoice, or be declined for it."""
    session = begin(client, sandbox)
    invoice_id = fail_a_month(sandbox, session["subscription"])
    page = portal_of(client, session)
    assert "Votre carte" in sandbox.http.get(page).text
    bad = sandbox.http.post(page, data=CARD | {"number": "4000 0000 0000 0002"})
    assert bad.headers["location"] == RETURN_URL
    charge_new_card(client, session)
    with pytest.raises(stripe.CardError) as declined:
        client.v1.invoices.pay(invoice_id)
    assert (declined.value.code, declined.value.http_status) == ("card_declined", 402)
    good = sandbox.http.post(page, data=CARD)
    assert good.status_code == 303
    charge_new_card(client, session)
    assert client.v1.invoices.pay(invoice_id).status == "paid"


def test_the_portal_says_what_is_wrong(
    client: stripe.StripeClient, sandbox: RunningSandbox
) -> None:
    """The portal explains an invalid card number; an unknown portal page is a 404."""
    page = portal_of(client, begin(client, sandbox))
    wrong = sandbox.http.post(page, data=CARD | {"number": "1"})
    assert wrong.status_code == 422
    assert "Ce numéro n’est pas celui d’une carte d’essai." in wrong.text
    assert sandbox.http.get("/portal/bps_none").status_code == 404


def test_a_portal_needs_a_customer(client: stripe.StripeClient) -> None:
    """A portal session for an unknown customer is refused."""
    with pytest.raises(stripe.InvalidRequestError, match="No such customer"):
        client.v1.billing_portal.sessions.create({"customer": "cus_none"})


AFTER = "flow_data[after_completion]"
FLOW = {
    "type": "payment_method_update",
    "after_completion": {"type": "redirect", "redirect": {"return_url": f"{RETURN_URL}?done"}},
}


def test_a_saved_card_does_not_replace_a_subscriptions_card(
    client: stripe.StripeClient, sandbox: RunningSandbox
) -> None:
    """A card saved in the portal does not replace the subscription's own card."""
    session = begin(client, sandbox)
    own = client.v1.subscriptions.retrieve(session["subscription"]).default_payment_method
    bad = CARD | {"number": "4000 0000 0000 0002"}
    sandbox.http.post(portal_of(client, session), data=bad)
    customer = client.v1.customers.retrieve(session["customer"]).to_dict()
    assert customer["invoice_settings"]["default_payment_method"] not in (None, own)
    assert sandbox.renew(session["subscription"], succeed=None)["invoice"]["status"] == "paid"


def test_a_flow_is_for_the_card_alone(client: stripe.StripeClient, sandbox: RunningSandbox) -> None:
    """With flow_data, donors can only replace the card, and are then sent to flow_data's URL."""
    session = begin(client, sandbox)
    page = portal_of(client, session, flow_data=FLOW)
    assert "Annuler" not in sandbox.http.get(page).text
    end = sandbox.http.post(
        f"{page}/subscriptions/{session['subscription']}", data={"wanted": "end"}
    )
    assert end.status_code == 404
    assert sandbox.http.post(page, data=CARD).headers["location"] == f"{RETURN_URL}?done"


@pytest.mark.parametrize(
    ("flow", "param"),
    [
        ({"type": "subscription_cancel"}, "flow_data[type]"),
        ({"after_completion": {"type": "redirect"}}, "flow_data[type]"),
        (
            FLOW | {"after_completion": {"type": "redirect"}},
            f"{AFTER}[redirect]",
        ),
        (FLOW | {"after_completion": {"type": "home"}}, f"{AFTER}[type]"),
        (FLOW | {"custom_text": "Hello"}, "flow_data[custom_text]"),
    ],
    ids=["cancel", "no type", "no redirect", "unknown end", "unknown name"],
)
def test_an_invalid_flow_is_refused(
    client: stripe.StripeClient, sandbox: RunningSandbox, flow: Any, param: str
) -> None:
    """A portal session whose flow_data is unknown, unsupported or incomplete is refused."""
    with pytest.raises(stripe.InvalidRequestError) as refused:
        portal_of(client, begin(client, sandbox), flow_data=flow)
    assert refused.value.param == param


def test_a_subscription_ended_in_the_portal_has_an_end_time(
    fresh_client: stripe.StripeClient, fresh_sandbox: RunningSandbox
) -> None:
    """Ending a subscription in the portal sets cancel_at, and can be undone.

    It does not set cancel_at_period_end.
    """
    client, sandbox = fresh_client, fresh_sandbox
    session = begin(client, sandbox)
    end = f"{portal_of(client, session)}/subscriptions/{session['subscription']}"

    def now() -> Any:
        return client.v1.subscriptions.retrieve(session["subscription"]).to_dict()

    assert now()["billing_mode"]["type"] == "flexible"
    sandbox.http.post(end, data={"wanted": "end"})
    ends_at = now()["items"]["data"][0]["current_period_end"]
    assert (now()["cancel_at"], now()["cancel_at_period_end"]) == (ends_at, False)
    assert now()["cancellation_details"]["reason"] == "cancellation_requested"
    sandbox.http.post(end, data={"wanted": "keep"})
    assert (now()["cancel_at"], now()["cancellation_details"]["reason"]) == (None, None)
    sandbox.http.post(end, data={"wanted": "end"})
    sandbox.control("POST", "/_sandbox/clock", now=ends_at - 1)
    assert now()["status"] == "active"
    sandbox.control("POST", "/_sandbox/clock", now=ends_at)
    assert (now()["status"], now()["ended_at"]) == ("canceled", ends_at)
    deletions = client.v1.events.list({"type": "customer.subscription.deleted"}).data
    assert len(deletions) == 1


def test_a_month_is_marked_as_paid_outside_stripe(
    fresh_client: stripe.StripeClient, fresh_sandbox: RunningSandbox
) -> None:
    """An invoice that is marked as paid outside Stripe has a payment record and no charge."""
    client, sandbox = fresh_client, fresh_sandbox
    invoice_id = fail_a_month(sandbox, begin(client, sandbox)["subscription"])
    charges = len(client.v1.charges.list().data)
    outside: Any = {"paid_out_of_band": True, "expand": ["payments"]}
    invoice = client.v1.invoices.pay(invoice_id, outside).to_dict()
    (payment,) = invoice["payments"]["data"]
    assert (invoice["status"], invoice["amount_paid"]) == ("paid", 2_500)
    assert (payment["payment"]["type"], payment["amount_paid"]) == ("payment_record", 2_500)
    assert len(client.v1.charges.list().data) == charges
    events = [one for one in client.v1.events.list({"limit": 4}).data if one.type.startswith("inv")]
    assert [one.type for one in reversed(events)] == ["invoice.paid", "invoice_payment.paid"]
    assert "paid_out_of_band" not in events[-1].data.to_dict()["object"]
