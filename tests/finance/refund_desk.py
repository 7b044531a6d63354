"""Refunds gifts on the staff pages as a signed-in finance user, with the sandbox as Stripe."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from fastapi.testclient import TestClient
from httpx2 import Response

from donate.gifts.models import Gift
from donate.storage.database import Database
from donate.stripe_gateway.client import StripeClient
from tests.finance.finance_site import FinanceSite, fields, open_site
from tests.sandbox.running import RunningSandbox, run_sandbox
from tests.stripe_gateway.checkouts import client_of
from tests.stripe_gateway.refund_desk import CARD, QUICK, REFUNDS, pay, stripe_list

GOOD = {"amount": "50.00", "reason": "requested_by_donor", "note": "", "confirmed": "yes"}


@dataclass
class Desk:
    site: FinanceSite
    sandbox: RunningSandbox
    stripe: StripeClient
    browser: TestClient

    def paid(self, card: str = CARD) -> Gift:
        gift = self.site.gift(mode="card")
        pay(
            self.site.database,
            self.sandbox,
            self.stripe,
            gift,
            clock=self.site.clock,
            card=card,
        )
        return gift

    def page(self, gift: Gift) -> Response:
        return self.browser.get(f"/finance/gifts/{gift.id}")

    def form(self, gift: Gift) -> dict[str, str]:
        """Open the gift's page, and return the fields of its refund form, filled in."""
        hidden = fields(self.page(gift))
        return GOOD | {name: hidden[name] for name in ("csrf", "form_key", "payment")}

    def send(self, gift: Gift, form: dict[str, str]) -> Response:
        return self.browser.post(f"/finance/gifts/{gift.id}/refund", data=form)

    def refund(self, gift: Gift, **typed: str) -> str:
        """Fill in the refund form, send it, and return the page that follows."""
        answer = self.send(gift, self.form(gift) | typed)
        assert answer.status_code == 303
        return self.browser.get(answer.headers["location"]).text

    def made(self) -> list[int]:
        return [refund["amount"] for refund in stripe_list(self.sandbox, REFUNDS)]

    def trouble(self, kind: str) -> None:
        self.sandbox.control("POST", "/_sandbox/trouble", path=REFUNDS, kind=kind, times=2)


@contextmanager
def open_desk(database: Database) -> Iterator[Desk]:
    with run_sandbox() as sandbox:
        stripe = client_of(sandbox, **QUICK)
        site = open_site(database, stripe=stripe)
        now = int(site.clock.now().timestamp())
        sandbox.control("POST", "/_sandbox/clock", now=now)
        yield Desk(site, sandbox, stripe, site.signed_in())
        stripe.close()
