"""An agreement begins one subscription, and a failed first debit ends it."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlmodel import select

from donate.clock import FixedClock
from donate.gifts.models import Gift
from donate.gifts.pledges import PledgeState, pledge_of
from donate.gifts.queries import facts_of
from donate.storage.database import Database
from donate.stripe_gateway.client import StripeClient
from donate.stripe_gateway.models import OpenAgreement
from donate.stripe_gateway.requests.agreements import GIVE_UP_AFTER, Agreements
from donate.stripe_gateway.requests.billing import Billing
from donate.stripe_gateway.requests.checkout_polling import CheckoutPoller
from donate.stripe_gateway.webhooks.inbox import Inbox
from tests.sandbox.running import RunningSandbox
from tests.stripe_gateway.checkouts import checkouts_of, client_of
from tests.stripe_gateway.gifts_and_events import AMOUNT, gift_now, give, settler_of
from tests.stripe_gateway.refund_desk import QUICK, deliver_events, stripe_list

BEGIN = "/v1/subscriptions"


@dataclass
class Desk:
    database: Database
    sandbox: RunningSandbox
    clock: FixedClock
    client: StripeClient
    agreements: Agreements
    poller: CheckoutPoller

    def opened(self, gift: Gift | None = None) -> tuple[Gift, str]:
        gift = gift or give(self.database, attempts=0, mode="bank_debit", frequency="monthly")
        url = checkouts_of(self.database, self.client, self.clock).open_for(gift)
        return gift, url.rpartition("/")[2]

    def agreed(self, *, is_delivered: bool = True, **lever: Any) -> tuple[Gift, str]:
        """Open a monthly gift and agree on Stripe's page; its webhook may not be delivered."""
        gift, session_id = self.opened()
        self.sandbox.pay(session_id, outcome="processing", **lever)
        if is_delivered:
            self.deliver_events()
        return gift, session_id

    def deliver_events(self) -> None:
        deliver_events(self.database, self.sandbox, self.clock)

    def later(self, **delta: float) -> None:
        self.clock.instant += timedelta(**delta)
        self.sandbox.control("POST", "/_sandbox/clock", now=int(self.clock.instant.timestamp()))

    def trouble(self, kind: str, times: int = 1, path: str = BEGIN, method: str = "POST") -> None:
        lever: Any = {"path": path, "kind": kind, "times": times, "seconds": 3}
        self.sandbox.control("POST", "/_sandbox/trouble", method=method, **lever)

    def subscriptions(self) -> list[dict[str, Any]]:
        return stripe_list(self.sandbox, BEGIN, status="all")

    def answer_debit(self, *, yes: bool) -> None:
        invoice = self.subscriptions()[0]["latest_invoice"]
        self.sandbox.control("POST", f"/_sandbox/invoices/{invoice}/settle", succeed=yes)
        self.deliver_events()

    def gift(self, gift: Gift) -> Gift:
        return gift_now(self.database, gift)

    def pledge(self, gift: Gift) -> PledgeState:
        with self.database.reading() as session:
            facts = [row.as_fact() for row in facts_of(session, gift.id)]
        return pledge_of(facts, gift.amount).state

    def due(self) -> list[datetime | None]:
        with self.database.reading() as session:
            return list(session.exec(select(OpenAgreement.ask_at)))


@pytest.fixture
def desk(database: Database, sandbox: RunningSandbox) -> Iterator[Desk]:
    clock = FixedClock(datetime.now(UTC))
    client = client_of(sandbox, **QUICK)
    settler = settler_of(database, clock)
    inbox = Inbox(database, on_stored=lambda: None)
    agreements = Agreements(database, Billing(client), inbox, settler, clock)
    poller = CheckoutPoller(database, client, inbox, settler, clock)
    yield Desk(database, sandbox, clock, client, agreements, poller)
    client.close()


