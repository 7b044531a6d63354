"""Stories: what can happen to an example gift, as a list of facts."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from donate.gifts.evidence import Evidence
from donate.gifts.facts import FactKind
from donate.regions.modes import Mode
from donate.regions.terms import Frequency

_MINUTE: Final = timedelta(minutes=1)
_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True, eq=False)
class StoryStep:
    """One fact of a story. `source` and `evidence` may have placeholders for ids: `{payment}`."""

    kind: FactKind
    source: str
    after: timedelta = timedelta(0)
    share: float | None = None
    """The fact's amount as a share of the gift's amount; None for a fact without an amount."""
    actor: str = "stripe"
    evidence: Evidence | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Story:
    """A possible course of a gift. `weight` is its relative frequency among one-time gifts."""

    name: str
    mode: Mode
    weight: int
    steps: tuple[StoryStep, ...]
    frequency: Frequency = Frequency.ONCE


_CARD_ASKED: Final = (
    StoryStep(
        FactKind.CHECKOUT_REQUESTED,
        "{gift}:1",
        actor="service",
        evidence={"attempt": 1, "language": "en-CA"},
    ),
    StoryStep(FactKind.CHECKOUT_OPENED, "{session}", actor="service", evidence={"attempt": 1}),
)
_PAID: Final = StoryStep(
    FactKind.PAYMENT_SUCCEEDED,
    "{payment}",
    2 * _MINUTE,
    1.0,
    evidence={"session": "{session}", "payment_status": "paid"},
)
_DEBIT_STARTED: Final = StoryStep(FactKind.PAYMENT_PROCESSING, "{session}", 2 * _MINUTE)
_DEBITED: Final = StoryStep(
    FactKind.PAYMENT_SUCCEEDED,
    "{payment}",
    5 * _DAY,
    1.0,
    evidence={"session": "{session}", "payment_status": "paid"},
)
_ARRIVED: Final = StoryStep(
    FactKind.TRANSFER_RECEIVED,
    "{bank}",
    2 * _DAY,
    1.0,
    actor="{staff}",
    evidence={"bank_reference": "{bank}", "note": ""},
)


def _refund(share: float, after: timedelta) -> StoryStep:
    return StoryStep(
        FactKind.REFUND_SUCCEEDED,
        "{refund}",
        after,
        share,
        evidence={"payment_intent": "{payment}", "status": "succeeded"},
    )


_DISPUTED: Final = StoryStep(
    FactKind.DISPUTE_OPENED,
    "{dispute}",
    20 * _DAY,
    1.0,
    evidence={"payment_intent": "{payment}", "reason": "fraudulent", "status": "needs_response"},
)


def _dispute_end(kind: FactKind) -> StoryStep:
    evidence: Evidence = {"payment_intent": "{payment}", "reason": "fraudulent"}
    return StoryStep(kind, "{dispute}", 60 * _DAY, 1.0, evidence=evidence)


def _monthly(*, paid: bool) -> tuple[StoryStep, ...]:
    if paid:
        return (
            StoryStep(
                FactKind.PAYMENT_SUCCEEDED,
                "{invoice}",
                60 * _MINUTE,
                1.0,
                evidence={"billing_reason": "subscription_cycle"},
            ),
            StoryStep(
                FactKind.PAYMENT_NAMED,
                "{payment}",
                60 * _MINUTE,
                evidence={"invoice": "{invoice}"},
            ),
        )
    return (
        StoryStep(
            FactKind.PAYMENT_FAILED,
            "{invoice}",
            60 * _MINUTE,
            evidence={"invoice": "{invoice}", "decline_code": "insufficient_funds"},
        ),
    )


_STARTED: Final = StoryStep(
    FactKind.PLEDGE_STARTED,
    "{subscription}",
    2 * _MINUTE,
    evidence={"subscription": "{subscription}", "status": "active"},
)
ONCE: Final = (
    Story("paid by card", Mode.CARD, 500, (*_CARD_ASKED, _PAID)),
    Story("left unpaid", Mode.CARD, 60, (
        *_CARD_ASKED, StoryStep(FactKind.CHECKOUT_EXPIRED, "{session}", _DAY))),
    Story("refunded", Mode.CARD, 8, (*_CARD_ASKED, _PAID, _refund(1.0, 9 * _DAY))),
    Story("partly refunded", Mode.CARD, 5, (*_CARD_ASKED, _PAID, _refund(0.5, 40 * _DAY))),
    Story("disputed and lost", Mode.CARD, 3, (
        *_CARD_ASKED, _PAID, _DISPUTED, _dispute_end(FactKind.DISPUTE_LOST))),
    Story("disputed and won", Mode.CARD, 1, (
        *_CARD_ASKED, _PAID, _DISPUTED, _dispute_end(FactKind.DISPUTE_WON))),
    Story("paid twice", Mode.CARD, 1, (*_CARD_ASKED, _PAID, StoryStep(
        FactKind.PAYMENT_SUCCEEDED, "{payment}B", 9 * _MINUTE, 1.0,
        evidence={"payment_status": "paid"}))),
    Story("debited", Mode.BANK_DEBIT, 90, (*_CARD_ASKED, _DEBIT_STARTED, _DEBITED)),
    Story("debit failed", Mode.BANK_DEBIT, 8, (*_CARD_ASKED, _DEBIT_STARTED, StoryStep(
        FactKind.PAYMENT_FAILED, "{session}", 5 * _DAY))),
    Story("transfer arrived", Mode.INTERAC, 180, (_ARRIVED,)),
    Story("transfer announced", Mode.INTERAC, 40, (
        StoryStep(FactKind.TRANSFER_ANNOUNCED, "{gift}", 5 * _MINUTE, actor="donor"), _ARRIVED)),
    Story("transfer undone", Mode.INTERAC, 2, (
        _ARRIVED, StoryStep(FactKind.TRANSFER_UNDONE, "{bank}", 3 * _DAY, actor="{staff}"))),
    Story("transfer never came", Mode.INTERAC, 30, (
        StoryStep(FactKind.GIFT_LAPSED, "{gift}", 30 * _DAY, actor="service"),)),
    Story("code quoted", Mode.GIVING_CODE, 60, (_ARRIVED,)),
)  # fmt: skip
FIRST_MONTH: Final = Story(
    "first month", Mode.CARD, 1, (*_CARD_ASKED, _PAID, _STARTED), Frequency.MONTHLY
)
LATER_MONTH: Final = Story("later month", Mode.CARD, 1, _monthly(paid=True), Frequency.MONTHLY)
FAILED_MONTH: Final = Story("failed month", Mode.CARD, 1, _monthly(paid=False), Frequency.MONTHLY)


def _pledge_fact(name: str, kind: FactKind, source: str, status: str) -> Story:
    evidence: Evidence = {"subscription": "{subscription}", "status": status}
    step = StoryStep(kind, source, 3 * _MINUTE, evidence=evidence)
    return Story(name, Mode.CARD, 1, (step,), Frequency.MONTHLY)


PLEDGE_END: Final = _pledge_fact(
    "pledge ended", FactKind.PLEDGE_ENDED, "{subscription}", "canceled"
)
PLEDGE_RENEWED: Final = _pledge_fact("renewed", FactKind.PLEDGE_CHANGED, "{event}", "active")
PLEDGE_PAST_DUE: Final = _pledge_fact("past due", FactKind.PLEDGE_CHANGED, "{event}", "past_due")
LONGEST: Final = 60
"""How many days the longest story takes."""
