"""A service and a sandbox that share one clock; the sandbox never delivers webhooks."""

import random
import threading
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlmodel import select

from donate.clock import FixedClock
from donate.gifts.audit import differences
from donate.gifts.choosing.choice import check_choice
from donate.gifts.disputes import disputes_of
from donate.gifts.facts import FactKind
from donate.gifts.models import Gift, GiftFact
from donate.gifts.opening import open_gift
from donate.gifts.queries import gift_by_id
from donate.money import Money
from donate.regions.regions import Frequency, Region, load_regions
from donate.storage.database import Database
from donate.stripe_gateway.catchup.catchup import Catchup
from donate.stripe_gateway.catchup.lists import StripeLists
from donate.stripe_gateway.catchup.runs import Report
from donate.stripe_gateway.client import StripeClient
from donate.stripe_gateway.requests.checkout import Checkouts
from donate.stripe_gateway.webhooks.inbox import Inbox
from donate.stripe_gateway.webhooks.settle import Settler
from tests.real_parts import SECRET_KEY
from tests.sandbox.running import RunningSandbox
from tests.stripe_gateway.checkouts import checkouts_of, client_of
from tests.stripe_gateway.gifts_and_events import settler_of

EVENTS = "/v1/events"
HOUR = timedelta(hours=1)


