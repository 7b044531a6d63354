"""An event counts only if it belongs to this service and agrees with the recorded gift."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from donate.regions.modes import Mode
from donate.stripe_gateway.events.fields import Claim, Envelope
from donate.stripe_gateway.webhooks.checks import Expectation, foreign_reason, mismatch_reason

CLAIM = Claim(
    reference="LWCAN-7KQ4M2X",
    monthly=False,
    amount_minor=5_000,
    currency="CAD",
    session_id="cs_1",
    attempt=1,
)
EXPECTED = Expectation(
    reference="LWCAN-7KQ4M2X",
    mode=Mode.CARD,
    monthly=False,
    amount_minor=5_000,
    currency="CAD",
    requested=frozenset({1, 2}),
    sessions={1: "cs_1"},
)


@pytest.mark.parametrize(
    ("claim", "sessions"),
    [
        (CLAIM, {1: "cs_1"}),
        (CLAIM, {}),
        (replace(CLAIM, attempt=2, session_id="cs_2"), {1: "cs_1"}),
        (replace(CLAIM, attempt=2, session_id="cs_2"), {1: "cs_1", 2: "cs_2"}),
    ],
    ids=["as recorded", "no session yet", "second attempt", "second session"],
)
def test_a_claim_that_agrees_is_accepted(claim: Claim, sessions: dict[int, str]) -> None:
    """An event that agrees with the gift is accepted, even if its session is not recorded yet."""
    assert mismatch_reason(claim, replace(EXPECTED, sessions=sessions)) is None


@pytest.mark.parametrize(
    ("claimed", "recorded", "reason"),
    [
        ({"reference": "LWCAN-0000000"}, {}, "its reference is LWCAN-0000000"),
        ({"reference": ""}, {}, "its reference is ,"),
        ({"reference": "lwcan-7kq4m2x"}, {}, "the gift's is LWCAN-7KQ4M2X"),
        ({"monthly": True}, {}, "it is about a monthly gift"),
        ({}, {"monthly": True}, "the gift is a monthly one"),
        ({"amount_minor": 4_999}, {}, "amount is $49.99, the gift's is $50.00"),
        ({"amount_minor": 50}, {}, "amount is $0.50,"),
        ({"currency": "USD"}, {}, "currency is USD, the gift's is CAD"),
        ({"attempt": 3}, {}, "no checkout session was requested"),
        ({}, {"requested": frozenset()}, "no checkout session was requested"),
        ({"session_id": "cs_2"}, {}, "the gift's checkout session is cs_1"),
        ({"attempt": 2}, {"sessions": {1: "cs_1", 2: "cs_2"}}, "checkout session is cs_2"),
        ({}, {"mode": Mode.INTERAC}, "given by interac"),
        ({}, {"mode": Mode.GIVING_CODE}, "given by giving_code"),
    ],
    ids=lambda value: value if isinstance(value, str) else ", ".join(value),
)
def test_each_contradiction_has_a_reason(
    claimed: dict[str, Any], recorded: dict[str, Any], reason: str
) -> None:
    """An event that differs from the gift in one point is refused, and the reason names it."""
    untrue = mismatch_reason(replace(CLAIM, **claimed), replace(EXPECTED, **recorded))
    assert untrue is not None
    assert reason in untrue


def test_only_modes_of_stripe_are_confirmed_by_stripe() -> None:
    """A checkout session can confirm only gifts by card or bank debit."""
    modes = [m for m in Mode if mismatch_reason(CLAIM, replace(EXPECTED, mode=m)) is None]
    assert modes == [Mode.CARD, Mode.BANK_DEBIT]


def envelope(*, livemode: bool, account: str | None) -> Envelope:
    return Envelope(
        event_id="evt_1",
        type="checkout.session.completed",
        account=account,
        livemode=livemode,
        happened_at=datetime(2026, 3, 1, tzinfo=UTC),
        object={},
    )


@pytest.mark.parametrize(
    ("event", "ours", "reason"),
    [
        ((False, None), (False, ""), None),
        ((True, None), (True, ""), None),
        ((False, ""), (False, ""), None),
        ((True, "acct_1"), (True, "acct_1"), None),
        (
            (True, None),
            (True, "acct_1"),
            "an event of the platform, not of STRIPE_ACCOUNT",
        ),
        ((False, None), (True, ""), "a test event at a live service"),
        ((True, None), (False, ""), "a live event at a test service"),
        ((True, "acct_2"), (True, "acct_1"), "an event of another account"),
        ((True, "acct_1"), (True, ""), "an event of another account"),
        ((False, "acct_1"), (True, "acct_1"), "a test event at a live service"),
    ],
    ids=[
        "test",
        "live",
        "empty account",
        "connected account",
        "of the platform",
        "test at a live service",
        "live at a test service",
        "another account",
        "an account without a setting",
        "test of the connected account",
    ],
)
def test_when_an_event_is_foreign(
    event: tuple[bool, str | None], ours: tuple[bool, str], reason: str | None
) -> None:
    """An event is foreign if it is of the other mode (test or live) or of another account."""
    arrived = envelope(livemode=event[0], account=event[1])
    assert foreign_reason(arrived, livemode=ours[0], account=ours[1]) == reason
