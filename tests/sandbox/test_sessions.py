"""Checkout sessions, as the unpatched SDK reads them."""

import time

import pytest
import stripe

from tests.real_parts import SECRET_KEY
from tests.sandbox.conftest import client_of
from tests.sandbox.running import SESSION, RunningSandbox, session_params


def test_a_session_opens_with_what_was_asked(client: stripe.StripeClient) -> None:
    """A new session is open, unpaid, in test mode, without a payment intent, and has a page."""
    session = client.v1.checkout.sessions.create(
        session_params(
            client_reference_id="LWCAN-7KQ4M2X",
            customer_email="donor@example.com",
            locale="fr-CA",
            metadata={"gift": "42"},
        )
    )
    assert session.id.startswith("cs_test_")
    assert (session.status, session.payment_status, session.livemode) == ("open", "unpaid", False)
    assert (session.amount_total, session.currency) == (2_500, "cad")
    assert session.payment_intent is None
    assert session.client_reference_id == "LWCAN-7KQ4M2X"
    assert session.customer_email == "donor@example.com"
    assert session.metadata is not None
    assert session.metadata.to_dict() == {"gift": "42"}
    assert session.url is not None
    assert session.url.endswith(f"/pay/{session.id}")


def test_a_session_lives_for_a_day_unless_told(client: stripe.StripeClient) -> None:
    """Without expires_at a session ends 24 hours after it was made."""
    session = client.v1.checkout.sessions.create(SESSION)
    assert session.expires_at - session.created == 24 * 60 * 60
    assert abs(session.created - time.time()) < 5


def test_a_session_can_be_read_again(client: stripe.StripeClient) -> None:
    """Retrieving gives the session that was made."""
    session = client.v1.checkout.sessions.create(SESSION)
    assert client.v1.checkout.sessions.retrieve(session.id).to_dict() == session.to_dict()


def test_what_is_not_there_is_named(client: stripe.StripeClient) -> None:
    """An unknown id is a 404 with the code resource_missing."""
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.checkout.sessions.retrieve("cs_test_nothing")
    assert refused.value.http_status == 404
    assert refused.value.code == "resource_missing"


def test_line_items_come_when_expanded(client: stripe.StripeClient) -> None:
    """line_items is in a session only when expanded, and has its own address."""
    session = client.v1.checkout.sessions.create(SESSION)
    assert "line_items" not in session.to_dict()
    read = client.v1.checkout.sessions.retrieve(session.id, {"expand": ["line_items"]})
    assert read.line_items is not None
    assert [item.description for item in read.line_items.data] == ["Gift to the charity"]
    listed = client.v1.checkout.sessions.line_items.list(session.id)
    assert [item.amount_total for item in listed.data] == [2_500]


def test_objects_expand_along_a_path(client: stripe.StripeClient, sandbox: RunningSandbox) -> None:
    """Each object on the expanded path replaces its id, down to the balance."""
    session = client.v1.checkout.sessions.create(SESSION)
    sandbox.pay(session.id)
    path = "payment_intent.latest_charge.balance_transaction"
    read = client.v1.checkout.sessions.retrieve(session.id, {"expand": [path]}).to_dict()
    charge = read["payment_intent"]["latest_charge"]
    assert charge["balance_transaction"]["net"] == 2_500 - 103
    listed = client.v1.payment_intents.list({"expand": ["data.latest_charge"], "limit": 1})
    assert listed.data[0].to_dict()["latest_charge"]["id"] == charge["id"]


def test_what_is_no_object_does_not_expand(client: stripe.StripeClient) -> None:
    """Expanding a plain field is refused."""
    session = client.v1.checkout.sessions.create(SESSION)
    with pytest.raises(stripe.InvalidRequestError, match="cannot be expanded"):
        client.v1.checkout.sessions.retrieve(session.id, {"expand": ["amount_total"]})


def test_an_open_session_can_be_expired(client: stripe.StripeClient) -> None:
    """Expiring removes the page, and can be done once."""
    session = client.v1.checkout.sessions.create(SESSION)
    expired = client.v1.checkout.sessions.expire(session.id)
    assert (expired.status, expired.url) == ("expired", None)
    with pytest.raises(stripe.InvalidRequestError, match="status of expired"):
        client.v1.checkout.sessions.expire(session.id)