def test_an_agreement_begins_the_debits_once(desk: Desk) -> None:
    """An agreement becomes one subscription over the chosen amount, even if events repeat."""
    gift, session_id = desk.agreed()
    assert (desk.gift(gift).status, desk.pledge(gift)) == ("processing", PledgeState.NOT_BEGUN)
    assert desk.agreements.ask_due() == 1
    assert desk.pledge(gift) is PledgeState.ACTIVE
    (subscription,) = desk.subscriptions()
    assert subscription["items"]["data"][0]["price"]["unit_amount"] == AMOUNT
    assert subscription["metadata"] == {
        "gift_id": str(gift.id),
        "reference": gift.reference,
        "session": session_id,
    }
    for _ in range(3):
        desk.deliver_events()
        desk.later(hours=7)
        desk.agreements.ask_due()
    assert len(desk.subscriptions()) == 1
    assert desk.due() == [None]
    desk.answer_debit(yes=True)
    assert (desk.gift(gift).status, desk.gift(gift).received_minor) == ("confirmed", AMOUNT)


@pytest.mark.parametrize(
    "kind", ["500", "502_before", "reset_before", "reset_after", "429", "hang"]
)
@pytest.mark.parametrize("path", [BEGIN, "/v1/products"])
def test_what_stripe_does_not_answer_is_asked_again(desk: Desk, path: str, kind: str) -> None:
    """A request with an unknown outcome is repeated and creates one subscription."""
    gift, _ = desk.agreed()
    desk.trouble(kind, times=2, path=path)
    assert desk.agreements.ask_due() in (0, 1)
    desk.sandbox.control("DELETE", "/_sandbox/trouble")
    for _ in range(40):
        desk.later(hours=1)
        desk.agreements.ask_due()
    assert desk.pledge(gift) is PledgeState.ACTIVE
    assert len(desk.subscriptions()) == 1
    assert desk.due() == [None]


def test_killed_before_it_was_written_down(desk: Desk) -> None:
    """A subscription that we did not record is found at Stripe, even after the key expired."""
    gift, session_id = desk.agreed()
    desk.agreements.ask_due()
    with desk.database.writing() as session:
        session.get_one(OpenAgreement, session_id).ask_at = desk.clock.now()
    desk.later(days=3)
    desk.agreements.ask_due()
    assert len(desk.subscriptions()) == 1
    log = desk.sandbox.control("GET", "/_sandbox/requests")
    assert sum((one["method"], one["path"]) == ("POST", BEGIN) for one in log) == 1
    assert desk.pledge(gift) is PledgeState.ACTIVE


def test_two_workers_begin_once(desk: Desk) -> None:
    """Two workers at the same time create one subscription."""
    desk.agreed()
    with ThreadPoolExecutor(2) as workers:
        counts = list(workers.map(lambda _: desk.agreements.ask_due(), range(2)))
    assert sum(counts) == 1
    assert len(desk.subscriptions()) == 1


def test_a_webhook_that_never_comes(desk: Desk) -> None:
    """Without a webhook, polling the session finds the agreement, and its debits begin."""
    gift, _ = desk.agreed(is_delivered=False)
    assert desk.agreements.ask_due() == 0
    desk.poller.poll_gift(gift.id)
    assert desk.gift(gift).status == "processing"
    assert desk.agreements.ask_due() == 1
    assert desk.pledge(gift) is PledgeState.ACTIVE


def test_a_refused_first_debit_collects_nothing_ever(desk: Desk) -> None:
    """After a refused first debit the subscription is canceled, and the donor can agree again."""
    gift, session_id = desk.agreed()
    desk.agreements.ask_due()
    desk.answer_debit(yes=False)
    assert desk.gift(gift).status == "failed"
    desk.agreements.ask_due()
    (refused,) = desk.subscriptions()
    assert refused["status"] == "canceled"
    (invoice,) = stripe_list(desk.sandbox, "/v1/invoices")
    assert invoice["status"] == "void"
    assert desk.pledge(gift) is PledgeState.ENDED
    _, again = desk.opened(gift)
    assert again != session_id
    desk.sandbox.pay(again, outcome="processing")
    desk.deliver_events()
    desk.later(minutes=1)
    desk.agreements.ask_due()
    assert desk.pledge(gift) is PledgeState.ACTIVE
    assert sorted(one["status"] for one in desk.subscriptions()) == ["active", "canceled"]


