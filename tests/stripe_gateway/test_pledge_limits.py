"""How often the page of a monthly gift may act at Stripe."""

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from donate.clock import FixedClock
from donate.errors import StripeUnavailable
from donate.storage.database import Database
from donate.stripe_gateway.models import Asker, PledgeAction
from donate.stripe_gateway.pledge_limits import MAX_ACTS, PledgeLimits
from donate.stripe_gateway.requests.billing import Billing
from donate.stripe_gateway.requests.pledge_changes import PledgeChanges
from donate.stripe_gateway.requests.pledge_requests import DonorChange
from donate.stripe_gateway.turns import Turns
from donate.stripe_gateway.webhooks.inbox import Inbox
from tests.links import links_at
from tests.sandbox.running import RunningSandbox
from tests.stripe_gateway.checkouts import client_of
from tests.stripe_gateway.gifts_and_events import give, settler_of
from tests.stripe_gateway.refund_desk import CARD, QUICK, pay

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def test_a_page_may_act_six_times_a_minute(database: Database) -> None:
    """A seventh act within a minute is refused, and other monthly gifts are not affected."""
    clock = FixedClock(NOW)
    limits = PledgeLimits(Turns(database, Asker.DONORS), clock)
    pledge, other = uuid.uuid4(), uuid.uuid4()
    for _ in range(MAX_ACTS):
        assert limits.may_act(pledge)
        clock.instant += timedelta(seconds=5)
    assert not limits.may_act(pledge)
    assert limits.may_act(other)
    clock.instant = NOW + timedelta(seconds=59)
    assert not limits.may_act(pledge)
    clock.instant = NOW + timedelta(seconds=60)
    assert limits.may_act(pledge)
    assert not limits.may_act(pledge)


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(datetime.now(UTC))


@pytest.fixture
def pledges(
    database: Database, sandbox: RunningSandbox, clock: FixedClock
) -> Iterator[PledgeChanges]:
    client = client_of(sandbox, **QUICK)
    yield PledgeChanges(
        *(database, Billing(client), Inbox(database, on_stored=lambda: None)),
        *(settler_of(database, clock), clock),
        links=links_at("https://give.example.org"),
        limits=PledgeLimits(Turns(database, Asker.DONORS), clock),
    )
    client.close()


def test_a_change_too_many_is_left_to_the_worker(
    pledges: PledgeChanges, database: Database, sandbox: RunningSandbox, clock: FixedClock
) -> None:
    """After six acts in a minute, a change is saved and made later, and no card page opens."""
    gift = give(database, attempts=0, frequency="monthly")
    client = client_of(sandbox, **QUICK)
    pay(database, sandbox, client, gift, clock=clock, card=CARD)
    client.close()
    acts = [PledgeAction.PAUSE, PledgeAction.RESUME] * (MAX_ACTS // 2)
    assert [pledges.change(gift, DonorChange(act)) for act in acts] == [True] * MAX_ACTS
    sandbox.control("DELETE", "/_sandbox/requests")
    assert pledges.change(gift, DonorChange(PledgeAction.PAUSE)) is False
    assert not pledges.methods.use_new_card(gift)
    with pytest.raises(StripeUnavailable):
        pledges.methods.card_page(gift)
    assert sandbox.control("GET", "/_sandbox/requests") == []
    assert pledges.is_open(gift)
    clock.instant += timedelta(minutes=1)
    assert pledges.ask_due() == 1
    assert not pledges.is_open(gift)