def test_a_session_expires_by_itself(client: stripe.StripeClient, sandbox: RunningSandbox) -> None:
    """When the clock passes expires_at the session expires, and its event has that time."""
    session = client.v1.checkout.sessions.create(SESSION)
    sandbox.control("POST", "/_sandbox/clock", now=session.expires_at + 60)
    assert client.v1.checkout.sessions.retrieve(session.id).status == "expired"
    events = client.v1.events.list({"type": "checkout.session.expired", "limit": 100}).data
    ends = [event.created for event in events if event.data.object["id"] == session.id]
    assert ends == [session.expires_at]


def test_sessions_are_found_by_payment_and_status(
    client: stripe.StripeClient, sandbox: RunningSandbox
) -> None:
    """Sessions can be listed by payment intent, by status and by the customer's e-mail."""
    session = client.v1.checkout.sessions.create(session_params(customer_email="b@example.com"))
    paid = sandbox.pay(session.id, email=None)["session"]
    by_intent = client.v1.checkout.sessions.list({"payment_intent": paid["payment_intent"]})
    assert [one.id for one in by_intent.data] == [session.id]
    by_email = client.v1.checkout.sessions.list({"customer_details": {"email": "b@example.com"}})
    assert [one.id for one in by_email.data] == [session.id]
    still_open = client.v1.checkout.sessions.list({"status": "open", "limit": 100})
    assert session.id not in [one.id for one in still_open.data]


@pytest.mark.parametrize("key", ["sk_test_another", "sk_live_for_these_tests", "nonsense"])
def test_a_wrong_key_opens_nothing(
    key: str, sandbox: RunningSandbox, http_client: stripe.HTTPClient
) -> None:
    """Any other secret key is a 401 that does not repeat the key."""
    client = stripe.StripeClient(key, base_addresses={"api": sandbox.url}, http_client=http_client)
    with pytest.raises(stripe.AuthenticationError) as refused:
        client.v1.checkout.sessions.create(SESSION)
    assert refused.value.http_status == 401
    assert key not in str(refused.value)


def test_the_key_may_come_as_basic_auth(sandbox: RunningSandbox) -> None:
    """The key is also accepted as a user name without password; without a key it is a 401."""
    address = "/v1/account"
    assert sandbox.http.get(address, auth=(SECRET_KEY, "")).status_code == 200
    nobody = sandbox.http.get(address)
    assert nobody.status_code == 401
    assert nobody.json()["error"]["type"] == "invalid_request_error"


def test_every_answer_has_stripes_headers(client: stripe.StripeClient) -> None:
    """Answers and refusals have a request id and the API version."""
    response = client.v1.checkout.sessions.create(SESSION).last_response
    assert response is not None
    assert str(response.request_id).startswith("req_")
    assert response.headers["stripe-version"] == "2026-10-28.endive"
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.checkout.sessions.retrieve("cs_test_nothing")
    assert str(refused.value.request_id).startswith("req_")


def test_another_api_version_is_refused(sandbox: RunningSandbox) -> None:
    """An API version that the sandbox does not know is refused."""
    answer = sandbox.http.get(
        "/v1/account",
        auth=(SECRET_KEY, ""),
        headers={"stripe-version": "2024-06-20"},
    )
    assert answer.status_code == 400
    assert "2024-06-20" in answer.json()["error"]["message"]


def test_an_unknown_address_is_named(sandbox: RunningSandbox) -> None:
    """An unknown address is a 404 in the shape of Stripe's errors."""
    answer = sandbox.http.get("/v1/checkout/nothing", auth=(SECRET_KEY, ""))
    assert answer.status_code == 404
    assert "Unrecognized request URL" in answer.json()["error"]["message"]


def test_the_account_is_one_of_its_own(
    sandbox: RunningSandbox, http_client: stripe.HTTPClient
) -> None:
    """The account can be read with or without its id, and no other account can."""
    client = client_of(sandbox, http_client)
    account = client.v1.accounts.retrieve_current()
    assert account.country == "CA"
    assert client.v1.accounts.retrieve(account.id).id == account.id
    with pytest.raises(stripe.PermissionError):
        client.v1.accounts.retrieve("acct_somebody_else")
