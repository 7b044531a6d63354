"""The refund form: checks what was typed, and describes the state of each refund request.

All functions are pure. `refunds/pages.py` reads and writes the database.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Final, TypeVar

from babel.dates import format_date

from donate.clock import local_date
from donate.errors import BadInput, BadInputs, Conflict, check_field
from donate.finance.transfers.rules import check_free_text
from donate.finance.words import LANGUAGE, MODE_NAMES, actor_name
from donate.gifts.facts import Fact
from donate.gifts.models import Gift
from donate.gifts.refundable import (
    RefundRequest,
    RequestState,
    failed_refunds,
    payments_of,
    requests_of,
)
from donate.gifts.status import StatusName
from donate.money import Money, format_amount, format_money, read_amount
from donate.regions.modes import BY_HAND
from donate.stripe_gateway.models import RefundReason
from donate.stripe_gateway.requests.refund_requests import DISPUTED, RequestedRefund
from donate.stripe_gateway.requests.refunds import KEY_REFUSED

REASON_WORDS: Final[Mapping[str, str]] = {
    RefundReason.REQUESTED_BY_DONOR: "Requested by the donor",
    RefundReason.DUPLICATE: "Paid twice",
    RefundReason.FRAUDULENT: "Fraud (Stripe then blocks the card and the e-mail)",
}
MAX_FORM_KEY: Final = 64

_STATES: Final = {
    RequestState.WAITING: (
        "Refund of {amount} requested. Stripe hasn’t answered yet. We’ll keep asking. Please don’t "
        "send this money back another way."
    ),
    RequestState.STARTED: "Refund of {amount} accepted by Stripe. The money is on its way.",
    RequestState.SUCCEEDED: "Refunded {amount}.",
    RequestState.FAILED: (
        "Refund of {amount} failed. The donor’s bank rejected it, and the money came back to us."
    ),
}
_REFUSED: Final = {
    KEY_REFUSED: ("Our Stripe key doesn’t allow refunds. Ask your administrator to fix it."),
    "amount": "The amount is more than what is left of the payment.",
    "charge_already_refunded": "This payment has already been refunded.",
    "charge_disputed": "The donor’s bank disputes this payment.",
    "refund_disputed_payment": "The donor’s bank disputes this payment.",
}
_SURE: Final = "Please tick this box to confirm the refund."

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class RefundablePayment:
    """A payment that can still be refunded, as a choice in the form."""

    payment: str
    words: str
    left: Money


@dataclass(frozen=True, slots=True)
class RefundRow:
    """A refund request as staff read it on the gift's page."""

    requested_at: datetime
    by: str
    reason: str
    note: str
    state: RequestState
    sentence: str


@dataclass(frozen=True, slots=True)
class FailedRefund:
    """A failed refund. The money came back to us, and staff have not dealt with it yet."""

    refund: str
    sentence: str


@dataclass(frozen=True, slots=True)
class RefundSection:
    """The section about refunds on a gift's page.

    `choices` are the payments that can be refunded. If there are none, the page has no refund form,
    and `why_not` is the reason, if there is one.
    """

    choices: Sequence[RefundablePayment]
    requests: Sequence[RefundRow]
    failed: Sequence[FailedRefund]
    why_not: str = ""

    @property
    def reasons(self) -> Mapping[str, str]:
        """The choices for the reason of a refund."""
        return REASON_WORDS

    @property
    def prefilled(self) -> str:
        """The refundable amount of the newest payment, which is filled into the form."""
        return format_amount(self.choices[0].left, LANGUAGE)


FORESEEN: Final = frozenset(code for code in _REFUSED if code != KEY_REFUSED)
"""Stripe's error codes for refused refunds that the gift's page explains in our own words."""


def refund_section(gift: Gift, facts: Sequence[Fact], names: Mapping[str, str]) -> RefundSection:
    """Return which payments of a gift can be refunded, and the states of its refund requests."""
    requests = [_request(gift, request, names) for request in requests_of(facts)]
    payments = payments_of(facts)
    failed = [FailedRefund(fact.source_id, _failed(gift, fact)) for fact in failed_refunds(facts)]
    if gift.mode in BY_HAND:
        why_not = "Gifts by transfer are refunded from your bank, not here."
        return RefundSection((), requests, failed, why_not if gift.received_minor else "")
    if gift.status == StatusName.DISPUTED:
        return RefundSection((), requests, failed, DISPUTED)
    choices = [
        RefundablePayment(
            payment=payment.intent,
            words=_payment(gift, payment.paid_at, payment.received_minor, payment.left_minor),
            left=Money(payment.left_minor, gift.currency),
        )
        for payment in payments
        if payment.intent and payment.left_minor
    ]
    why_not = "Nothing is left to refund." if payments else ""
    if any(payment.left_minor and not payment.intent for payment in payments):
        why_not = "Stripe hasn’t sent the payment ID yet. You can refund this gift once it arrives."
    return RefundSection(choices, requests, failed, "" if choices else why_not)


