"""The sandbox's payment page, used over plain HTTP as by a browser without JavaScript."""

from typing import Any

import httpx
import pytest
import stripe

from tests.sandbox.running import CARD, SESSION, RunningSandbox, session_of

MANDATE = {"payment_schedule": "sporadic", "transaction_type": "personal"}


def open_page(client: stripe.StripeClient, **more: Any) -> stripe.checkout.Session:
    params: Any = {**SESSION, **more}
    return client.v1.checkout.sessions.create(params)


def submit(
    sandbox: RunningSandbox, session: stripe.checkout.Session, **typed: str
) -> httpx.Response:
    return sandbox.http.post(f"/pay/{session.id}", data={**CARD, **typed})


def test_the_page_says_what_it_is(client: stripe.StripeClient, sandbox: RunningSandbox) -> None:
    """The payment page shows the amount, the product and that it is a pretend Stripe."""
    session = open_page(client)
    page = sandbox.http.get(f"/pay/{session.id}")
    assert page.status_code == 200
    for shown in ("25.00\N{NO-BREAK SPACE}CAD", "Gift to the charity", "A pretend Stripe"):
        assert shown in page.text
    assert 'href="http://127.0.0.1:9/changed-my-mind"' in page.text
    assert "<script" not in page.text
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "form-action 'self' http://127.0.0.1:9" in policy


def test_the_page_speaks_french(client: stripe.StripeClient, sandbox: RunningSandbox) -> None:
    """The payment page of a session in fr-CA is French, with a decimal comma."""
    page = sandbox.http.get(f"/pay/{open_page(client, locale='fr-CA').id}").text
    assert '<html lang="fr">' in page
    assert "25,00\N{NO-BREAK SPACE}CAD" in page
    assert "Donner" in page


def test_markup_is_shown_as_text(client: stripe.StripeClient, sandbox: RunningSandbox) -> None:
    """Markup in a product's name or in a field of the form is shown as text."""
    price = {"currency": "cad", "unit_amount": 500, "product_data": {"name": "<script>x</script>"}}
    session = open_page(client, line_items=[{"quantity": 1, "price_data": price}])
    page = submit(sandbox, session, name='"><script>y</script>', number="1")
    assert "<script" not in page.text
    assert "&lt;script&gt;" in page.text


def test_a_known_email_is_not_asked_for(
    client: stripe.StripeClient, sandbox: RunningSandbox
) -> None:
    """With customer_email, the payment page shows that address and has no field for another."""
    session = open_page(client, customer_email="known@example.com")
    page = sandbox.http.get(f"/pay/{session.id}").text
    assert "known@example.com" in page
    assert 'name="email"' not in page
    submit(sandbox, session, email="other@example.com")
    paid = client.v1.checkout.sessions.retrieve(session.id)
    assert paid.customer_details is not None
    assert paid.customer_details.email == "known@example.com"


def test_a_good_card_pays(client: stripe.StripeClient, sandbox: RunningSandbox) -> None:
    """A payment by a valid card completes the session and redirects to success_url."""
    session = open_page(
        client, payment_intent_data={"metadata": {"gift": "42"}, "description": "G"}
    )
    answer = submit(sandbox, session)
    assert answer.status_code == 303
    assert answer.headers["location"] == f"http://127.0.0.1:9/thanks?session={session.id}"
    paid = client.v1.checkout.sessions.retrieve(
        session.id, {"expand": ["payment_intent.latest_charge"]}
    ).to_dict()
    assert (paid["status"], paid["payment_status"], paid["url"]) == ("complete", "paid", None)
    assert paid["customer_details"]["name"] == "Ada Lovelace"
    intent = paid["payment_intent"]
    assert (intent["status"], intent["amount_received"]) == ("succeeded", 2_500)
    assert intent["metadata"] == intent["latest_charge"]["metadata"] == {"gift": "42"}
    assert intent["latest_charge"]["payment_method_details"]["card"]["last4"] == "4242"


