"""Setup sessions, which save a bank account, and subscriptions that debit it."""

from typing import Any

import pytest
import stripe

from tests.sandbox.running import CARD, SESSION, RunningSandbox

PRICE = {"currency": "cad", "recurring": {"interval": "month"}, "unit_amount": 2_500}
PROMISE = {"gift_id": "g-1", "reference": "LWCAN-7KQ4M2X"}
MANDATE: dict[str, Any] = {"default_for": ["invoice", "subscription"]}
SCHEDULE = {
    "interval_description": "each month",
    "payment_schedule": "interval",
    "transaction_type": "personal",
}
SETUP: Any = {
    "mode": "setup",
    "allowed_payment_method_types": ["acss_debit"],
    "payment_method_options": {"acss_debit": {"currency": "cad", "mandate_options": MANDATE}},
    "customer_creation": "always",
    "customer_email": "donor@example.com",
    "setup_intent_data": {"metadata": PROMISE},
    "success_url": SESSION["success_url"],
}
ACCOUNT = {
    "method": "acss_debit",
    "institution": "000",
    "transit": "11000",
    "account": "000123456789",
    "name": "Ann Lee",
}


def agreed(client: stripe.StripeClient, sandbox: RunningSandbox, **more: Any) -> Any:
    """Save a bank account in a setup session; return the session with its setup intent."""
    params: Any = {**SETUP, **more}
    session = client.v1.checkout.sessions.create(params)
    assert sandbox.http.post(f"/pay/{session.id}", data=ACCOUNT).status_code == 303
    return client.v1.checkout.sessions.retrieve(session.id, {"expand": ["setup_intent"]}).to_dict()


def begin(client: stripe.StripeClient, sandbox: RunningSandbox, **more: Any) -> Any:
    """Create a subscription that debits a saved bank account; its first debit is processing."""
    session = agreed(client, sandbox)
    product = client.v1.products.create({"name": "Gift LWCAN-7KQ4M2X"})
    params: Any = {
        "customer": session["customer"],
        "default_payment_method": session["setup_intent"]["payment_method"],
        "items": [{"price_data": {**PRICE, "product": product.id}}],
        "metadata": PROMISE,
        "off_session": True,
        "payment_settings": {"payment_method_types": ["acss_debit"]},
    } | more
    return client.v1.subscriptions.create(params)


def settle(sandbox: RunningSandbox, invoice: str, *, succeed: bool) -> Any:
    return sandbox.control("POST", f"/_sandbox/invoices/{invoice}/settle", succeed=succeed)


def event_types(client: stripe.StripeClient) -> list[str]:
    return [event.type for event in reversed(client.v1.events.list({"limit": 100}).data)]


def refusal(client: stripe.StripeClient, params: Any) -> stripe.InvalidRequestError:
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.checkout.sessions.create(params)
    return refused.value


def test_an_account_is_saved_and_nothing_is_paid(
    fresh_client: stripe.StripeClient, fresh_sandbox: RunningSandbox
) -> None:
    """A setup session saves the bank account for a new customer, without a payment."""
    session = agreed(fresh_client, fresh_sandbox)
    assert (session["status"], session["payment_status"]) == ("complete", "no_payment_required")
    assert (session["amount_total"], session["currency"]) == (None, None)
    assert (session["payment_intent"], session["subscription"]) == (None, None)
    intent = session["setup_intent"]
    assert (intent["status"], intent["metadata"]) == ("succeeded", PROMISE)
    assert intent["customer"] == session["customer"] is not None
    method = fresh_client.v1.payment_methods.retrieve(intent["payment_method"])
    assert (method.type, method.customer) == ("acss_debit", session["customer"])
    assert fresh_client.v1.setup_intents.retrieve(intent["id"]).status == "succeeded"
    assert event_types(fresh_client) == [
        "setup_intent.created",
        "customer.created",
        "payment_method.attached",
        "setup_intent.succeeded",
        "checkout.session.completed",
    ]
    assert fresh_client.v1.charges.list().data == []