def _failed(gift: Gift, fact: Fact) -> str:
    amount = format_money(Money(fact.amount_minor or 0, gift.currency), LANGUAGE)
    day = format_date(
        local_date(fact.happened_at, gift.time_zone), "long", locale=LANGUAGE.replace("-", "_")
    )
    return (
        f"A refund of {amount} failed on {day}. The donor’s bank rejected it, and the money came "
        "back to us. Please arrange another way with the donor."
    )


def check_refund(gift: Gift, facts: Sequence[Fact], typed: Mapping[str, str]) -> RequestedRefund:
    """Check the refund form. Raises BadInputs, or Conflict for a gift made by transfer."""
    if gift.mode in BY_HAND:
        raise Conflict(f"A gift by {MODE_NAMES[gift.mode]} is refunded from your bank, not here.")
    if not 1 <= len(typed.get("form_key", "")) <= MAX_FORM_KEY:
        raise Conflict("This form is incomplete. Please reload the page and fill it in again.")
    problems: list[BadInput] = []
    checked = partial(check_field, problems)
    payment = checked(lambda: _check_payment(facts, typed.get("payment", "")))
    amount = checked(lambda: read_amount(typed.get("amount", ""), gift.currency, LANGUAGE))
    reason = checked(lambda: _check_reason(typed.get("reason", "")))
    note = checked(lambda: check_free_text("note", typed.get("note", "")))
    if typed.get("confirmed") != "yes":
        problems.append(BadInput("confirmed", _SURE))
    # Check the amount here only if the form has other problems. Otherwise `request_refund` checks
    # it: if this form was sent before, its own refund may have used up the amount.
    if problems and payment is not None and amount is not None:
        left = next(p.left_minor for p in payments_of(facts) if p.intent == payment)
        if amount.amount_minor > left:
            problems.append(too_much(Money(left, gift.currency)))
    if payment is None or amount is None or reason is None or note is None or problems:
        raise BadInputs(problems)
    return RequestedRefund(payment, amount.amount_minor, reason, note)


def too_much(left: Money) -> BadInput:
    """Return a problem that says that only `left` can be refunded."""
    if not left.amount_minor:
        return BadInput("amount", "Nothing is left of this payment to refund.")
    words = {"left": format_money(left, LANGUAGE)}
    return BadInput("amount", "You can refund at most %(left)s of this payment.", words)


def _check_payment(facts: Sequence[Fact], text: str) -> str:
    if text not in {payment.intent for payment in payments_of(facts) if payment.intent}:
        raise BadInput("payment", "Please choose a payment to refund.")
    return text


def _check_reason(text: str) -> RefundReason:
    try:
        return RefundReason(text)
    except ValueError:
        raise BadInput("reason", "Please choose a reason from the list.") from None


def _payment(gift: Gift, paid_at: datetime, received_minor: int, left_minor: int) -> str:
    received, left = (
        format_money(Money(amount, gift.currency), LANGUAGE)
        for amount in (received_minor, left_minor)
    )
    day = format_date(
        local_date(paid_at, gift.time_zone), "long", locale=LANGUAGE.replace("-", "_")
    )
    return f"{received} received on {day}, {left} refundable"


def _in_stripes_words(message: str) -> str:
    return f"Stripe’s message: “{message}”" if message else "Stripe gave no reason."


def _request(gift: Gift, request: RefundRequest, names: Mapping[str, str]) -> RefundRow:
    fact = request.fact
    amount = Money(fact.amount_minor or 0, gift.currency)
    written = format_money(amount, LANGUAGE)
    if request.state == RequestState.REFUSED:
        why = _REFUSED.get(request.code, _in_stripes_words(request.message))
        sentence = f"Refund of {written} refused, and no money was sent. {why}"
    else:
        sentence = _STATES[request.state].format(amount=written)
    return RefundRow(
        requested_at=fact.happened_at,
        by=actor_name(fact.actor, names),
        reason=REASON_WORDS.get(fact.reason, ""),
        note=fact.note,
        state=request.state,
        sentence=sentence,
    )