@pytest.mark.parametrize(
    ("number", "code", "decline_code", "sentence"),
    [
        ("4000000000000002", "card_declined", "generic_decline", "Your card was declined."),
        ("4000000000009995", "card_declined", "insufficient_funds", "insufficient funds."),
        ("4000000000000069", "expired_card", "expired_card", "Your card has expired."),
    ],
)
def test_a_declined_card_stays_on_the_page(
    client: stripe.StripeClient,
    sandbox: RunningSandbox,
    number: str,
    code: str,
    decline_code: str,
    sentence: str,
) -> None:
    """If a card is declined, the payment page shows the reason, and another card can pay."""
    session = open_page(client)
    page = submit(sandbox, session, number=number)
    assert page.status_code == 402
    assert sentence in page.text
    assert number not in page.text
    expanded = client.v1.checkout.sessions.retrieve(session.id, {"expand": ["payment_intent"]})
    intent = expanded.to_dict()["payment_intent"]
    assert expanded.status == "open"
    assert intent["status"] == "requires_payment_method"
    assert intent["last_payment_error"]["decline_code"] == decline_code
    assert client.v1.charges.retrieve(intent["latest_charge"]).failure_code == code
    assert submit(sandbox, session).status_code == 303
    assert client.v1.payment_intents.retrieve(intent["id"]).status == "succeeded"


@pytest.mark.parametrize(
    "typed",
    [
        {"number": "4242 4242 4242 4241"},
        {"number": "4111 1111 1111 1111"},
        {"number": "<b>"},
        {"expiry": "01/20"},
        {"expiry": "13/39"},
        {"cvc": "12"},
        {"name": ""},
        {"email": "nobody"},
        {"method": "acss_debit"},
    ],
    ids=str,
)
def test_a_typing_mistake_makes_no_charge(
    client: stripe.StripeClient, sandbox: RunningSandbox, typed: dict[str, str]
) -> None:
    """An invalid field on the payment page is marked, and no payment is made."""
    session = open_page(client)
    page = submit(sandbox, session, **typed)
    assert page.status_code == 422
    assert 'role="alert"' in page.text
    assert client.v1.checkout.sessions.retrieve(session.id).payment_intent is None


def test_a_finished_page_says_so(client: stripe.StripeClient, sandbox: RunningSandbox) -> None:
    """The page of a paid or expired session has a link back, and takes no payment."""
    paid, expired = open_page(client), open_page(client)
    submit(sandbox, paid)
    client.v1.checkout.sessions.expire(expired.id)
    for session, link in ((paid, f"thanks?session={paid.id}"), (expired, "changed-my-mind")):
        for page in (sandbox.http.get(f"/pay/{session.id}"), submit(sandbox, session)):
            assert page.status_code == 410
            assert f'href="http://127.0.0.1:9/{link}"' in page.text
    assert sandbox.http.get("/pay/cs_test_nothing").status_code == 404


def test_a_bank_debit_takes_its_time(client: stripe.StripeClient, sandbox: RunningSandbox) -> None:
    """A bank debit completes the session unpaid; its payment is processing."""
    options = {"acss_debit": {"mandate_options": MANDATE}}
    session = open_page(
        client, allowed_payment_method_types=["acss_debit"], payment_method_options=options
    )
    page = sandbox.http.get(f"/pay/{session.id}").text
    assert "Institution number" in page
    assert "Choose the bank’s answer on the front page." in page
    assert "Card number" not in page
    account = {"institution": "000", "transit": "11000", "account": "000123456789"}
    assert submit(sandbox, session, method="acss_debit").status_code == 422
    assert submit(sandbox, session, method="acss_debit", **account).status_code == 303
    under_way = client.v1.checkout.sessions.retrieve(session.id, {"expand": ["payment_intent"]})
    assert (under_way.status, under_way.payment_status) == ("complete", "unpaid")
    assert under_way.to_dict()["payment_intent"]["status"] == "processing"


def test_yen_have_no_decimals(client: stripe.StripeClient, sandbox: RunningSandbox) -> None:
    """The payment page shows an amount with the decimals of its currency."""
    params: Any = session_of(500, "jpy")
    session = client.v1.checkout.sessions.create(params)
    assert "500\N{NO-BREAK SPACE}JPY" in sandbox.http.get(f"/pay/{session.id}").text


def test_the_index_lists_sessions_and_cards(
    client: stripe.StripeClient, sandbox: RunningSandbox
) -> None:
    """The sandbox's front page lists the sessions, and test cards with which to pay them."""
    session = open_page(client, client_reference_id="LWCAN-INDEX")
    index = sandbox.http.get("/").text
    assert session.url is not None
    assert session.url in index
    assert "LWCAN-INDEX" in index
    assert "4000000000000002" in index
    assert sandbox.http.get("/page.css").headers["content-type"].startswith("text/css")
