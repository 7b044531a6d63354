"""How the SDK and a plain HTTP client experience each kind of trouble.

Trouble is a fault in the sandbox's answers that a test requests (injects).
"""

import threading
import time
from typing import Any

import httpx
import pytest
import stripe

from donate.sandbox.requests.trouble import KINDS, Trouble, Troubles
from tests.real_parts import SECRET_KEY
from tests.sandbox.conftest import client_of
from tests.sandbox.running import SESSION, RunningSandbox, run_sandbox
from tests.waiting import until

SESSIONS = "/v1/checkout/sessions"


def trouble(sandbox: RunningSandbox, kind: str, **more: object) -> None:
    sandbox.control("POST", "/_sandbox/trouble", path=SESSIONS, kind=kind, **more)


def count(client: stripe.StripeClient) -> int:
    return len(client.v1.checkout.sessions.list({"limit": 100}).data)


@pytest.mark.parametrize(
    ("kind", "error", "status"),
    [
        ("500", stripe.APIError, 500),
        ("502_before", stripe.APIError, 502),
        ("409", stripe.APIError, 409),
        ("429", stripe.RateLimitError, 429),
        ("401", stripe.AuthenticationError, 401),
        ("400", stripe.InvalidRequestError, 400),
        ("redirect", stripe.APIError, 302),
        ("reset_before", stripe.APIConnectionError, None),
    ],
)
def test_trouble_before_execution_makes_no_session(
    fresh_client: stripe.StripeClient,
    fresh_sandbox: RunningSandbox,
    kind: str,
    error: type[stripe.StripeError],
    status: int | None,
) -> None:
    """If a request fails before it is executed, the SDK raises and no session exists."""
    trouble(fresh_sandbox, kind)
    with pytest.raises(error) as failed:
        fresh_client.v1.checkout.sessions.create(SESSION)
    assert failed.value.http_status == status
    assert count(fresh_client) == 0


@pytest.mark.parametrize("kind", ["reset_after", "cut_body", "html_200", "empty_200"])
def test_trouble_after_execution_hides_a_session(
    fresh_client: stripe.StripeClient, fresh_sandbox: RunningSandbox, key: str, kind: str
) -> None:
    """If a request fails after it was executed, the SDK raises although the session exists."""
    trouble(fresh_sandbox, kind)
    with pytest.raises((stripe.APIError, stripe.APIConnectionError)):
        fresh_client.v1.checkout.sessions.create(SESSION, {"idempotency_key": key})
    assert count(fresh_client) == 1
    again = fresh_client.v1.checkout.sessions.create(SESSION, {"idempotency_key": key})
    assert again.url is not None
    assert count(fresh_client) == 1


def test_odd_successes_look_like_answers(
    client: stripe.StripeClient, sandbox: RunningSandbox
) -> None:
    """The SDK raises nothing if a 200 has an unusable body, or a payment URL at another host."""
    answers: list[Any] = []
    for kind in ("list_200", "null_200", "no_url", "other_host"):
        trouble(sandbox, kind)
        answers.append(client.v1.checkout.sessions.create(SESSION))
    assert answers[0] == []
    assert answers[1] is None
    assert answers[2].url is None
    assert answers[3].url == "https://checkout.example.net/pay/elsewhere"


@pytest.mark.parametrize("kind", ["hang", "drip"])
def test_slow_answers_come_in_the_end(
    client: stripe.StripeClient, sandbox: RunningSandbox, kind: str
) -> None:
    """An answer that is held back or sent byte by byte arrives complete in the end."""
    trouble(sandbox, kind, seconds=0.2)
    before = time.monotonic()
    assert client.v1.checkout.sessions.create(SESSION).url is not None
    assert time.monotonic() - before >= 0.2


def test_a_drip_gets_past_a_timeout_for_each_read(sandbox: RunningSandbox) -> None:
    """A client's timeout for each read does not end an answer that is sent byte by byte."""
    trouble(sandbox, "drip", seconds=0.6, method="GET")
    answer = sandbox.http.get(SESSIONS, auth=(SECRET_KEY, ""), timeout=0.3)
    assert answer.elapsed.total_seconds() > 0.3
    assert answer.json()["object"] == "list"


