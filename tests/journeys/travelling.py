"""What donors and staff do, over HTTP as a browser without JavaScript does it."""

import html
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
from sqlmodel import select

from donate.gifts.audit import differences
from donate.gifts.models import Gift, GiftFact
from donate.storage.database import Database
from tests.real_parts import SECRET_KEY
from tests.sandbox.running import CARD, RunningSandbox, run_sandbox

RECEIVED = "Received, thank you!"
AMOUNT = 5_000
BANK_ACCOUNT = {
    "method": "acss_debit",
    "institution": "000",
    "transit": "11000",
    "account": "000123456789",
    "name": "Ann Lee",
}
ANN = {
    "preset": "5000",
    "frequency": "once",
    "country": "CA",
    "name": "Ann Lee",
    "email": "ann@example.com",
}


@dataclass(frozen=True)
class World:
    url: str
    http: httpx.Client
    database: Database
    sandbox: RunningSandbox

    def fill_in(self, mode: str = "card") -> dict[str, str]:
        """Open the Give page and fill in its form."""
        page = self.http.get("/give/LWCAN")
        assert page.status_code == 200, page.text
        return ANN | {"mode": mode, "lang": "en-CA", "nonce": field(page.text, "nonce")}

    def submit(self, form: dict[str, str]) -> str:
        """Send the form; return where the donor is led."""
        answer = self.http.post("/give/LWCAN", data=form)
        assert answer.status_code == 303, answer.text
        return str(answer.headers["location"])

    def submit_to(self, address: str, **fields: str) -> str:
        """Press a button of a donor's page; return where they are led."""
        answer = self.http.post(address, data=fields)
        assert answer.status_code == 303, answer.text
        return str(answer.headers["location"])

    def pay(self, checkout_url: str, with_what: dict[str, str] = CARD) -> str:
        """Pay on Stripe's page; return where that leads back to."""
        assert self.sandbox.http.get(checkout_url).status_code == 200
        answer = self.sandbox.http.post(checkout_url, data=with_what)
        assert answer.status_code == 303, answer.text
        return str(answer.headers["location"])

    @property
    def stripe_headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer {SECRET_KEY}"}

    def invoice(self, invoice_id: str) -> dict[str, Any]:
        """Return an invoice as Stripe has it."""
        answer = self.sandbox.http.get(f"/v1/invoices/{invoice_id}", headers=self.stripe_headers)
        found: dict[str, Any] = answer.json()
        return found

    def charged_card(self, subscription_id: str) -> tuple[str, str]:
        """Return the card that Stripe charges, and its customer's default."""
        address = f"/v1/subscriptions/{subscription_id}?expand[0]=customer"
        found = self.sandbox.http.get(address, headers=self.stripe_headers).json()
        default = found["customer"]["invoice_settings"]["default_payment_method"]
        return found["default_payment_method"], default

    def page(self, address: str) -> str:
        answer = self.http.get(address)
        assert answer.status_code == 200
        return html.unescape(answer.text)

    def gift(self) -> Gift:
        """Return the one gift there is, after checking that it is what its facts mean."""
        with self.database.reading() as session:
            assert list(differences(session)) == []
            return session.exec(select(Gift)).one()

    def facts(self) -> list[str]:
        with self.database.reading() as session:
            return sorted(session.exec(select(GiftFact.kind)))

    def events(self, *kinds: str) -> list[str]:
        """Return the ids of all events of these kinds that Stripe made, the oldest first."""
        answer = self.sandbox.http.get(
            "/v1/events", params={"limit": 100}, headers={"authorization": f"Bearer {SECRET_KEY}"}
        )
        told: list[dict[str, Any]] = answer.json()["data"]
        return [one["id"] for one in reversed(told) if not kinds or one["type"] in kinds]

    def webhooks(self, **lever: Any) -> None:
        self.sandbox.control("POST", "/_sandbox/webhooks", **lever)

    def deliver(self, event_id: str, times: int = 1) -> None:
        answer = self.sandbox.control(
            "POST", "/_sandbox/webhooks/deliver", event=event_id, times=times
        )
        assert {one["status"] for one in answer["deliveries"]} == {200}


@contextmanager
def pretend_stripe(webhook_url: str) -> Iterator[RunningSandbox]:
    """Run a sandbox that goes on delivering, five times a second, until it is heard."""
    with run_sandbox(webhook_url=webhook_url, retry_delays_s=(0.2,) * 300) as sandbox:
        yield sandbox


def field(page: str, name: str) -> str:
    """Return the value of a hidden field."""
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    assert found, f"no field {name}"
    return html.unescape(found[1])


def until(is_so: Callable[[], object], patience_s: float = 10) -> None:
    last = time.monotonic() + patience_s
    while not is_so():
        assert time.monotonic() < last, "waited too long"
        time.sleep(0.02)
