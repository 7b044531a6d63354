"""The state of a pledge, which is a monthly gift, is computed from its facts in any order."""

import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Unpack

import pytest

from donate.gifts.evidence import Evidence
from donate.gifts.facts import Fact, FactKind
from donate.gifts.monthly.pledge_state import (
    EndReason,
    PledgeState,
    answer_to,
    change_key,
    invoice_of,
    month_key,
    pledge_of,
)
from donate.money import Money
from tests.gifts.samples import case_id

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
CHOSEN = Money(5_000, "CAD")


def fact(
    kind: FactKind, day: int, amount_minor: int | None = None, **evidence: Unpack[Evidence]
) -> Fact:
    source = "sub_1" if kind in (FactKind.PLEDGE_STARTED, FactKind.PLEDGE_ENDED) else f"evt_{day}"
    at = NOW + timedelta(days=day)
    currency = "CAD" if amount_minor else None
    return Fact(kind, source, at, "stripe", amount_minor, currency, evidence)


STARTED = fact(FactKind.PLEDGE_STARTED, 0)
PAUSED = fact(FactKind.PLEDGE_CHANGED, 1, 5_000, paused=True, subscription="sub_1")
RESUMED = fact(FactKind.PLEDGE_CHANGED, 2, 7_550, paused=False, subscription="sub_1")
LAST_MONTH = fact(FactKind.PLEDGE_CHANGED, 3, 7_550, ends_with_the_month=True, subscription="sub_1")
ENDED = fact(FactKind.PLEDGE_ENDED, 4)


@pytest.mark.parametrize(
    ("facts", "state", "each_month"),
    [
        ([], PledgeState.NOT_BEGUN, 5_000),
        ([STARTED], PledgeState.ACTIVE, 5_000),
        ([STARTED, PAUSED], PledgeState.PAUSED, 5_000),
        ([STARTED, PAUSED, RESUMED], PledgeState.ACTIVE, 7_550),
        ([PAUSED], PledgeState.PAUSED, 5_000),
        ([STARTED, RESUMED, ENDED], PledgeState.ENDED, 7_550),
        ([ENDED], PledgeState.ENDED, 5_000),
    ],
    ids=case_id,
)
def test_the_latest_fact_counts(facts: list[Fact], state: PledgeState, each_month: int) -> None:
    """A pledge's state and amount depend on when facts happened, not on when they were recorded."""
    for order in permutations(facts):
        pledge = pledge_of(order, CHOSEN)
        assert (pledge.state, pledge.each_month) == (state, Money(each_month, "CAD"))
        assert pledge.subscription == ("sub_1" if facts else None)


def test_a_pledge_in_its_last_month_is_ending() -> None:
    """A pledge that Stripe will end after the current month is active, and marked as ending."""
    pledge = pledge_of([STARTED, LAST_MONTH], CHOSEN)
    assert (pledge.state, pledge.is_ending, pledge.ends_at) == (PledgeState.ACTIVE, True, None)
    assert not pledge_of([STARTED, RESUMED], CHOSEN).is_ending


def test_a_pledge_has_its_end_date() -> None:
    """A pledge has the date on which it will end, until the end is cancelled or has come."""
    at = NOW + timedelta(days=30)
    seconds = int(at.timestamp())
    end_set = fact(FactKind.PLEDGE_CHANGED, 1, 5_000, subscription="sub_1", ends_at=seconds)
    pledge = pledge_of([STARTED, end_set], CHOSEN)
    assert (pledge.state, pledge.is_ending, pledge.ends_at) == (PledgeState.ACTIVE, True, at)
    continued = pledge_of([STARTED, end_set, RESUMED], CHOSEN)
    assert (continued.is_ending, continued.ends_at) == (False, None)
    ended = pledge_of([STARTED, end_set, ENDED], CHOSEN)
    assert (ended.is_ending, ended.ends_at, ended.ended_at) == (False, None, ENDED.happened_at)


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("active", PledgeState.ACTIVE),
        ("trialing", PledgeState.NOT_CHARGED_YET),
        ("past_due", PledgeState.PAST_DUE),
        ("unpaid", PledgeState.UNPAID),
        ("paused", PledgeState.ON_HOLD),
        ("resting", PledgeState.UNKNOWN),
    ],
)
def test_each_stripe_status_has_a_state(status: str, state: PledgeState) -> None:
    """Each subscription status of Stripe has a state, and an unfamiliar one is UNKNOWN."""
    changed = fact(FactKind.PLEDGE_CHANGED, 1, subscription="sub_1", status=status, paused=False)
    pledge = pledge_of([STARTED, changed], CHOSEN)
    assert (pledge.state, pledge.status, pledge.runs) == (state, status, True)
    paused = fact(FactKind.PLEDGE_CHANGED, 2, subscription="sub_1", status=status, paused=True)
    assert pledge_of([STARTED, changed, paused], CHOSEN).state is PledgeState.PAUSED


@pytest.mark.parametrize(
    ("evidence", "reason"),
    [
        ({}, None),
        ({"reason": "cancellation_requested"}, None),
        ({"reason": "payment_failed"}, EndReason.PAYMENT_FAILED),
        ({"reason": "payment_disputed"}, EndReason.PAYMENT_DISPUTED),
    ],
    ids=case_id,
)
def test_a_pledge_knows_why_it_ended(evidence: Evidence, reason: EndReason | None) -> None:
    """A pledge knows if it ended because a payment failed or was disputed."""
    ended = replace(ENDED, evidence=evidence)
    assert pledge_of([STARTED, ended], CHOSEN).end_reason is reason


def test_a_pledge_that_started_again_is_active() -> None:
    """If a new subscription started after the first one ended, the pledge is active again."""
    started_again = Fact(FactKind.PLEDGE_STARTED, "sub_2", NOW + timedelta(days=5), "stripe")
    for order in permutations([STARTED, RESUMED, ENDED, started_again]):
        pledge = pledge_of(order, CHOSEN)
        assert (pledge.state, pledge.subscription) == (PledgeState.ACTIVE, "sub_2")
        assert pledge.each_month == CHOSEN


def test_the_key_of_a_month_has_its_invoice() -> None:
    """The invoice that opened a later month of a pledge can be read from the month's form key."""
    assert invoice_of(month_key("in_1")) == "in_1"
    assert invoice_of("form:abc") is None
    assert invoice_of("instead:month:in_1") is None


def test_within_a_second_the_donors_last_change_counts() -> None:
    """If a pledge changed twice in a second, the later change counts, in any order of the facts."""
    gift_id = uuid.uuid4()

    def changed(name: str, *, paused: bool) -> Fact:
        evidence: Evidence = {"subscription": "sub_1", "paused": paused}
        return Fact(FactKind.PLEDGE_CHANGED, name, NOW, "stripe", 7_550, "CAD", evidence)

    answers = [
        changed(answer_to(change_key(gift_id, 9)), paused=False),
        changed(answer_to(change_key(gift_id, 10)), paused=True),
    ]
    for order in permutations([STARTED, *answers, changed("evt_of_the_amount", paused=False)]):
        assert pledge_of(order, CHOSEN).state == PledgeState.PAUSED
