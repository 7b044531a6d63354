"""Helpers that run the sandbox in a thread, and a receiver of its webhooks."""

import threading
import time
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx

from donate.sandbox.app import SandboxConfig, create_server
from tests.real_parts import SECRET_KEY, WEBHOOK_SECRET, caller, free_port, running
from tests.sandbox.watching import WATCH

# The parameters are typed as Any, because the SDK has a separate type for each nested dict.
SESSION: Any = {
    "mode": "payment",
    "submit_type": "donate",
    "success_url": "http://127.0.0.1:9/thanks?session={CHECKOUT_SESSION_ID}",
    "cancel_url": "http://127.0.0.1:9/changed-my-mind",
    "line_items": [
        {
            "quantity": 1,
            "price_data": {
                "currency": "cad",
                "unit_amount": 2_500,
                "product_data": {"name": "Gift to the charity"},
            },
        }
    ],
}

CARD = {
    "method": "card",
    "email": "donor@example.com",
    "number": "4242 4242 4242 4242",
    "expiry": "12/39",
    "cvc": "123",
    "name": "Ada Lovelace",
}


def session_params(**more: Any) -> Any:
    return {**SESSION, **more}


def session_of(amount: int, currency: str = "cad", **more: Any) -> Any:
    price = {"currency": currency, "unit_amount": amount, "product_data": {"name": "Gift"}}
    return {**SESSION, "line_items": [{"quantity": 1, "price_data": price}], **more}


def monthly_of(amount: int, currency: str = "cad", **more: Any) -> Any:
    """Return the parameters of a checkout session for a subscription of this amount a month."""
    price = {
        "currency": currency,
        "unit_amount": amount,
        "product_data": {"name": "Gift each month"},
        "recurring": {"interval": "month"},
    }
    items = [{"quantity": 1, "price_data": price}]
    return {**SESSION, "mode": "subscription", "line_items": items, **more}


@dataclass(frozen=True)
class RunningSandbox:
    url: str
    http: httpx.Client

    def control(self, method: str, path: str, /, **lever: Any) -> Any:
        """Send a control request to the sandbox and return its answer; raise if it is refused."""
        json = lever if method == "POST" else None
        answer = self.http.request(method, path, json=json)
        answer.raise_for_status()
        return answer.json()

    def renew(self, subscription_id: str, *, succeed: bool | None = True) -> Any:
        """Begin a subscription's next period; return the subscription and the new invoice."""
        path = f"/_sandbox/subscriptions/{subscription_id}/renew"
        return self.control("POST", path, succeed=succeed)

    def pay(self, session_id: str, outcome: str = "paid", **lever: Any) -> Any:
        return self.control("POST", "/_sandbox/pay", session=session_id, outcome=outcome, **lever)


@contextmanager
def run_sandbox(port: int | None = None, **more: Any) -> Iterator[RunningSandbox]:
    """Run a sandbox in a thread, with the same secrets as `make_settings`."""
    port = port or free_port()
    url = f"http://127.0.0.1:{port}"
    values: dict[str, Any] = {
        "secret_key": SECRET_KEY,
        "webhook_secret": WEBHOOK_SECRET,
        "public_url": url,
        "retry_delays_s": (0.02, 0.04),
        "seed": 7,
        "observer": WATCH,
    }
    config = SandboxConfig(**(values | more))
    with (
        running(create_server(config, "127.0.0.1", port).config),
        caller(url) as http,
    ):
        yield RunningSandbox(url, http)


@dataclass(frozen=True)
class Received:
    body: bytes
    signature: str


class Receiver:
    """A receiver of webhooks. It answers with the statuses in `answers`, and after those with 200.

    `most_at_once` is the largest number of deliveries of one event that were open together.
    """

    def __init__(self) -> None:
        self.received: list[Received] = []
        self.answers: deque[int] = deque()
        self.delay_s = 0.0
        self.most_at_once = 0
        self._inside = Counter[bytes]()
        self._lock = threading.Lock()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                receiver._enter(body)
                time.sleep(receiver.delay_s)
                receiver._leave(body)
                receiver.received.append(Received(body, self.headers["stripe-signature"]))
                self.send_response(receiver.answers.popleft() if receiver.answers else 200)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Log nothing, so that the test's output stays short."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/webhooks"
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.01}
        )

    def _enter(self, body: bytes) -> None:
        with self._lock:
            self._inside[body] += 1
            self.most_at_once = max(self.most_at_once, self._inside[body])

    def _leave(self, body: bytes) -> None:
        with self._lock:
            self._inside[body] -= 1

    def __enter__(self) -> "Receiver":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
