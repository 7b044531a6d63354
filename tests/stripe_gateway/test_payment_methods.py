"""Which card or account pays a pledge: its last digits, read from Stripe and asked for once."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from donate.clock import FixedClock
from donate.gifts.models import Gift
from donate.gifts.monthly.pledge_state import PaymentMethod
from donate.storage.database import Database
from donate.stripe_gateway.events.fields import Reading
from donate.stripe_gateway.events.parser import envelope_of_event, read_event
from donate.stripe_gateway.models import PledgeAction
from donate.stripe_gateway.requests.billing import Billing
from donate.stripe_gateway.requests.pledge_changes import PledgeChanges
from donate.stripe_gateway.requests.pledge_requests import DonorChange
from donate.stripe_gateway.webhooks.inbox import Inbox
from tests.links import links_at
from tests.real_parts import Sqlite
from tests.sandbox.running import RunningSandbox
from tests.stripe_gateway.checkouts import client_of
from tests.stripe_gateway.gifts_and_events import give, settler_of
from tests.stripe_gateway.months import subscription_event
from tests.stripe_gateway.refund_desk import CARD, QUICK, pay

VISA = {"brand": "visa", "last4": "4242", "fingerprint": "f", "exp_year": 2040}
BANK = {"bank_name": "BANK", "last4": "6789", "transit_number": "11000"}


def method(kind: str, details: dict[str, Any]) -> dict[str, Any]:
    return {"id": "pm_1", "object": "payment_method", "type": kind, kind: details}


@pytest.mark.parametrize(
    ("told", "evidence"),
    [
        ({}, {}),
        ({"default_payment_method": None}, {"payment_method": ""}),
        ({"default_payment_method": 7}, {"payment_method": ""}),
        ({"default_payment_method": "pm_1"}, {"payment_method": "pm_1"}),
        (
            {"default_payment_method": method("card", VISA)},
            {"payment_method": "pm_1", "brand": "visa", "last4": "4242"},
        ),
        (
            {"default_payment_method": method("acss_debit", BANK)},
            {"payment_method": "pm_1", "brand": "", "last4": "6789"},
        ),
        (
            {"default_payment_method": method("card", VISA | {"last4": "4242424242424242"})},
            {"payment_method": "pm_1"},
        ),
        (
            {"default_payment_method": method("link", {"email": "a@b.ca"})},
            {"payment_method": "pm_1"},
        ),
    ],
    ids=["unsaid", "none", "odd", "id", "card", "account", "a whole number", "no digits"],
)
def test_which_card_is_recorded(
    sqlite: Sqlite, told: dict[str, Any], evidence: dict[str, str]
) -> None:
    """Of a card or account, only its id, brand and exactly four digits become evidence."""
    gift = give(Database(sqlite.fresh_url()), frequency="monthly")
    event = subscription_event(gift, "updated", **told)
    read = read_event(envelope_of_event(event))
    assert isinstance(read, Reading)
    recorded = json.loads(json.dumps(read.facts[0].evidence))
    names = ("payment_method", "brand", "last4")
    assert {name: recorded[name] for name in names if name in recorded} == evidence
    assert "11000" not in str(recorded)
    assert "4242424242424242" not in str(recorded)


Desk = tuple[PledgeChanges, Gift, FixedClock]


@pytest.fixture
def desk(database: Database, sandbox: RunningSandbox) -> Iterator[Desk]:
    """A pledge by card whose first month is paid, and about whose card nobody has asked."""
    clock = FixedClock(datetime.now(UTC))
    client, settler = client_of(sandbox, **QUICK), settler_of(database, clock)
    inbox = Inbox(database, on_stored=lambda: None)
    url = "https://give.example.org"
    pledges = PledgeChanges(database, Billing(client), inbox, settler, clock, links=links_at(url))
    gift = give(database, attempts=0, frequency="monthly")
    pay(database, sandbox, client, gift, clock=clock, card=CARD)
    clock.instant += timedelta(minutes=1)
    yield pledges, gift, clock
    client.close()


def reads(sandbox: RunningSandbox) -> int:
    log: list[dict[str, Any]] = sandbox.control("GET", "/_sandbox/requests")
    return sum(
        one["method"] == "GET" and one["path"].startswith("/v1/subscriptions/") for one in log
    )


def test_the_digits_are_asked_for_once(desk: Desk, sandbox: RunningSandbox) -> None:
    """The page asks Stripe for the digits of a card once, and then reads them from the facts."""
    pledges, gift, _ = desk
    before = reads(sandbox)
    method = pledges.pledge(gift).payment_method
    assert method
    assert method.last4 == ""
    for _ in range(3):
        pledges.methods.learn(gift)
        assert pledges.pledge(gift).payment_method == PaymentMethod(method.id, "4242", "visa")
    assert reads(sandbox) == before + 1


def test_without_an_answer_the_digits_stay_unknown(desk: Desk, sandbox: RunningSandbox) -> None:
    """If Stripe refuses to show the card, nothing fails, and it is asked again an hour later."""
    pledges, gift, clock = desk
    path = f"/v1/subscriptions/{pledges.pledge(gift).subscription}"
    before = reads(sandbox)
    trouble: Any = {"path": path, "kind": "400", "times": 1, "seconds": 3}
    sandbox.control("POST", "/_sandbox/trouble", method="GET", **trouble)
    for _ in range(3):
        pledges.methods.learn(gift)
        method = pledges.pledge(gift).payment_method
        assert method
        assert method.last4 == ""
    assert reads(sandbox) == before + 1
    clock.instant += timedelta(hours=1, seconds=1)
    pledges.methods.learn(gift)
    assert (pledges.pledge(gift).payment_method or PaymentMethod("")).last4 == "4242"


def test_changes_need_no_permission_to_read_cards(desk: Desk, sandbox: RunningSandbox) -> None:
    """With a key that may not read payment methods, a donor can still pause and resume."""
    pledges, gift, _ = desk
    sandbox.control("POST", "/_sandbox/account", permissions={"payment_method": "none"})
    pledges.methods.learn(gift)
    assert (pledges.pledge(gift).payment_method or PaymentMethod("", "?")).last4 == ""
    for act in (PledgeAction.PAUSE, PledgeAction.RESUME):
        assert pledges.change(gift, DonorChange(act)) is True
