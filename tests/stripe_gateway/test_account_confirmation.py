"""A donor learns how to confirm a bank account that Stripe verifies by small deposits."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from donate.clock import FixedClock
from donate.gifts.account_confirmation import Confirmation, confirmation_due, was_never_confirmed
from donate.gifts.facts import Fact
from donate.gifts.models import Gift
from donate.gifts.queries import plain_facts_of
from donate.storage.database import Database
from donate.stripe_gateway.client import StripeClient
from donate.stripe_gateway.requests.agreements import GIVE_UP_AFTER, Agreements
from donate.stripe_gateway.requests.billing import Billing
from donate.stripe_gateway.webhooks.inbox import Inbox
from tests.real_parts import SECRET_KEY
from tests.sandbox.running import RunningSandbox
from tests.stripe_gateway.checkouts import checkouts_of, client_of
from tests.stripe_gateway.gifts_and_events import give, settle, settler_of
from tests.stripe_gateway.polling import World, poller_of
from tests.stripe_gateway.refund_desk import stripe_list


class Branch(World):
    """The service, and a sandbox whose bank needs days to verify an account."""

    agreements: Agreements

    def agreed(self, frequency: str = "once") -> tuple[Gift, str]:
        """Enter a bank account at Stripe; settle only the event checkout.session.completed."""
        gift = give(self.database, attempts=0, mode="bank_debit", frequency=frequency)
        url = checkouts_of(self.database, self.client, self.clock).open_for(gift)
        session_id = url.rpartition("/")[2]
        self.sandbox.pay(session_id, outcome="processing", verified=False)
        events = stripe_list(self.sandbox, "/v1/events", type="checkout.session.completed")
        settle(self.database, *events, clock=self.clock)
        return gift, session_id

    def work(self) -> None:
        """Do what the worker does: poll sessions and agreements, and settle events."""
        self.poller.ask_due()
        self.agreements.ask_due()
        self.settle()

    def confirm(self, session_id: str, *, confirms: bool) -> None:
        self.sandbox.control("POST", "/_sandbox/settle", session=session_id, succeed=confirms)

    def facts(self, gift: Gift) -> list[Fact]:
        with self.database.reading() as session:
            return plain_facts_of(session, gift.id)

    def due(self, gift: Gift) -> Confirmation | None:
        return confirmation_due(self.facts(gift))


def branch_of(database: Database, sandbox: RunningSandbox, client: StripeClient) -> Branch:
    clock = FixedClock(datetime.now(UTC))
    settler = settler_of(database, clock)
    inbox = Inbox(database, on_stored=lambda: None)
    poller = poller_of(database, client, inbox, settler, clock)
    branch = Branch(database, sandbox, clock, client, settler, poller)
    branch.agreements = Agreements(database, Billing(client), inbox, settler, clock)
    return branch


@pytest.fixture
def branch(database: Database, sandbox: RunningSandbox) -> Iterator[Branch]:
    client = client_of(sandbox)
    yield branch_of(database, sandbox, client)
    client.close()


@pytest.mark.parametrize("frequency", ["once", "monthly"])
def test_a_donor_gets_the_link_until_the_account_is_confirmed(
    branch: Branch, frequency: str
) -> None:
    """From the first poll on, the donor has a link to confirm the bank account until they do."""
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
        branch.confirm(session_id, confirms=True)
        branch.later(hours=25)
        branch.work()
        assert branch.status(gift) == "confirmed"
    else:
        assert len(stripe_list(branch.sandbox, "/v1/subscriptions")) == 1
    assert not was_never_confirmed(branch.facts(gift))


@pytest.mark.parametrize("frequency", ["once", "monthly"])
def test_a_gift_fails_when_nobody_confirms_the_account(branch: Branch, frequency: str) -> None:
    """If nobody confirms the bank account in ten days, the gift fails with that as the reason."""
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
def test_a_confirmation_link_to_an_unknown_host_is_not_shown(
    database: Database, sandbox: RunningSandbox, frequency: str
) -> None:
    """A confirmation link to an unknown host is left out, but the confirmation is still due."""
    opening, client = client_of(sandbox), StripeClient(SECRET_KEY, sandbox.url, ("elsewhere",))
    gift, _ = branch_of(database, sandbox, opening).agreed(frequency)
    branch = branch_of(database, sandbox, client)
    branch.work()
    due = branch.due(gift)
    assert due is not None
    assert due.url == ""
    for each in (opening, client):
        each.close()


def test_an_account_verified_at_once_needs_no_confirmation(branch: Branch) -> None:
    """If the bank verifies the account immediately, the donor has nothing to confirm."""
    gift, session_id = branch.opened("bank_debit")
    branch.sandbox.pay(session_id, outcome="processing")
    events = stripe_list(branch.sandbox, "/v1/events", type="checkout.session.completed")
    settle(branch.database, *events, clock=branch.clock)
    branch.work()
    assert branch.due(gift) is None
    assert "account_confirmed" in {fact.kind for fact in branch.facts(gift)}
