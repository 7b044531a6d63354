"""Changes a monthly gift on the staff pages, with the sandbox as Stripe."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from html import unescape
from typing import Any

from fastapi.testclient import TestClient
from httpx2 import Response
from sqlmodel import col, select

from donate.finance.models import StaffAct
from donate.gifts.models import Gift
from donate.gifts.monthly.models import PledgeNews, PledgeRow
from donate.gifts.queries import months_of
from donate.letters.models import Letter
from donate.storage.database import Database
from donate.stripe_gateway.client import StripeClient
from donate.stripe_gateway.requests.billing import Billing
from donate.stripe_gateway.requests.pause_ends import PauseEnds
from donate.stripe_gateway.requests.pledge_changes import PledgeChanges
from donate.stripe_gateway.webhooks.inbox import Inbox
from tests.finance.finance_site import FinanceSite, fields, open_site, pledges_through
from tests.finance.money_samples import TWO_REGIONS
from tests.finance.pledge_samples import open_pledge_of
from tests.sandbox.running import RunningSandbox, run_sandbox
from tests.stripe_gateway.checkouts import client_of
from tests.stripe_gateway.gifts_and_events import settler_of
from tests.stripe_gateway.refund_desk import CARD, QUICK, pay, stripe_list

REASON = {"reason": "The donor called"}


@dataclass
class PledgeDesk:
    """The staff pages, the sandbox, and a monthly gift whose first month is paid."""

    site: FinanceSite
    sandbox: RunningSandbox
    stripe: StripeClient
    browser: TestClient
    gift: Gift
    pledges: PledgeChanges

    def page(self, query: str = "") -> Response:
        return self.browser.get(f"/finance/monthly/{self.gift.id}{query}")

    def form(self, **typed: str) -> dict[str, str]:
        """Open the page, and return the hidden fields of its forms plus REASON and `typed`."""
        return fields(self.page()) | REASON | typed

    def send(self, act: str, form: dict[str, str]) -> Response:
        return self.browser.post(f"/finance/monthly/{self.gift.id}/{act}", data=form)

    def do(self, act: str, **typed: str) -> str:
        """Fill in a form, send it, and return the text of the page that follows."""
        answer = self.send(act, self.form(**typed))
        assert answer.status_code == 303, answer.text
        return words_of(self.browser.get(answer.headers["location"]))

    @property
    def row(self) -> PledgeRow:
        with self.site.database.reading() as session:
            return session.get_one(PledgeRow, self.gift.id)

    def acts(self) -> list[StaffAct]:
        """Return what staff did to pledges."""
        return [act for act in self.site.acts() if act.act.startswith("pledge")]

    def months(self) -> list[Gift]:
        with self.site.database.reading() as session:
            return months_of(session, self.gift.id)

    def letters(self) -> list[Letter]:
        with self.site.database.reading() as session:
            return list(session.exec(select(Letter).order_by(col(Letter.id))))

    def news(self) -> list[str]:
        """Return the kinds of change that the donor is told about, oldest first."""
        with self.site.database.reading() as session:
            return list(session.exec(select(PledgeNews.kind).order_by(col(PledgeNews.id))))

    def at_stripe(self) -> dict[str, Any]:
        (subscription,) = stripe_list(self.sandbox, "/v1/subscriptions", status="all")
        return subscription

    def trouble(self, kind: str) -> None:
        path = f"/v1/subscriptions/{self.at_stripe()['id']}"
        trouble: dict[str, Any] = {"path": path, "kind": kind, "times": 2}
        self.sandbox.control("POST", "/_sandbox/trouble", method="POST", **trouble)

    def pass_month(self) -> dict[str, Any]:
        """Let a month pass at Stripe, settle the events about it, and return its invoice."""
        path = f"/_sandbox/subscriptions/{self.at_stripe()['id']}/renew"
        answer: dict[str, Any] = self.sandbox.control("POST", path, succeed=True)
        self.hear()
        invoice: dict[str, Any] = answer["invoice"]
        return invoice

    def hear(self) -> None:
        """Store all of Stripe's events, and settle them."""
        events = stripe_list(self.sandbox, "/v1/events", limit="100")
        inbox = Inbox(self.site.database, on_stored=lambda: None)
        inbox.store_answers(self.site.clock.now(), *events)
        settler_of(self.site.database, self.site.clock).settle_due()

    def pause_ends(self) -> PauseEnds:
        database, clock = self.site.database, self.site.clock
        inbox = Inbox(database, on_stored=lambda: None)
        settler = settler_of(database, clock)
        return PauseEnds(database, Billing(self.stripe), inbox, settler, clock)

    def later(self, **how_long: float) -> None:
        """Advance the clocks of the service and of Stripe."""
        self.site.clock.instant += timedelta(**how_long)
        now = int(self.site.clock.now().timestamp())
        self.sandbox.control("POST", "/_sandbox/clock", now=now)


def words_of(page: Response) -> str:
    """Return the text of a page's main part, with single spaces."""
    main = page.text.partition("<main")[2].partition("</main>")[0]
    return " ".join(unescape(re.sub("<[^>]+>", " ", main)).split())


@contextmanager
def open_pledge_desk(database: Database) -> Iterator[PledgeDesk]:
    with run_sandbox() as sandbox:
        stripe = client_of(sandbox, **QUICK)
        site = open_site(database, stripe=stripe, regions=TWO_REGIONS)
        sandbox.control("POST", "/_sandbox/clock", now=int(site.clock.now().timestamp()))
        gift = open_pledge_of(database, "monthly", now=site.clock.now())
        pay(database, sandbox, stripe, gift, clock=site.clock, card=CARD)
        pledges = pledges_through(stripe, database, site.clock)
        desk = PledgeDesk(site, sandbox, stripe, site.signed_in(), gift, pledges)
        desk.later(minutes=1)
        yield desk
        stripe.close()
