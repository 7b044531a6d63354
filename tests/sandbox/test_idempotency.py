"""The same key gives the same answer, and never a second object."""

import threading

import pytest
import stripe

from tests.sandbox.running import SESSION, RunningSandbox, session_of, wait_until

SESSIONS = "/v1/checkout/sessions"


def test_the_first_answer_is_given_again(client: stripe.StripeClient, key: str) -> None:
    """The same key and parameters give the stored answer, marked as replayed."""
    first = client.v1.checkout.sessions.create(SESSION, {"idempotency_key": key})
    again = client.v1.checkout.sessions.create(SESSION, {"idempotency_key": key})
    assert again.id == first.id
    assert first.last_response is not None
    assert again.last_response is not None
    assert "idempotent-replayed" not in first.last_response.headers
    assert again.last_response.headers["idempotent-replayed"] == "true"
    assert again.last_response.headers["original-request"] == first.last_response.request_id


def test_a_key_belongs_to_its_parameters(client: stripe.StripeClient, key: str) -> None:
    """The same key with other parameters is an idempotency error."""
    client.v1.checkout.sessions.create(SESSION, {"idempotency_key": key})
    with pytest.raises(stripe.IdempotencyError) as refused:
        client.v1.checkout.sessions.create(session_of(999), {"idempotency_key": key})
    assert refused.value.http_status == 400


def test_a_key_belongs_to_its_address(client: stripe.StripeClient, key: str) -> None:
    """The same key for another path is an idempotency error."""
    session = client.v1.checkout.sessions.create(SESSION, {"idempotency_key": key})
    with pytest.raises(stripe.IdempotencyError, match="same endpoint"):
        client.v1.checkout.sessions.expire(session.id, {}, {"idempotency_key": key})


def test_a_failed_validation_leaves_the_key_free(client: stripe.StripeClient, key: str) -> None:
    """After a failed validation the corrected request may use the same key."""
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.checkout.sessions.create(session_of(1), {"idempotency_key": key})
    assert client.v1.checkout.sessions.create(SESSION, {"idempotency_key": key}).status == "open"


def test_a_refusal_by_the_endpoint_is_kept(client: stripe.StripeClient, key: str) -> None:
    """A refusal by the endpoint is replayed under the same key."""
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


def test_a_server_error_is_kept(
    client: stripe.StripeClient, sandbox: RunningSandbox, key: str
) -> None:
    """A 500 is replayed under its key; a new key gets a new answer."""
    sandbox.control("POST", "/_sandbox/trouble", path=SESSIONS, kind="500")
    for replayed in (None, "true"):
        with pytest.raises(stripe.APIError) as failed:
            client.v1.checkout.sessions.create(SESSION, {"idempotency_key": key})
        assert failed.value.http_status == 500
        assert failed.value.headers is not None
        assert failed.value.headers.get("idempotent-replayed") == replayed
    assert client.v1.checkout.sessions.create(SESSION, {"idempotency_key": f"{key}b"}).id


@pytest.mark.parametrize("kind", ["502_before", "409", "429", "401", "400", "reset_before"])
def test_what_was_not_executed_is_not_kept(
    client: stripe.StripeClient, sandbox: RunningSandbox, key: str, kind: str
) -> None:
    """After a failure before the request ran, the same key still works."""
    sandbox.control("POST", "/_sandbox/trouble", path=SESSIONS, kind=kind)
    with pytest.raises(stripe.StripeError):
        client.v1.checkout.sessions.create(SESSION, {"idempotency_key": key})
    session = client.v1.checkout.sessions.create(SESSION, {"idempotency_key": key})
    assert session.last_response is not None
    assert "idempotent-replayed" not in session.last_response.headers


def test_a_key_in_use_is_a_conflict(
    client: stripe.StripeClient, sandbox: RunningSandbox, key: str
) -> None:
    """While the first request runs, the second gets 409; afterwards it gets the answer."""
    sandbox.control("POST", "/_sandbox/trouble", path=SESSIONS, kind="hang", seconds=0.3)
    ids: list[str] = []

    def ask_first() -> None:
        ids.append(client.v1.checkout.sessions.create(SESSION, {"idempotency_key": key}).id)

    first = threading.Thread(target=ask_first)
    first.start()
    wait_until(lambda: sandbox.control("GET", "/_sandbox/state")["trouble"] == 0)
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
    """More than 24 hours later the same key makes a new object."""
    first = client.v1.checkout.sessions.create(SESSION, {"idempotency_key": key})
    sandbox.control("POST", "/_sandbox/clock", now=first.created + 24 * 60 * 60 + 1)
    later = client.v1.checkout.sessions.create(SESSION, {"idempotency_key": key})
    assert later.id != first.id
