"""Checkout sessions at the sandbox, created and read through the real Stripe SDK."""

import time

import pytest
import stripe

from tests.real_parts import SECRET_KEY
from tests.sandbox.conftest import client_of
from tests.sandbox.running import SESSION, RunningSandbox, session_params


def test_a_new_session_has_the_requested_values(client: stripe.StripeClient) -> None:
    """A new session has the requested values, a page, and no payment intent yet."""
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


def test_a_session_expires_after_a_day_by_default(client: stripe.StripeClient) -> None:
    """Without expires_at, a session expires 24 hours after it was created."""
    session = client.v1.checkout.sessions.create(SESSION)
    assert session.expires_at - session.created == 24 * 60 * 60
    assert abs(session.created - time.time()) < 5


def test_a_session_can_be_read_again(client: stripe.StripeClient) -> None:
    """Retrieving a session gives the same object as creating it."""
    session = client.v1.checkout.sessions.create(SESSION)
    assert client.v1.checkout.sessions.retrieve(session.id).to_dict() == session.to_dict()


def test_an_unknown_session_is_a_404(client: stripe.StripeClient) -> None:
    """Retrieving an unknown session is a 404 with the code resource_missing."""
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.checkout.sessions.retrieve("cs_test_nothing")
    assert refused.value.http_status == 404
    assert refused.value.code == "resource_missing"


def test_line_items_come_when_expanded(client: stripe.StripeClient) -> None:
    """A session has line_items only if they are expanded; they can also be listed."""
    session = client.v1.checkout.sessions.create(SESSION)
    assert "line_items" not in session.to_dict()
    read = client.v1.checkout.sessions.retrieve(session.id, {"expand": ["line_items"]})
    assert read.line_items is not None
    assert [item.description for item in read.line_items.data] == ["Gift to the charity"]
    listed = client.v1.checkout.sessions.line_items.list(session.id)
    assert [item.amount_total for item in listed.data] == [2_500]


def test_objects_expand_along_a_path(client: stripe.StripeClient, sandbox: RunningSandbox) -> None:
    """With a path in `expand`, every object on the path replaces its id."""
    session = client.v1.checkout.sessions.create(SESSION)
    sandbox.pay(session.id)
    path = "payment_intent.latest_charge.balance_transaction"
    read = client.v1.checkout.sessions.retrieve(session.id, {"expand": [path]}).to_dict()
    charge = read["payment_intent"]["latest_charge"]
    assert charge["balance_transaction"]["net"] == 2_500 - 103
    listed = client.v1.payment_intents.list({"expand": ["data.latest_charge"], "limit": 1})
    assert listed.data[0].to_dict()["latest_charge"]["id"] == charge["id"]


def test_what_is_no_object_does_not_expand(client: stripe.StripeClient) -> None:
    """Expanding a field that is not an object's id is refused."""
    session = client.v1.checkout.sessions.create(SESSION)
    with pytest.raises(stripe.InvalidRequestError, match="cannot be expanded"):
        client.v1.checkout.sessions.retrieve(session.id, {"expand": ["amount_total"]})


def test_an_open_session_can_be_expired(client: stripe.StripeClient) -> None:
    """An open session can be expired only once, and has no page afterwards."""
    session = client.v1.checkout.sessions.create(SESSION)
    expired = client.v1.checkout.sessions.expire(session.id)
    assert (expired.status, expired.url) == ("expired", None)
    with pytest.raises(stripe.InvalidRequestError, match="status of expired"):
        client.v1.checkout.sessions.expire(session.id)


def test_a_session_expires_by_itself(client: stripe.StripeClient, sandbox: RunningSandbox) -> None:
    """A session expires when the clock passes expires_at, and its event has that time."""
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
    """A wrong API key gets a 401, and the error does not repeat the key."""
    client = stripe.StripeClient(key, base_addresses={"api": sandbox.url}, http_client=http_client)
    with pytest.raises(stripe.AuthenticationError) as refused:
        client.v1.checkout.sessions.create(SESSION)
    assert refused.value.http_status == 401
    assert key not in str(refused.value)


def test_the_key_may_come_as_basic_auth(sandbox: RunningSandbox) -> None:
    """The API key may be the user name of basic authentication; a request without it gets a 401."""
    address = "/v1/account"
    assert sandbox.http.get(address, auth=(SECRET_KEY, "")).status_code == 200
    nobody = sandbox.http.get(address)
    assert nobody.status_code == 401
    assert nobody.json()["error"]["type"] == "invalid_request_error"


def test_every_answer_has_stripes_headers(client: stripe.StripeClient) -> None:
    """Every answer and every refusal has a request id and the API version."""
    response = client.v1.checkout.sessions.create(SESSION).last_response
    assert response is not None
    assert str(response.request_id).startswith("req_")
    assert response.headers["stripe-version"] == "2026-10-28.endive"
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.checkout.sessions.retrieve("cs_test_nothing")
    assert str(refused.value.request_id).startswith("req_")


def test_another_api_version_is_refused(sandbox: RunningSandbox) -> None:
    """A request in another API version than the sandbox's is refused."""
    answer = sandbox.http.get(
        "/v1/account",
        auth=(SECRET_KEY, ""),
        headers={"stripe-version": "2024-06-20"},
    )
    assert answer.status_code == 400
    assert "2024-06-20" in answer.json()["error"]["message"]


def test_an_unknown_path_is_a_404(sandbox: RunningSandbox) -> None:
    """An unknown path is a 404 with an error like Stripe's."""
    answer = sandbox.http.get("/v1/checkout/nothing", auth=(SECRET_KEY, ""))
    assert answer.status_code == 404
    assert "Unrecognized request URL" in answer.json()["error"]["message"]


def test_only_the_own_account_can_be_read(
    sandbox: RunningSandbox, http_client: stripe.HTTPClient
) -> None:
    """An API key can read its own account, with or without the account's id, but no other one."""
    client = client_of(sandbox, http_client)
    account = client.v1.accounts.retrieve_current()
    assert account.country == "CA"
    assert client.v1.accounts.retrieve(account.id).id == account.id
    with pytest.raises(stripe.PermissionError):
        client.v1.accounts.retrieve("acct_somebody_else")
