"""The whole application while strangers attack, and what its pages of a challenge hold."""

import html
import re
from itertools import count

from fastapi.testclient import TestClient
from httpx2 import Response
from sqlmodel import func, select

from donate.app import create_app
from donate.breaker.counters import add_counts
from donate.breaker.levels import pressure_name
from donate.breaker.models import Lane
from donate.clock import FixedClock
from donate.errors import ChallengeNeeded
from donate.gifts.models import Gift
from donate.storage.database import Database
from tests.breaker.attempts import NOW
from tests.keys import key_of
from tests.real_parts import make_settings

FORM = {
    "preset": "2500",
    "name": "Ann Lee & Sons",
    "email": "ann@example.org",
    "country": "CA",
    "frequency": "once",
    "mode": "card",
    "note": "“For Zoë”",
}
GIFT = {
    "code": "LWCAN",
    "mode": "card",
    "amount_minor": 2500,
    "currency": "CAD",
    "frequency": "once",
    "country": "CA",
    "donor": {"name": "Ann Lee", "email": "ann@example.org"},
}


class AttackedSite:
    """The whole application with small limits, and visitors from networks of their own."""

    def __init__(self, url: str, **more: str) -> None:
        self.clock = FixedClock(NOW)
        limits = {"card_gifts_per_network": 12, "card_gifts_in_all": 12}
        self.settings = make_settings(url, **limits, **more)
        self.app = create_app(self.settings, self.clock)
        self.database = Database(url)
        self._numbers = count()

    def visitor(self, address: str = "203.0.113.5") -> TestClient:
        return TestClient(self.app, client=(address, 50_000), follow_redirects=False)

    def give(self, address: str = "203.0.113.5", **more: str) -> Response:
        form = FORM | {"nonce": f"a-nonce-of-its-own-{next(self._numbers):04}"} | more
        return self.visitor(address).post("/give/LWCAN", data=form)

    def give_by_program(self, address: str = "203.0.113.5", **headers: str) -> Response:
        key = {"Idempotency-Key": key_of(f"gift {next(self._numbers)}")}
        return self.visitor(address).post("/api/v1/gifts", json=GIFT, headers=key | headers)

    def attack(self) -> None:
        """Let strangers have opened gifts, so that everybody is challenged from now on."""
        with self.database.writing() as session:
            add_counts(session, {pressure_name(Lane.STRIPE, "opened"): 12}, self.clock.now())

    def gifts(self) -> int:
        with self.database.reading() as session:
            return session.exec(select(func.count()).select_from(Gift)).one()


def hidden(page: Response) -> dict[str, str]:
    fields = re.findall(r'type="hidden" name="(\w+)"(?: id="\w+")? value="([^"]*)"', page.text)
    return {name: html.unescape(value) for name, value in fields}


def needed_by(page: Response) -> ChallengeNeeded:
    bits = re.search(r'data-bits="(\d+)"', page.text)
    assert bits, page.text
    return ChallengeNeeded(hidden(page)["proof"], int(bits[1]), 0)
