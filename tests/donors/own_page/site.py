"""Runs the pages under /my-gifts with a fixed clock, and keeps the e-mails that they cause."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from fastapi.testclient import TestClient
from httpx2 import Response
from sqlmodel import SQLModel, select

from donate.app import build_app
from donate.clock import FixedClock
from donate.donors.own_page.link_mail import DonorLinkMailer
from donate.donors.own_page.models import DonorLink, DonorLinkRequest
from donate.errors import MailUnavailable
from donate.gifts.facts import FactKind
from donate.gifts.models import Gift
from donate.gifts.opening import open_gift
from donate.regions.regions import load_regions
from donate.storage.database import Database
from donate.wiring.parts import build_parts
from tests.gifts.samples import NOW, choose, fact, paid, record
from tests.letters.mailer import SENDER, SITE, plain
from tests.real_parts import make_settings

ANN = "ann@example.com"
STRANGER = "nobody@example.com"


@dataclass
class MemoryCarrier:
    """A carrier that keeps e-mails, or raises the next of `errors`."""

    messages: list[EmailMessage] = field(default_factory=list)
    errors: list[MailUnavailable] = field(default_factory=list)

    def carry(self, message: EmailMessage) -> None:
        if self.errors:
            raise self.errors.pop(0)
        self.messages.append(message)

    def hang_up(self) -> None: ...


@dataclass
class OwnPageSite:
    """The pages, as one browser sees them, and the worker that sends the links."""

    app: Any
    database: Database
    clock: FixedClock
    carrier: MemoryCarrier
    mailer: DonorLinkMailer
    browser: TestClient

    def get(self, path: str, **more: Any) -> Response:
        return self.browser.get(path, follow_redirects=False, **more)

    def post(self, path: str, data: dict[str, str] | None = None, **more: Any) -> Response:
        return self.browser.post(path, data=data, follow_redirects=False, **more)

    def ask(self, email: str = ANN, **more: str) -> Response:
        return self.post("/my-gifts", {"email": email, "lang": "en-CA"} | more)

    def link_for(self, email: str = ANN, **more: str) -> str:
        """Ask for a link, let the worker send it, and return the path of the e-mail's link."""
        assert self.ask(email, **more).status_code == 303
        self.send()
        return link_in(self.carrier.messages[-1])

    def open_gifts(self, email: str = ANN) -> str:
        """Use a link, and return the page with all gifts."""
        assert self.post(self.link_for(email)).status_code == 303
        return self.get("/my-gifts").text

    def send(self) -> None:
        while self.mailer.send_due():
            pass

    def wait(self, **how_long: float) -> None:
        self.clock.instant += timedelta(**how_long)

    def another_browser(self) -> TestClient:
        return TestClient(self.app)

    def give(self, email: str = ANN, *, now: datetime = NOW, **more: Any) -> Gift:
        with self.database.writing() as session:
            number = len(session.exec(select(Gift.id)).all())
            gift = open_gift(session, choose(email=email, **more), f"form-{number}", now=now)
            session.flush()
            session.expunge(gift)
            return gift

    def begin_pledge(self, status: str = "active", email: str = ANN) -> Gift:
        """Begin a monthly gift with a first payment; return its first gift."""
        first = self.give(email, frequency="monthly")
        name = f"sub_{first.reference}"
        ends = NOW + timedelta(days=31)
        evidence = {"subscription": name, "status": status, "month_ends_at": int(ends.timestamp())}
        record(
            self.database,
            first,
            paid(f"pi_{name}"),
            fact(FactKind.PLEDGE_STARTED, name),
            fact(FactKind.PLEDGE_CHANGED, f"evt_{name}", evidence=evidence),
        )
        return first

    def rows(self, model: type[SQLModel]) -> list[dict[str, Any]]:
        with self.database.reading() as session:
            return [row.model_dump() for row in session.exec(select(model))]

    def requests(self) -> list[dict[str, Any]]:
        return self.rows(DonorLinkRequest)

    def links(self) -> list[dict[str, Any]]:
        return self.rows(DonorLink)


def link_in(message: EmailMessage) -> str:
    """Return the path of the one-time link in an e-mail."""
    match = re.search(rf"{re.escape(SITE)}(/my-gifts/\S+)", plain(message))
    assert match, plain(message)
    return match[1]


@contextmanager
def own_page_site(database_url: str, folder: Path, **settings: Any) -> Iterator[OwnPageSite]:
    clock, carrier = FixedClock(NOW), MemoryCarrier()
    values = {"letters_folder": folder / "letters", "mail_from": SENDER} | settings
    made = make_settings(database_url, **values)
    parts = build_parts(made, clock)
    mailer = DonorLinkMailer(
        parts.database, load_regions(), clock, carrier, sender=SENDER, public_url=SITE
    )
    # Without its lifespan the application starts no worker, so the tests say when links are sent.
    app = build_app(parts, made)
    base_url = "https://testserver" if made.public_url.startswith("https") else "http://testserver"
    yield OwnPageSite(
        app, parts.database, clock, carrier, mailer, TestClient(app, base_url=base_url)
    )
    parts.close()
