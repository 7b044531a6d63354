"""What a donor or their service may do about a month that failed, through the real SDK."""

from typing import Any

import pytest
import stripe

from tests.sandbox.running import CARD, RunningSandbox, monthly_of

RETURN_URL = "http://127.0.0.1:9/pledge"


def begin(client: stripe.StripeClient, sandbox: RunningSandbox) -> Any:
    asked = monthly_of(2_500, customer_email="donor@example.com")
    return sandbox.pay(client.v1.checkout.sessions.create(asked).id)["session"]


def fail_a_month(sandbox: RunningSandbox, subscription_id: str) -> str:
    invoice_id: str = sandbox.renew(subscription_id, succeed=False)["invoice"]["id"]
    return invoice_id


def portal_of(client: stripe.StripeClient, session: Any) -> str:
    asked: Any = {"customer": session["customer"], "return_url": RETURN_URL, "locale": "fr-CA"}
    return client.v1.billing_portal.sessions.create(asked).url


def test_a_failed_month_is_paid_when_asked_again(
    client: stripe.StripeClient, sandbox: RunningSandbox
) -> None:
    """An open invoice is collected once more with the saved card, and never twice."""
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
    """Of an invoice that was voided nobody is asked for the money; a paid one is not voided."""
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
    """What is typed into the portal is what later months are collected with, good card or bad."""
    session = begin(client, sandbox)
    invoice_id = fail_a_month(sandbox, session["subscription"])
    page = portal_of(client, session)
    assert "Votre carte" in sandbox.http.get(page).text
    bad = sandbox.http.post(page, data=CARD | {"number": "4000 0000 0000 0002"})
    assert bad.headers["location"] == RETURN_URL
    with pytest.raises(stripe.CardError) as declined:
        client.v1.invoices.pay(invoice_id)
    assert (declined.value.code, declined.value.http_status) == ("card_declined", 402)
    good = sandbox.http.post(page, data=CARD)
    assert good.status_code == 303
    assert client.v1.invoices.pay(invoice_id).status == "paid"


def test_the_portal_says_what_is_wrong(
    client: stripe.StripeClient, sandbox: RunningSandbox
) -> None:
    """A number that is no test card is told beside its field; a page that is not there is 404."""
    page = portal_of(client, begin(client, sandbox))
    wrong = sandbox.http.post(page, data=CARD | {"number": "1"})
    assert wrong.status_code == 422
    assert "Ce numéro n’est pas celui d’une carte d’essai." in wrong.text
    assert sandbox.http.get("/portal/bps_none").status_code == 404


def test_a_portal_needs_a_customer(client: stripe.StripeClient) -> None:
    """A customer that is not there is refused."""
    with pytest.raises(stripe.InvalidRequestError, match="No such customer"):
        client.v1.billing_portal.sessions.create({"customer": "cus_none"})
