"""Requests with the same idempotency key get the same answer, and make one object."""

import threading

import pytest
import stripe

from tests.sandbox.running import SESSION, RunningSandbox, session_of
from tests.waiting import until

SESSIONS = "/v1/checkout/sessions"


def test_the_first_answer_is_given_again(client: stripe.StripeClient, key: str) -> None:
    """A repeated request with its idempotency key gets the first answer, marked as replayed."""
    first = client.v1.checkout.sessions.create(SESSION, {"idempotency_key": key})
    again = client.v1.checkout.sessions.create(SESSION, {"idempotency_key": key})
    assert again.id == first.id
    assert first.last_response is not None
    assert again.last_response is not None
    assert "idempotent-replayed" not in first.last_response.headers
    assert again.last_response.headers["idempotent-replayed"] == "true"
    assert again.last_response.headers["original-request"] == first.last_response.request_id


def test_a_key_belongs_to_its_parameters(client: stripe.StripeClient, key: str) -> None:
    """A repeated idempotency key with other parameters is an error."""
    client.v1.checkout.sessions.create(SESSION, {"idempotency_key": key})
    with pytest.raises(stripe.IdempotencyError) as refused:
        client.v1.checkout.sessions.create(session_of(999), {"idempotency_key": key})
    assert refused.value.http_status == 400


def test_a_key_belongs_to_its_path(client: stripe.StripeClient, key: str) -> None:
    """A repeated idempotency key on another path is an error."""
    session = client.v1.checkout.sessions.create(SESSION, {"idempotency_key": key})
    with pytest.raises(stripe.IdempotencyError, match="same endpoint"):
        client.v1.checkout.sessions.expire(session.id, {}, {"idempotency_key": key})


def test_a_failed_validation_leaves_the_key_free(client: stripe.StripeClient, key: str) -> None:
    """After a request was invalid, the corrected one may have the same idempotency key."""
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.checkout.sessions.create(session_of(1), {"idempotency_key": key})
    assert client.v1.checkout.sessions.create(SESSION, {"idempotency_key": key}).status == "open"


def test_a_refusal_is_replayed(client: stripe.StripeClient, key: str) -> None:
    """If a valid request is refused, a repeat with its idempotency key replays the refusal."""
    session = client.v1.checkout.sessions.create(SESSION)
    client.v1.checkout.sessions.expire(session.id)
    requests = []
    for _ in range(2):
        with pytest.raises(stripe.InvalidRequestError) as refused:
            client.v1.checkout.sessions.expire(session.id, {}, {"idempotency_key": key})
        requests.append(refused.value.headers)
    assert [headers and headers.get("idempotent-replayed") for headers in requests] == [
        None,
        "true",
    ]


def test_a_server_error_is_replayed(
    client: stripe.StripeClient, sandbox: RunningSandbox, key: str
) -> None:
    """A 500 is replayed for its idempotency key; another key gets a new answer."""
    sandbox.control("POST", "/_sandbox/trouble", path=SESSIONS, kind="500")
    for replayed in (None, "true"):
        with pytest.raises(stripe.APIError) as failed:
            client.v1.checkout.sessions.create(SESSION, {"idempotency_key": key})
        assert failed.value.http_status == 500
        assert failed.value.headers is not None
        assert failed.value.headers.get("idempotent-replayed") == replayed
    assert client.v1.checkout.sessions.create(SESSION, {"idempotency_key": f"{key}b"}).id


@pytest.mark.parametrize("kind", ["502_before", "409", "429", "401", "400", "reset_before"])
def test_an_error_before_execution_is_not_replayed(
    client: stripe.StripeClient, sandbox: RunningSandbox, key: str, kind: str
) -> None:
    """An error that occurred before the request was executed is not replayed."""
    sandbox.control("POST", "/_sandbox/trouble", path=SESSIONS, kind=kind)
    with pytest.raises(stripe.StripeError):
        client.v1.checkout.sessions.create(SESSION, {"idempotency_key": key})
    session = client.v1.checkout.sessions.create(SESSION, {"idempotency_key": key})
    assert session.last_response is not None
    assert "idempotent-replayed" not in session.last_response.headers


def test_a_key_in_use_is_a_conflict(
    client: stripe.StripeClient, sandbox: RunningSandbox, key: str
) -> None:
    """While a request is executed, another one with the same idempotency key gets a 409."""
    sandbox.control("POST", "/_sandbox/trouble", path=SESSIONS, kind="hang", seconds=0.3)
    ids: list[str] = []

    def ask_first() -> None:
        ids.append(client.v1.checkout.sessions.create(SESSION, {"idempotency_key": key}).id)

    first = threading.Thread(target=ask_first)
    first.start()
    until(lambda: sandbox.control("GET", "/_sandbox/state")["trouble"] == 0)
    with pytest.raises(stripe.APIError) as refused:
        client.v1.checkout.sessions.create(SESSION, {"idempotency_key": key})
    assert (refused.value.http_status, type(refused.value)) == (409, stripe.APIError)
    assert refused.value.error is not None
    assert refused.value.error.code == "idempotency_key_in_use"
    first.join()
    again = client.v1.checkout.sessions.create(SESSION, {"idempotency_key": key})
    assert [again.id] == ids


def test_a_key_is_forgotten_after_a_day(
    client: stripe.StripeClient, sandbox: RunningSandbox, key: str
) -> None:
    """After more than 24 hours, the same idempotency key makes a new object."""
    first = client.v1.checkout.sessions.create(SESSION, {"idempotency_key": key})
    sandbox.control("POST", "/_sandbox/clock", now=first.created + 24 * 60 * 60 + 1)
    later = client.v1.checkout.sessions.create(SESSION, {"idempotency_key": key})
    assert later.id != first.id
