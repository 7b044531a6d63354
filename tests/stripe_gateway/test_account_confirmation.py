"""A bank account that needs small deposits: the donor learns how to confirm it."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from donate.clock import FixedClock
from donate.gifts.account_confirmation import Confirmation, confirmation_due, was_never_confirmed
from donate.gifts.facts import Fact
from donate.gifts.models import Gift
from donate.gifts.queries import facts_of
from donate.storage.database import Database
from donate.stripe_gateway.client import StripeClient
from donate.stripe_gateway.requests.agreements import GIVE_UP_AFTER, Agreements
from donate.stripe_gateway.requests.billing import Billing
from donate.stripe_gateway.requests.checkout_polling import CheckoutPoller
from donate.stripe_gateway.webhooks.inbox import Inbox
from tests.real_parts import SECRET_KEY
from tests.sandbox.running import RunningSandbox
from tests.stripe_gateway.checkouts import checkouts_of, client_of
from tests.stripe_gateway.gifts_and_events import give, settle, settler_of
from tests.stripe_gateway.polling import World
from tests.stripe_gateway.refund_desk import stripe_list


class Branch(World):
    """A world where banks cannot verify an account immediately."""

    agreements: Agreements

    def agreed(self, frequency: str = "once") -> tuple[Gift, str]:
        """Give an account on Stripe's page; only the session's own event is delivered."""
        gift = give(self.database, attempts=0, mode="bank_debit", frequency=frequency)
        url = checkouts_of(self.database, self.client, self.clock).open_for(gift)
        session_id = url.rpartition("/")[2]
        self.sandbox.pay(session_id, outcome="processing", verified=False)
        events = stripe_list(self.sandbox, "/v1/events", type="checkout.session.completed")
        settle(self.database, *events, clock=self.clock)
        return gift, session_id

    def work(self) -> None:
        """Run what the worker would run."""
        self.poller.ask_due()
        self.agreements.ask_due()
        self.settle()

    def confirm(self, session_id: str, *, confirms: bool) -> None:
        self.sandbox.control("POST", "/_sandbox/settle", session=session_id, succeed=confirms)

    def facts(self, gift: Gift) -> list[Fact]:
        with self.database.reading() as session:
            return [row.as_fact() for row in facts_of(session, gift.id)]

    def due(self, gift: Gift) -> Confirmation | None:
        return confirmation_due(self.facts(gift))


def branch_of(database: Database, sandbox: RunningSandbox, client: StripeClient) -> Branch:
    clock = FixedClock(datetime.now(UTC))
    settler = settler_of(database, clock)
    inbox = Inbox(database, on_stored=lambda: None)
    poller = CheckoutPoller(database, client, inbox, settler, clock)
    branch = Branch(database, sandbox, clock, client, settler, poller)
    branch.agreements = Agreements(database, Billing(client), inbox, settler, clock)
    return branch


@pytest.fixture
def branch(database: Database, sandbox: RunningSandbox) -> Iterator[Branch]:
    client = client_of(sandbox)
    yield branch_of(database, sandbox, client)
    client.close()


@pytest.mark.parametrize("frequency", ["once", "monthly"])
def test_the_donor_is_told_at_once_and_until_it_is_done(branch: Branch, frequency: str) -> None:
    """Stripe is polled once the debit is agreed to, and the link leads to Stripe's page."""
    gift, session_id = branch.agreed(frequency)
    branch.work()
    due = branch.due(gift)
    assert due is not None
    assert branch.sandbox.http.get(due.url).status_code == 200
    assert due.arrives_on == (branch.clock.now() + timedelta(days=2)).date()
    assert not due.by_code
    answer = branch.sandbox.http.post(due.url, data={"first": "1", "second": "2"})
    assert answer.status_code == 422
    branch.later(hours=6)
    branch.work()
    assert branch.due(gift) == due
    answer = branch.sandbox.http.post(due.url, data={"first": "45", "second": "32"})
    assert answer.status_code == 303
    branch.later(hours=25)
    branch.work()
    assert branch.due(gift) is None
    assert branch.status(gift) == "processing"
    if frequency == "once":
        branch.confirm(session_id, confirms=True)  # the bank confirms the debit
        branch.later(hours=25)
        branch.work()
        assert branch.status(gift) == "confirmed"
    else:
        assert len(stripe_list(branch.sandbox, "/v1/subscriptions")) == 1
    assert not was_never_confirmed(branch.facts(gift))


@pytest.mark.parametrize("frequency", ["once", "monthly"])
def test_an_account_that_nobody_confirms_is_the_reason(branch: Branch, frequency: str) -> None:
    """After ten days without confirmation the gift fails for that reason, without any webhook."""
    gift, session_id = branch.agreed(frequency)
    branch.work()
    branch.later(days=10)
    branch.work()
    assert branch.due(gift) is not None
    branch.confirm(session_id, confirms=False)
    branch.later(hours=25)
    branch.work()
    assert branch.status(gift) == "failed"
    assert branch.due(gift) is None
    assert was_never_confirmed(branch.facts(gift))
    branch.later(days=GIVE_UP_AFTER.days)
    branch.work()
    assert branch.status(gift) == "failed"


@pytest.mark.parametrize("frequency", ["once", "monthly"])
def test_no_donor_is_sent_to_a_host_that_nobody_named(
    database: Database, sandbox: RunningSandbox, frequency: str
) -> None:
    """A link to an unknown host is omitted; the donor still learns that confirmation is due."""
    opening, client = client_of(sandbox), StripeClient(SECRET_KEY, sandbox.url, ("elsewhere",))
    gift, _ = branch_of(database, sandbox, opening).agreed(frequency)
    branch = branch_of(database, sandbox, client)
    branch.work()
    due = branch.due(gift)
    assert due is not None
    assert due.url == ""
    for each in (opening, client):
        each.close()


def test_an_account_confirmed_at_once_asks_for_nothing(branch: Branch) -> None:
    """If the bank verifies the account immediately, the donor has nothing to do."""
    gift, session_id = branch.opened("bank_debit")
    branch.sandbox.pay(session_id, outcome="processing")
    events = stripe_list(branch.sandbox, "/v1/events", type="checkout.session.completed")
    settle(branch.database, *events, clock=branch.clock)
    branch.work()
    assert branch.due(gift) is None
    assert "account_confirmed" in {fact.kind for fact in branch.facts(gift)}