def test_refused_while_stripe_cannot_end_it(desk: Desk) -> None:
    """A subscription that Stripe could not cancel yet is canceled later, once."""
    gift, _ = desk.agreed()
    desk.agreements.ask_due()
    desk.answer_debit(yes=False)
    (subscription,) = desk.subscriptions()
    desk.trouble("500", times=2, path=f"{BEGIN}/{subscription['id']}", method="DELETE")
    assert desk.agreements.ask_due() == 0
    desk.sandbox.control("DELETE", "/_sandbox/trouble")
    for _ in range(30):
        desk.later(hours=1)
        desk.agreements.ask_due()
    assert desk.subscriptions()[0]["status"] == "canceled"
    assert (desk.pledge(gift), desk.due()) == (PledgeState.ENDED, [None])


@pytest.mark.parametrize("succeeds", [True, False])
def test_an_account_that_the_bank_checks_for_days(desk: Desk, succeeds: bool) -> None:
    """Debits begin when the account is confirmed; if it never is, the gift fails."""
    gift, session_id = desk.agreed(verified=False)
    for _ in range(8):
        desk.agreements.ask_due()
        desk.later(hours=6)
    assert desk.subscriptions() == []
    desk.sandbox.control("POST", "/_sandbox/settle", session=session_id, succeed=succeeds)
    desk.later(hours=6)
    desk.agreements.ask_due()
    assert desk.gift(gift).status == ("processing" if succeeds else "failed")
    assert len(desk.subscriptions()) == succeeds
    assert desk.due() == [None]


@pytest.mark.parametrize("verified", [True, False])
def test_agreed_to_too_long_ago(desk: Desk, verified: bool) -> None:
    """An agreement that is weeks old begins no debits and is not polled any more."""
    gift, _ = desk.agreed(verified=verified)
    desk.clock.instant += GIVE_UP_AFTER + timedelta(minutes=1)
    desk.agreements.ask_due()
    assert desk.gift(gift).status == "failed"
    assert desk.subscriptions() == []
    assert desk.due() == [None]


def test_old_news_ends_nothing(desk: Desk) -> None:
    """An old agreement's repeated event does not change its running debits."""
    gift, session_id = desk.agreed()
    desk.agreements.ask_due()
    desk.answer_debit(yes=True)
    desk.later(days=20)
    with desk.database.writing() as session:
        session.get_one(OpenAgreement, session_id).ask_at = desk.clock.now()
    desk.agreements.ask_due()
    assert desk.pledge(gift) is PledgeState.ACTIVE
    assert [one["status"] for one in desk.subscriptions()] == ["active"]


def test_what_stripe_refuses_to_begin(desk: Desk) -> None:
    """If Stripe refuses to begin the debits, the gift fails and the reason is kept."""
    gift, session_id = desk.agreed()
    desk.trouble("400")
    assert desk.agreements.ask_due() == 1
    assert desk.gift(gift).status == "failed"
    with desk.database.reading() as session:
        (failed,) = [f for f in facts_of(session, gift.id) if f.kind == "payment_failed"]
    assert (failed.source_id, desk.subscriptions()) == (session_id, [])
    assert "reason" in failed.evidence
    assert desk.due() == [None]


def test_agreed_to_on_two_pages(desk: Desk) -> None:
    """A donor who agrees on two session pages is debited once."""
    gift, first = desk.opened()
    desk.later(hours=22, minutes=59)
    _, second = desk.opened(gift)
    assert first != second
    for session_id in (second, first):
        desk.sandbox.pay(session_id, outcome="processing")
    desk.deliver_events()
    for _ in range(3):
        desk.agreements.ask_due()
        desk.later(minutes=5)
    assert len(desk.subscriptions()) == 1
    assert (desk.gift(gift).status, desk.pledge(gift)) == ("processing", PledgeState.ACTIVE)
    desk.answer_debit(yes=True)
    assert (desk.gift(gift).received_minor, desk.gift(gift).flags) == (AMOUNT, "")