def test_the_page_says_what_is_agreed_to(
    client: stripe.StripeClient, sandbox: RunningSandbox
) -> None:
    """The page of a setup session shows the session's custom text and accepts no card."""
    params: Any = {**SETUP, "custom_text": {"submit": {"message": "25.00 CAD each month."}}}
    session = client.v1.checkout.sessions.create(params)
    page = sandbox.http.get(f"/pay/{session.id}").text
    assert "25.00 CAD each month." in page
    assert ">Agree </button>" in page
    assert sandbox.http.post(f"/pay/{session.id}", data=CARD).status_code == 422


@pytest.mark.parametrize("succeed", [True, False])
def test_a_bank_account_may_be_verified_later(
    client: stripe.StripeClient, sandbox: RunningSandbox, succeed: bool
) -> None:
    """A setup session is complete even while the bank has yet to verify the account."""
    session = client.v1.checkout.sessions.create(SETUP)
    sandbox.pay(session.id, outcome="processing", verified=False)
    session_now = client.v1.checkout.sessions.retrieve(session.id, {"expand": ["setup_intent"]})
    assert (session_now.status, session_now.to_dict()["setup_intent"]["status"]) == (
        "complete",
        "requires_action",
    )
    sandbox.control("POST", "/_sandbox/settle", session=session.id, succeed=succeed)
    session_now = client.v1.checkout.sessions.retrieve(session.id, {"expand": ["setup_intent"]})
    status = "succeeded" if succeed else "requires_payment_method"
    assert session_now.to_dict()["setup_intent"]["status"] == status


def test_a_first_debit_arrives(
    fresh_client: stripe.StripeClient, fresh_sandbox: RunningSandbox
) -> None:
    """A subscription is active while its first debit is processing; then its invoice is paid."""
    subscription = begin(fresh_client, fresh_sandbox)
    assert (subscription.status, subscription.metadata.to_dict()) == ("active", PROMISE)
    invoice = fresh_client.v1.invoices.retrieve(subscription.latest_invoice)
    assert (invoice.status, invoice.billing_reason) == ("open", "subscription_create")
    paid = settle(fresh_sandbox, invoice.id, succeed=True)
    assert (paid["invoice"]["status"], paid["invoice"]["amount_paid"]) == ("paid", 2_500)
    assert paid["charge"]["payment_method_details"]["type"] == "acss_debit"
    assert paid["charge"]["payment_method"] == subscription.default_payment_method
    assert event_types(fresh_client).count("invoice.paid") == 1
    assert fresh_sandbox.control("GET", "/_sandbox/state")["totals"]["cad"]["paid"] == 2_500


def test_a_first_debit_is_refused(
    fresh_client: stripe.StripeClient, fresh_sandbox: RunningSandbox
) -> None:
    """If the first debit fails, the invoice stays open, and the subscription can be canceled."""
    subscription = begin(fresh_client, fresh_sandbox)
    invoice_id = str(subscription.latest_invoice)
    failed = settle(fresh_sandbox, invoice_id, succeed=False)["invoice"]
    assert (failed["status"], failed["next_payment_attempt"]) == ("open", None)
    assert fresh_client.v1.subscriptions.retrieve(subscription.id).status == "past_due"
    assert "invoice.payment_failed" in event_types(fresh_client)
    assert fresh_client.v1.subscriptions.cancel(subscription.id).status == "canceled"
    assert fresh_client.v1.invoices.void_invoice(invoice_id).status == "void"


def test_a_processing_debit_cannot_be_paid_or_voided(
    client: stripe.StripeClient, sandbox: RunningSandbox
) -> None:
    """While a month's debit is processing, its invoice can be neither paid nor voided."""
    subscription = begin(client, sandbox)
    settle(sandbox, str(subscription.latest_invoice), succeed=True)
    month = sandbox.renew(subscription.id, succeed=None)["invoice"]
    assert (month["status"], month["attempt_count"]) == ("open", 1)
    for act in (client.v1.invoices.pay, client.v1.invoices.void_invoice):
        with pytest.raises(stripe.InvalidRequestError):
            act(month["id"])
    assert settle(sandbox, month["id"], succeed=False)["invoice"]["status"] == "open"
    assert client.v1.invoices.pay(month["id"]).status == "open"
    assert settle(sandbox, month["id"], succeed=True)["invoice"]["status"] == "paid"
    assert client.v1.subscriptions.retrieve(subscription.id).status == "active"