@pytest.mark.parametrize("kind", ["reset_before", "reset_after"])
def test_a_reset_ends_the_connection(sandbox: RunningSandbox, kind: str) -> None:
    """With `reset_before` and with `reset_after`, the connection ends with a TCP reset."""
    trouble(sandbox, kind, method="GET")
    with pytest.raises(httpx.ReadError, match="reset by peer"):
        sandbox.http.get(SESSIONS, auth=(SECRET_KEY, ""))


def test_a_cut_body_ends_halfway(sandbox: RunningSandbox) -> None:
    """With `cut_body` the connection ends after half of the declared length."""
    trouble(sandbox, "cut_body", method="GET")
    with pytest.raises(httpx.RemoteProtocolError, match="without sending complete message body"):
        sandbox.http.get(SESSIONS, auth=(SECRET_KEY, ""))


def test_the_sdk_gets_through_a_short_trouble(
    fresh_sandbox: RunningSandbox, http_client: stripe.HTTPClient
) -> None:
    """An SDK with retries survives one connection reset, and creates one session."""
    patient = stripe.StripeClient(
        SECRET_KEY,
        base_addresses={"api": fresh_sandbox.url},
        http_client=http_client,
        max_network_retries=2,
    )
    trouble(fresh_sandbox, "reset_after")
    assert patient.v1.checkout.sessions.create(SESSION).url is not None
    assert count(client_of(fresh_sandbox, http_client)) == 1


def test_trouble_happens_as_often_as_asked(
    client: stripe.StripeClient, sandbox: RunningSandbox
) -> None:
    """Injected trouble affects the next `times` requests of its route, and no other request."""
    trouble(sandbox, "429", times=2)
    assert client.v1.checkout.sessions.list().data is not None
    for _ in range(2):
        with pytest.raises(stripe.RateLimitError):
            client.v1.checkout.sessions.create(SESSION)
    assert client.v1.checkout.sessions.create(SESSION).url is not None


def test_trouble_can_be_taken_back(client: stripe.StripeClient, sandbox: RunningSandbox) -> None:
    """Injected trouble that has not occurred yet can be removed."""
    trouble(sandbox, "500", times=5)
    assert sandbox.control("DELETE", "/_sandbox/trouble") == {"waiting": 0}
    assert client.v1.checkout.sessions.create(SESSION).url is not None


def test_a_wrong_key_uses_up_no_trouble(sandbox: RunningSandbox) -> None:
    """Injected trouble is not used up by a request with a wrong API key."""
    trouble(sandbox, "500", method="GET")
    assert sandbox.http.get(SESSIONS).status_code == 401
    assert sandbox.http.get(SESSIONS, auth=(SECRET_KEY, "")).status_code == 500


def test_any_trouble_follows_from_the_seed() -> None:
    """With `any`, the kinds of trouble are random, and the same for the same seed."""

    def kinds_for(seed: int) -> list[str]:
        troubles = Troubles(seed)
        troubles.add(Trouble("/v1/*", "GET", "any", 0), times=50)
        troubles_taken = [troubles.take("GET", "/v1/events") for _ in range(50)]
        return [one.kind for one in troubles_taken if one is not None]

    assert kinds_for(3) == kinds_for(3) != kinds_for(4)
    assert set(kinds_for(3)) <= set(KINDS)


@pytest.mark.alone
@pytest.mark.parametrize("kind", ["hang", "drip"])
def test_closing_ends_hanging_answers(kind: str, caplog: pytest.LogCaptureFixture) -> None:
    """A sandbox that closes ends its hanging answers within seconds."""
    errors: list[Exception] = []

    def ask(url: str) -> None:
        try:
            httpx.get(url, auth=(SECRET_KEY, ""), timeout=60, trust_env=False)
        except httpx.HTTPError as error:
            errors.append(error)

    with run_sandbox() as sandbox:
        trouble(sandbox, kind, method="GET", seconds=60)
        asking = threading.Thread(target=ask, args=[sandbox.url + SESSIONS])
        asking.start()
        until(lambda: sandbox.control("GET", "/_sandbox/state")["trouble"] == 0)
        before = time.monotonic()
    asking.join()
    assert time.monotonic() - before < 4
    assert [type(error) for error in errors] == [httpx.ReadError]
    assert "Traceback" not in caplog.text


def test_an_unknown_kind_of_trouble_is_refused(sandbox: RunningSandbox) -> None:
    """Injecting an unknown kind of trouble is refused with a 422."""
    with pytest.raises(httpx.HTTPStatusError, match="422"):
        trouble(sandbox, "earthquake")
