"""What donors do over HTTP, as in a browser without JavaScript, against a pretend Stripe."""

import html
import re
from collections.abc import Iterator
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

RECEIVED = "Thank you, Ann Lee!"
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
    "preset_monthly": "5000",
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
        """Open the Give page, and return its form filled in."""
        page = self.http.get("/give/LWCAN")
        assert page.status_code == 200, page.text
        return ANN | {"mode": mode, "lang": "en-CA", "nonce": field(page.text, "nonce")}

    def submit(self, form: dict[str, str]) -> str:
        """Send the Give form; return the URL of the redirect."""
        answer = self.http.post("/give/LWCAN", data=form)
        assert answer.status_code == 303, answer.text
        return str(answer.headers["location"])

    def submit_to(self, address: str, **fields: str) -> str:
        """Press a button of a donor's page; return the URL of the redirect."""
        answer = self.http.post(address, data=fields)
        assert answer.status_code == 303, answer.text
        return str(answer.headers["location"])

    def pay(self, checkout_url: str, card: dict[str, str] = CARD) -> str:
        """Pay on Stripe's page; return the URL that leads back to the gift's page."""
        assert self.sandbox.http.get(checkout_url).status_code == 200
        answer = self.sandbox.http.post(checkout_url, data=card)
        assert answer.status_code == 303, answer.text
        return str(answer.headers["location"])

    @property
    def stripe_headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer {SECRET_KEY}"}

    def invoice(self, invoice_id: str) -> dict[str, Any]:
        """Return an invoice from the pretend Stripe."""
        answer = self.sandbox.http.get(f"/v1/invoices/{invoice_id}", headers=self.stripe_headers)
        result: dict[str, Any] = answer.json()
        return result

    def charged_card(self, subscription_id: str) -> tuple[str, str]:
        """Return the ids of the card for the subscription and of the customer's default card."""
        address = f"/v1/subscriptions/{subscription_id}?expand[0]=customer"
        result = self.sandbox.http.get(address, headers=self.stripe_headers).json()
        default = result["customer"]["invoice_settings"]["default_payment_method"]
        return result["default_payment_method"], default

    def page(self, address: str) -> str:
        answer = self.http.get(address)
        assert answer.status_code == 200
        return html.unescape(answer.text)

    def gift(self) -> Gift:
        """Return the only gift, and check that it matches its facts."""
        with self.database.reading_snapshot() as session:
            assert list(differences(session)) == []
            return session.exec(select(Gift)).one()

    def facts(self) -> list[str]:
        with self.database.reading() as session:
            return sorted(session.exec(select(GiftFact.kind)))

    def events(self, *kinds: str) -> list[str]:
        """Return the ids of Stripe's events of these types (by default all), the oldest first."""
        answer = self.sandbox.http.get(
            "/v1/events", params={"limit": 100}, headers={"authorization": f"Bearer {SECRET_KEY}"}
        )
        events: list[dict[str, Any]] = answer.json()["data"]
        return [event["id"] for event in reversed(events) if not kinds or event["type"] in kinds]

    def webhooks(self, **options: Any) -> None:
        self.sandbox.control("POST", "/_sandbox/webhooks", **options)

    def deliver(self, event_id: str, times: int = 1) -> None:
        answer = self.sandbox.control(
            "POST", "/_sandbox/webhooks/deliver", event=event_id, times=times
        )
        assert {event["status"] for event in answer["deliveries"]} == {200}


@contextmanager
def pretend_stripe(webhook_url: str) -> Iterator[RunningSandbox]:
    """Run a sandbox that retries a webhook every 0.2 seconds until the service accepts it."""
    with run_sandbox(webhook_url=webhook_url, retry_delays_s=(0.2,) * 300) as sandbox:
        yield sandbox


def field(page: str, name: str) -> str:
    """Return the value of this hidden field in the page's form."""
    result = re.search(rf'name="{name}" value="([^"]*)"', page)
    assert result, f"no field {name}"
    return html.unescape(result[1])