def test_the_front_page_has_the_banks_answer(
    client: stripe.StripeClient, sandbox: RunningSandbox
) -> None:
    """The sandbox's front page lists a processing debit with buttons for the bank's answer."""
    subscription = begin(client, sandbox)
    address = f"/invoices/{subscription.latest_invoice}/bank"
    assert f'action="{address}"' in sandbox.http.get("/").text
    assert sandbox.http.post(address, data={"says": "yes"}).status_code == 303
    assert sandbox.http.post(address, data={"says": "no"}).status_code == 303
    assert f'action="{address}"' not in sandbox.http.get("/").text
    assert client.v1.invoices.retrieve(str(subscription.latest_invoice)).status == "paid"


OPTIONS = "payment_method_options[acss_debit]"


def with_mandate(mandate: Any) -> Any:
    options = {"acss_debit": {"currency": "cad", "mandate_options": mandate}}
    return {**SETUP, "payment_method_options": options}


REFUSED: list[tuple[Any, str]] = [
    *(
        (with_mandate({**MANDATE, name: value}), f"{OPTIONS}[mandate_options][{name}]")
        for name, value in (
            ("payment_schedule", "interval"),
            ("payment_schedule", "sporadic"),
            ("interval_description", "each month"),
            ("custom_mandate_url", "https://give.example.org/terms"),
            ("default_for", ["subscription"]),
            ("default_for", ["invoice"]),
        )
    ),
    (with_mandate({}), f"{OPTIONS}[mandate_options][payment_schedule]"),
    ({**SETUP, "line_items": SESSION["line_items"]}, "line_items"),
    ({**SETUP, "submit_type": "donate"}, "submit_type"),
    ({**SETUP, "payment_intent_data": {"metadata": PROMISE}}, "payment_intent_data"),
    ({**SETUP, "payment_method_options": {"acss_debit": {}}}, f"{OPTIONS}[currency]"),
    ({**SETUP, "allowed_payment_method_types": ["card"]}, "mode"),
    (
        {**SESSION, "payment_method_options": {"acss_debit": {"currency": "cad"}}},
        f"{OPTIONS}[currency]",
    ),
    (
        {**SESSION, "payment_method_options": {"acss_debit": {"mandate_options": MANDATE}}},
        f"{OPTIONS}[mandate_options][default_for]",
    ),
    ({**SESSION, "setup_intent_data": {"metadata": PROMISE}}, "setup_intent_data"),
]


@pytest.mark.parametrize(
    ("params", "param"),
    REFUSED,
    ids=[f"{param}-{number}" for number, (_, param) in enumerate(REFUSED)],
)
def test_parameters_that_do_not_fit_the_mode_are_refused(
    client: stripe.StripeClient, params: Any, param: str
) -> None:
    """A parameter or mandate option that does not fit the session's mode is refused."""
    assert refusal(client, params).param == param


def test_a_subscription_needs_a_fitting_bank_account(
    client: stripe.StripeClient, sandbox: RunningSandbox
) -> None:
    """A subscription needs a bank account of its own customer, with a mandate for subscriptions."""
    elsewhere = agreed(client, sandbox)["customer"]
    unfit = agreed(client, sandbox, **with_mandate(SCHEDULE))
    fit = {"customer": unfit["customer"]}
    fit["default_payment_method"] = unfit["setup_intent"]["payment_method"]
    for more in ({"customer": elsewhere}, {"customer": "cus_nobody"}, fit):
        with pytest.raises(stripe.InvalidRequestError) as refused:
            begin(client, sandbox, **more)
        assert refused.value.param in ("default_payment_method", "customer")


def test_one_key_begins_one_subscription(
    fresh_client: stripe.StripeClient, fresh_sandbox: RunningSandbox
) -> None:
    """Two requests with one idempotency key create one subscription."""
    session = agreed(fresh_client, fresh_sandbox)
    product = fresh_client.v1.products.create({"name": "Gift"})
    params: Any = {
        "customer": session["customer"],
        "default_payment_method": session["setup_intent"]["payment_method"],
        "items": [{"price_data": {**PRICE, "product": product.id}}],
    }
    options: Any = {"idempotency_key": "begin-1"}
    one, other = (fresh_client.v1.subscriptions.create(params, options) for _ in range(2))
    assert one.id == other.id
    listed = fresh_client.v1.subscriptions.list({"customer": session["customer"], "status": "all"})
    assert [found.id for found in listed.data] == [one.id]