@dataclass
class Away:
    database: Database
    sandbox: RunningSandbox
    clock: FixedClock
    regions: dict[str, Region]
    client: StripeClient
    checkouts: Checkouts
    lists: StripeLists
    settler: Settler
    inbox: Inbox
    catchup: Catchup
    waits: list[float]
    rng: random.Random = field(default_factory=lambda: random.Random(7))
    lines: list[str] = field(default_factory=list)

    def another(self) -> Catchup:
        """Return a catch-up like the one that a second process of the service would run."""
        return Catchup(
            self.database, self.lists, self.inbox, self.settler, self.clock, livemode=False
        )

    def move_to(self, instant: datetime) -> None:
        self.clock.instant = instant
        self.sandbox.control("POST", "/_sandbox/clock", now=int(instant.timestamp()))

    def later(self, delta: timedelta) -> None:
        self.move_to(self.clock.instant + delta)

    def open(
        self,
        currency: str = "CAD",
        amount_minor: int = 5_000,
        frequency: str = "once",
        mode: str = "card",
    ) -> tuple[Gift, str]:
        """Open a gift and its checkout session; return the gift and the session's id."""
        choice = check_choice(
            self.regions[currency],
            mode=mode,
            amount=Money(amount_minor, currency),
            frequency=frequency,
            country="CA",
            language="en-CA",
            name="Ann Lee",
            email="ann@example.com",
        )
        with self.database.writing() as session:
            gift = open_gift(session, choice, f"form-{uuid.uuid4()}", now=self.clock.now())
        return gift, self.checkouts.open_for(gift).rpartition("/")[2]

    def paid(self, currency: str = "CAD", amount_minor: int = 5_000) -> tuple[Gift, str]:
        """Return a paid gift and its payment intent."""
        gift, session_id = self.open(currency, amount_minor)
        return gift, str(self.sandbox.pay(session_id)["charge"]["payment_intent"])

    def refund(self, intent: str, **lever: Any) -> str:
        answer = self.sandbox.control("POST", "/_sandbox/refund", payment_intent=intent, **lever)
        return str(answer["refund"]["id"])

    def dispute(self, intent: str, outcome: str = "", **lever: Any) -> str:
        answer = self.sandbox.control("POST", "/_sandbox/dispute", payment_intent=intent, **lever)
        dispute_id = str(answer["dispute"]["id"])
        if outcome:
            self.later(HOUR)
            self.go_on(dispute_id, outcome=outcome)
        return dispute_id

    def go_on(self, dispute_id: str, how: str = "", **lever: Any) -> None:
        """Take the step `how` of a dispute (escalate, answer, revise), or end the dispute."""
        path = f"/_sandbox/dispute/{dispute_id}" + (f"/{how}" if how else "")
        self.sandbox.control("POST", path, **lever)

    def live(self, gifts: int, days: float) -> None:
        """Open and pay `gifts` gifts over `days` days; some fail, are refunded or are disputed."""
        pause = timedelta(days=days) / gifts
        for number in range(gifts):
            begun = self.clock.instant
            self._one_more(number)
            self.move_to(max(self.clock.instant, begun + pause))

    def _one_more(self, number: int) -> None:
        currency = "USD" if number % 3 == 0 else "CAD"
        amount = self.rng.randrange(200, 100_000)
        match number % 12:
            case 8:
                self.open(currency, amount)  # The donor never pays.
            case 9:
                _, session_id = self.open(currency, amount)
                self.sandbox.pay(session_id, outcome="declined")
            case 10 | 11:
                _, session_id = self.open(currency, amount)
                self.sandbox.pay(session_id, outcome="processing")
                self.later(HOUR)
                succeeds = number % 12 == 10
                self.sandbox.control(
                    "POST", "/_sandbox/settle", session=session_id, succeed=succeeds
                )
            case _:
                _, intent = self.paid(currency, amount)
                self._return(number % 8, intent, amount)

    def _return(self, how: int, intent: str, amount: int) -> None:
        match how:
            case 1:
                self.refund(intent)
            case 2:
                for part in (amount // 3, amount // 4):
                    self.refund(intent, amount=part)
            case 3:
                self.dispute(intent)
            case 4:
                self.dispute(intent, "won")
            case 5:
                self.dispute(intent, "lost")
            case 6:
                self.refund(intent, status="failed")
                pending = self.refund(intent, amount=amount // 2, status="pending")
                address = f"/_sandbox/refund/{pending}"
                self.sandbox.control("POST", address, status="succeeded")
            case 7:
                inquiry = self.dispute(intent, inquiry=True)
                self.later(HOUR / 4)
                self.go_on(inquiry, "escalate")
                self.later(HOUR / 4)
                self.go_on(inquiry, outcome="lost")
                self.later(HOUR / 4)
                self.go_on(inquiry, "revise", outcome="won")

    def run(self, since: datetime | None = None) -> Report:
        """Run one catch-up to its end, and return its report."""
        (report,) = self.catchup.run(since, self.lines.append)
        return report

    def events(self) -> list[dict[str, Any]]:
        """Return every event that the sandbox lists, which are those of the last 30 days."""
        events: list[dict[str, Any]] = []
        params: dict[str, Any] = {"limit": 100}
        while True:
            answer = self.sandbox.http.get(
                EVENTS, params=params, headers={"authorization": f"Bearer {SECRET_KEY}"}
            )
            page = answer.raise_for_status().json()
            events += page["data"]
            if not page["has_more"]:
                return events
            params["starting_after"] = events[-1]["id"]

    def trouble(self, kind: str, times: int, path: str = "/v1/*", seconds: float = 0.4) -> None:
        self.sandbox.control(
            "POST",
            "/_sandbox/trouble",
            path=path,
            method="GET",
            kind=kind,
            times=times,
            seconds=seconds,
        )

    def calls(self, path: str) -> int:
        """Return how many GET requests the sandbox got for this path."""
        log = self.sandbox.control("GET", "/_sandbox/requests")
        return sum((one["method"], one["path"]) == ("GET", path) for one in log)

    def gift(self, gift: Gift) -> Gift:
        with self.database.reading() as session:
            row = gift_by_id(session, gift.id)
            assert row is not None
            return row

    def statuses(self) -> Counter[str]:
        with self.database.reading() as session:
            return Counter(session.exec(select(Gift.status)))


def check_totals(away: Away) -> None:
    """Check that our facts and the sandbox have equal totals of payments, refunds and disputes."""
    with away.database.reading_snapshot() as session:
        assert list(differences(session)) == []
    theirs = their_totals(away.sandbox)
    assert theirs
    assert our_totals(away.database) == theirs


def their_totals(sandbox: RunningSandbox) -> dict[str, dict[str, int]]:
    totals = sandbox.control("GET", "/_sandbox/state")["totals"]
    return {
        currency.upper(): {name: sums[name] for name in ("paid", "refunded", "disputed")}
        for currency, sums in totals.items()
    }


def our_totals(database: Database) -> dict[str, dict[str, int]]:
    with database.reading() as session:
        facts = list(session.exec(select(GiftFact)))
    failed = {fact.source_id for fact in facts if fact.kind == FactKind.REFUND_FAILED}
    names = {
        FactKind.PAYMENT_SUCCEEDED: "paid",
        FactKind.REFUND_SUCCEEDED: "refunded",
    }
    amounts = {
        (names[FactKind(fact.kind)], fact.source_id): (fact.currency, fact.amount_minor)
        for fact in facts
        if fact.kind in names and fact.source_id not in failed
    } | {
        ("disputed", dispute.id): (dispute.fact.currency, dispute.fact.amount_minor)
        for dispute in disputes_of(fact.as_fact() for fact in facts)
        if dispute.has_money
    }
    sums: dict[str, dict[str, int]] = {}
    for (name, _), (currency, amount) in amounts.items():
        assert currency is not None
        assert amount is not None
        ours = sums.setdefault(currency, dict.fromkeys(("paid", "refunded", "disputed"), 0))
        ours[name] += amount
    return sums


@contextmanager
def going_away(database: Database, sandbox: RunningSandbox, *, days_ago: float) -> Iterator[Away]:
    """Yield a service and a sandbox whose clocks are `days_ago` days behind the present."""
    clock = FixedClock(datetime.now(UTC).replace(microsecond=0) - timedelta(days=days_ago))
    client = client_of(sandbox, deadline_s=3.0, per_attempt_s=0.3)
    waits: list[float] = []

    def wait(stopping: threading.Event, seconds: float) -> bool:
        waits.append(seconds)
        return stopping.is_set()

    lists = StripeLists(client, wait)
    settler = settler_of(database, clock)
    inbox = Inbox(database, on_stored=lambda: None)
    away = Away(
        database=database,
        sandbox=sandbox,
        clock=clock,
        regions=_regions(),
        client=client,
        checkouts=checkouts_of(database, client, clock),
        lists=lists,
        settler=settler,
        inbox=inbox,
        catchup=Catchup(database, lists, inbox, settler, clock, livemode=False),
        waits=waits,
    )
    away.move_to(clock.instant)
    try:
        yield away
    finally:
        client.close()


def _regions() -> dict[str, Region]:
    """Return a region for each currency: the shipped LWCAN for CAD, and a copy of it for USD."""
    shipped = load_regions()["LWCAN"].model_copy(update={"frequencies": list(Frequency)})
    return {"CAD": shipped, "USD": shipped.model_copy(update={"currency": "USD"})}
