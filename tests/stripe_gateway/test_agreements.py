"""A donor's agreement to debits starts one subscription; a failed first debit ends it."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlmodel import select

from donate.clock import FixedClock
from donate.gifts.models import Gift
from donate.gifts.monthly.pledge_state import PledgeState, pledge_of
from donate.gifts.queries import facts_of, plain_facts_of
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
from tests.stripe_gateway.polling import poller_of
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
        """Open a monthly gift and agree to its debits at Stripe, with or without the webhook."""
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
            facts = plain_facts_of(session, gift.id)
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
    poller = poller_of(database, client, inbox, settler, clock)
    yield Desk(database, sandbox, clock, client, agreements, poller)
    client.close()


def test_an_agreement_begins_the_debits_once(desk: Desk) -> None:
    """An agreement starts one subscription for the gift's amount, even if its events repeat."""
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
def test_an_unanswered_request_is_repeated(desk: Desk, path: str, kind: str) -> None:
    """A request that Stripe did not answer is retried, and only one subscription starts."""
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


def test_an_unrecorded_subscription_is_found(desk: Desk) -> None:
    """An unrecorded subscription is found at Stripe, even after its idempotency key expired."""
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


def test_two_workers_start_one_subscription(desk: Desk) -> None:
    """Two workers that handle the same agreement at once start one subscription."""
    desk.agreed()
    with ThreadPoolExecutor(2) as workers:
        counts = list(workers.map(lambda _: desk.agreements.ask_due(), range(2)))
    assert sum(counts) == 1
    assert len(desk.subscriptions()) == 1


def test_polling_replaces_the_webhook(desk: Desk) -> None:
    """If the webhook never arrives, polling the session finds the agreement and starts debits."""
    gift, _ = desk.agreed(is_delivered=False)
    assert desk.agreements.ask_due() == 0
    desk.poller.poll_gift(gift.id)
    assert desk.gift(gift).status == "processing"
    assert desk.agreements.ask_due() == 1
    assert desk.pledge(gift) is PledgeState.ACTIVE


def test_a_refused_first_debit_cancels_the_subscription(desk: Desk) -> None:
    """If the first debit is refused, the subscription is canceled; the donor can agree again."""
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


def test_a_failed_cancellation_is_retried(desk: Desk) -> None:
    """Canceling a subscription is retried until Stripe has done it."""
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
    """Debits start when the bank account is confirmed; if it never is, the gift fails."""
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
def test_an_agreement_that_is_too_old_starts_no_debits(desk: Desk, verified: bool) -> None:
    """An agreement that is weeks old starts no debits and is not polled any more."""
    gift, _ = desk.agreed(verified=verified)
    desk.clock.instant += GIVE_UP_AFTER + timedelta(minutes=1)
    desk.agreements.ask_due()
    assert desk.gift(gift).status == "failed"
    assert desk.subscriptions() == []
    assert desk.due() == [None]


def test_an_old_agreement_does_not_end_its_subscription(desk: Desk) -> None:
    """If the worker handles an old agreement again, the running subscription does not change."""
    gift, session_id = desk.agreed()
    desk.agreements.ask_due()
    desk.answer_debit(yes=True)
    desk.later(days=20)
    with desk.database.writing() as session:
        session.get_one(OpenAgreement, session_id).ask_at = desk.clock.now()
    desk.agreements.ask_due()
    assert desk.pledge(gift) is PledgeState.ACTIVE
    assert [one["status"] for one in desk.subscriptions()] == ["active"]


def test_a_refused_subscription_fails_the_gift(desk: Desk) -> None:
    """If Stripe refuses to create the subscription, the gift fails with Stripe's reason."""
    gift, session_id = desk.agreed()
    desk.trouble("400")
    assert desk.agreements.ask_due() == 1
    assert desk.gift(gift).status == "failed"
    with desk.database.reading() as session:
        (failed,) = [f for f in facts_of(session, gift.id) if f.kind == "payment_failed"]
    assert (failed.source_id, desk.subscriptions()) == (session_id, [])
    assert "reason" in failed.evidence
    assert desk.due() == [None]


def test_two_agreements_for_a_gift_start_one_subscription(desk: Desk) -> None:
    """A donor who agrees in two checkout sessions of one gift gets one subscription."""
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
