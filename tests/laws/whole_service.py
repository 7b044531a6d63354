"""The whole service in the test's process, with a pretend Stripe and a clock that tests set.

Nothing runs in the background: tests call the worker's jobs, and a crash loses everything that is
not on disk. The pretend Stripe's totals are the expected result.
"""

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from sqlmodel import select
from starlette.testclient import TestClient

from donate.app import build_app
from donate.clock import FixedClock
from donate.errors import Unavailable
from donate.gifts.audit import differences
from donate.gifts.models import Gift, GiftFact
from donate.settings import Settings
from donate.storage.constraints import broken_constraints
from donate.storage.database import Database
from donate.stripe_gateway.catchup.runs import Report
from donate.stripe_gateway.models import EventState, StripeEvent
from donate.wiring.parts import Parts, build_parts
from tests.keys import key_of
from tests.real_parts import SECRET_KEY, WEBHOOK_SECRET, make_settings
from tests.sandbox.running import RunningSandbox
from tests.stripe_gateway.gifts_and_events import sign
from tests.stripe_gateway.service import WEBHOOK_PATH
from tests.stripe_gateway.without_webhooks import our_totals, their_totals

REGIONS = Path(__file__).with_name("regions.toml")
BEGIN = datetime.now(UTC).replace(microsecond=0) - timedelta(days=20)
# The HTTP status of the API's answer if the gift is recorded, but Stripe cannot be reached.
LATER = 503


@dataclass
class Whole:
    """The service, its pretend Stripe, and how many answers had each HTTP status."""

    settings: Settings
    sandbox: RunningSandbox
    clock: FixedClock
    parts: Parts = field(init=False)
    web: TestClient = field(init=False)
    answers: Counter[int] = field(default_factory=Counter)

    def start(self) -> None:
        self.parts = build_parts(self.settings, self.clock)
        self.parts.inbox.start()
        # The client is not entered as a context manager, which would start the worker.
        self.web = TestClient(build_app(self.parts, self.settings), raise_server_exceptions=False)

    def crash(self) -> None:
        """Stop the service, which loses everything that is not on disk, and start it again."""
        self.stop()
        self.start()

    def stop(self) -> None:
        self.parts.inbox.stop()
        self.parts.close()

    def pass_time(self, delta: timedelta) -> None:
        """Advance the clocks of the service and of the pretend Stripe."""
        self.clock.instant += delta
        self.tell_stripe_the_time()

    def tell_stripe_the_time(self) -> None:
        self.pull("clock", now=int(self.clock.instant.timestamp()))

    def pull(self, control: str, **more: Any) -> dict[str, Any] | None:
        """Send a control request to the pretend Stripe; return the answer, or None if refused."""
        answer = self.sandbox.http.post(f"/_sandbox/{control}", json=more)
        assert answer.is_success or answer.is_client_error, answer.text
        body: dict[str, Any] = answer.json()
        return body if answer.is_success else None

    def give(
        self, key: str, *, amount_minor: int, frequency: str = "once", mode: str = "card"
    ) -> str | None:
        """Give through the API; return the checkout session's id, or None if there is none."""
        answer = self.web.post(
            "/api/v1/gifts",
            json={
                "code": "LWCAN",
                "mode": mode,
                "amount_minor": amount_minor,
                "currency": "CAD",
                "frequency": frequency,
                "country": "CA",
                "donor": {"name": "Ann Lee", "email": "ann@example.com"},
            },
            headers={"Idempotency-Key": key_of(key)},
        )
        self.answers[answer.status_code] += 1
        is_old = answer.status_code == 422 and "more than a day ago" in answer.text
        assert answer.status_code in (201, 409, LATER) or is_old, answer.text
        if answer.status_code != 201:
            # The gift is already paid, its key is too old, or Stripe cannot be reached.
            return None
        return str(urlsplit(answer.json()["next"]["url"]).path.rpartition("/")[2])

    def events(self) -> list[dict[str, Any]]:
        """Return the newest hundred events that Stripe lists, the newest first."""
        return self._list("events")

    def listed(self, path: str) -> list[str]:
        """Return the ids of the newest hundred objects in this list of Stripe's."""
        return [thing["id"] for thing in self._list(path)]

    def _list(self, path: str) -> list[dict[str, Any]]:
        answer = self.sandbox.http.get(
            f"/v1/{path}",
            params={"limit": 100},
            headers={"authorization": f"Bearer {SECRET_KEY}"},
        )
        objects: list[dict[str, Any]] = answer.raise_for_status().json()["data"]
        return objects

    def deliver(self, event: dict[str, Any], *, secret: str = WEBHOOK_SECRET) -> int:
        """Deliver an event to the webhook endpoint; return the status of the answer."""
        body = json.dumps(event).encode()
        answer = self.web.post(
            WEBHOOK_PATH,
            content=body,
            headers={"stripe-signature": sign(body, secret, self.clock.instant.timestamp())},
        )
        self.answers[answer.status_code] += 1
        return answer.status_code

    def go_round(self) -> None:
        """Run each of the worker's jobs once."""
        for job in (
            self.parts.settler.settle_due,
            self.parts.poller.ask_due,
            self.parts.refunds.ask_due,
        ):
            try:
                job()
            except Unavailable:
                self.answers[LATER] += 0  # the next call of `go_round` runs the job again

    def catch_up(self) -> list[Report]:
        """Run a catch-up, and then the worker's jobs until no event is waiting."""
        self.sandbox.control("DELETE", "/_sandbox/trouble")
        reports = self.parts.catchup.run(BEGIN - timedelta(days=1))
        for _ in range(40):
            self.go_round()
            if not self._waiting():
                break
            self.pass_time(timedelta(hours=2))
        return reports

    def _waiting(self) -> bool:
        with self.parts.database.reading() as session:
            waiting = select(StripeEvent.id).where(StripeEvent.state == EventState.WAITING)
            return session.exec(waiting.limit(1)).first() is not None


def check_books(whole: Whole) -> None:
    """Check that our totals match Stripe's to the cent, and that no answer was a 500."""
    database: Database = whole.parts.database
    theirs, ours = their_totals(whole.sandbox), our_totals(database)
    assert ours == {currency: sums for currency, sums in theirs.items() if any(sums.values())}
    with database.reading_snapshot() as session:
        assert list(differences(session)) == []
        assert list(broken_constraints(session)) == []
        facts = session.exec(select(GiftFact.kind, GiftFact.source_id)).all()
        received = sum(gift.received_minor for gift in session.exec(select(Gift)))
    assert len(set(facts)) == len(facts)
    assert received == sum(sums["paid"] for sums in theirs.values())
    assert {status for status in whole.answers if status >= 500} <= {LATER}


@contextmanager
def running_whole(database_url: str, sandbox: RunningSandbox) -> Iterator[Whole]:
    """Run the service on this database, after a reset of the pretend Stripe."""
    sandbox.control("DELETE", "/_sandbox/state")
    settings = make_settings(
        database_url,
        stripe_api_base=sandbox.url,
        checkout_hosts=urlsplit(sandbox.url).netloc,
        regions_file=REGIONS,
    )
    whole = Whole(settings, sandbox, FixedClock(BEGIN))
    whole.tell_stripe_the_time()
    whole.start()
    try:
        yield whole
    finally:
        whole.stop()
