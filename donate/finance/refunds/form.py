"""The refund form: checks what was typed, and describes the state of each refund request.

All functions are pure. `refunds/pages.py` reads and writes the database.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Final, TypeVar

from donate.clock import local_date
from donate.errors import N_, BadInput, BadInputs, Conflict, check_field
from donate.finance.words import actor_name
from donate.gifts.choosing.free_text import check_free_text
from donate.gifts.facts import Fact
from donate.gifts.models import Gift
from donate.gifts.refundable import (
    Payment,
    RefundRequest,
    RequestState,
    failed_refunds,
    payments_of,
    requests_of,
)
from donate.gifts.status import StatusName
from donate.money import Money, format_amount, format_money, read_amount
from donate.stripe_gateway.models import RefundReason
from donate.stripe_gateway.requests.refund_requests import DISPUTED, RequestedRefund
from donate.stripe_gateway.requests.refunds import KEY_REFUSED
from donate.web.templating import Localizer

REASON_WORDS: Final[Mapping[str, str]] = {
    RefundReason.REQUESTED_BY_DONOR: N_("Requested by the donor"),
    RefundReason.DUPLICATE: N_("Paid twice"),
    RefundReason.FRAUDULENT: N_("Fraud (Stripe then blocks the card and the e-mail)"),
}
MAX_FORM_KEY: Final = 64

_STATES: Final = {
    RequestState.WAITING: N_(
        "Refund of %(amount)s requested. Stripe hasn’t answered yet. We’ll keep asking. Please "
        "don’t send this money back another way."
    ),
    RequestState.STARTED: N_("Refund of %(amount)s accepted by Stripe. The money is on its way."),
    RequestState.SUCCEEDED: N_("Refunded %(amount)s."),
    RequestState.FAILED: N_(
        "Refund of %(amount)s failed. The donor’s bank rejected it, and the money came back to us."
    ),
}
_REFUSED: Final = {
    KEY_REFUSED: N_("Our Stripe key doesn’t allow refunds. Ask your administrator to fix it."),
    "amount": N_("The amount is more than what is left of the payment."),
    "charge_already_refunded": N_("This payment has already been refunded."),
    "charge_disputed": N_("The donor’s bank disputes this payment."),
    "refund_disputed_payment": N_("The donor’s bank disputes this payment."),
}
_SURE: Final = N_("Please tick this box to confirm the refund.")

NOT_THROUGH_STRIPE: Final = N_(
    "Gifts that don’t come through Stripe are refunded from your bank, not here."
)
_INCOMPLETE: Final = N_("This form is incomplete. Please reload the page and fill it in again.")

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class RefundablePayment:
    """A payment that can still be refunded, as one of the choices in the refund form."""

    payment: str
    words: str
    left: Money


@dataclass(frozen=True, slots=True)
class RefundRow:
    """A refund request in the form in which the gift's page shows it to staff."""

    requested_at: datetime
    by: str
    reason: str
    note: str
    state: RequestState
    sentence: str


@dataclass(frozen=True, slots=True)
class FailedRefund:
    """A failed refund that staff have not dealt with yet. The money came back to us."""

    refund: str
    sentence: str


@dataclass(frozen=True, slots=True)
class RefundSection:
    """The section about refunds on a gift's page.

    `choices` are the payments that can be refunded. If there are none, the page shows no refund
    form, but the reason in `why_not`, if there is one. `prefilled` is the refundable amount of the
    first choice. The form's field for the amount starts with it.
    """

    choices: Sequence[RefundablePayment]
    requests: Sequence[RefundRow]
    failed: Sequence[FailedRefund]
    why_not: str = ""
    prefilled: str = ""

    @property
    def reasons(self) -> Mapping[str, str]:
        """The reasons to choose from in the refund form."""
        return REASON_WORDS


FORESEEN: Final = frozenset(code for code in _REFUSED if code != KEY_REFUSED)
"""Stripe's error codes for refused refunds that the gift's page explains in our own words."""


def refund_section(
    gift: Gift, facts: Sequence[Fact], names: Mapping[str, str], language: str
) -> RefundSection:
    """Return which payments of a gift can be refunded, and the state of each refund request."""
    _ = Localizer(language)
    requests = [_request(gift, request, names, _) for request in requests_of(facts)]
    payments = payments_of(facts)
    failed = [
        FailedRefund(fact.source_id, _failed(gift, fact, _)) for fact in failed_refunds(facts)
    ]
    if not gift.mode.through_stripe:
        why_not = _(NOT_THROUGH_STRIPE)
        return RefundSection((), requests, failed, why_not if gift.received_minor else "")
    if gift.status == StatusName.DISPUTED:
        return RefundSection((), requests, failed, _(DISPUTED))
    choices = [
        RefundablePayment(
            payment=payment.intent,
            words=_payment(gift, payment, _),
            left=Money(payment.left_minor, gift.currency),
        )
        for payment in payments
        if payment.intent and payment.left_minor
    ]
    why_not = _("Nothing is left to refund.") if payments else ""
    if any(payment.left_minor and not payment.intent for payment in payments):
        why_not = _(
            "Stripe hasn’t sent the payment ID yet. You can refund this gift once it arrives."
        )
    if not choices:
        return RefundSection((), requests, failed, why_not)
    prefilled = format_amount(choices[0].left, language)
    return RefundSection(choices, requests, failed, prefilled=prefilled)


def _failed(gift: Gift, fact: Fact, _: Localizer) -> str:
    return _(
        "A refund of %(amount)s failed on %(day)s. The donor’s bank rejected it, and the money "
        "came back to us. Please arrange another way with the donor.",
        amount=_.money(Money(fact.amount_minor or 0, gift.currency)),
        day=_.day(local_date(fact.happened_at, gift.time_zone)),
    )


def check_refund(
    gift: Gift, facts: Sequence[Fact], typed: Mapping[str, str], language: str
) -> RequestedRefund:
    """Check the refund form.

    Raises BadInputs, or Conflict if the gift was not paid through Stripe.
    """
    if not gift.mode.through_stripe:
        raise Conflict(NOT_THROUGH_STRIPE)
    if not 1 <= len(typed.get("form_key", "")) <= MAX_FORM_KEY:
        raise Conflict(_INCOMPLETE)
    problems: list[BadInput] = []
    checked = partial(check_field, problems)
    payment = checked(lambda: _check_payment(facts, typed.get("payment", "")))
    amount = checked(lambda: read_amount(typed.get("amount", ""), gift.currency, language))
    reason = checked(lambda: _check_reason(typed.get("reason", "")))
    note = checked(lambda: check_free_text("note", typed.get("note", "")))
    if typed.get("confirmed") != "yes":
        problems.append(BadInput("confirmed", _SURE))
    # Check the amount here only if the form has other problems too. Otherwise `request_refund`
    # checks it: if this form was already sent once, that refund may have used up the amount.
    if problems and payment is not None and amount is not None:
        left = next(p.left_minor for p in payments_of(facts) if p.intent == payment)
        if amount.amount_minor > left:
            problems.append(too_much(Money(left, gift.currency), language))
    if payment is None or amount is None or reason is None or note is None or problems:
        raise BadInputs(problems)
    return RequestedRefund(payment, amount.amount_minor, reason, note)


def too_much(left: Money, language: str) -> BadInput:
    """Return the problem to show if staff try to refund more than `left`."""
    if not left.amount_minor:
        return BadInput("amount", N_("Nothing is left of this payment to refund."))
    words = {"left": format_money(left, language)}
    return BadInput("amount", N_("You can refund at most %(left)s of this payment."), words)


def _check_payment(facts: Sequence[Fact], text: str) -> str:
    if text not in {payment.intent for payment in payments_of(facts) if payment.intent}:
        raise BadInput("payment", N_("Please choose a payment to refund."))
    return text


def _check_reason(text: str) -> RefundReason:
    try:
        return RefundReason(text)
    except ValueError:
        raise BadInput("reason", N_("Please choose a reason from the list.")) from None


def _payment(gift: Gift, payment: Payment, _: Localizer) -> str:
    received, left = (
        _.money(Money(amount, gift.currency))
        for amount in (payment.received_minor, payment.left_minor)
    )
    day = _.day(local_date(payment.paid_at, gift.time_zone))
    return _(
        "%(received)s received on %(day)s, %(left)s refundable",
        received=received,
        day=day,
        left=left,
    )


def _in_stripes_words(message: str, _: Localizer) -> str:
    if not message:
        return _("Stripe gave no reason.")
    return _("Stripe’s message: “%(text)s”", text=message)


def _request(
    gift: Gift, request: RefundRequest, names: Mapping[str, str], _: Localizer
) -> RefundRow:
    fact = request.fact
    written = _.money(Money(fact.amount_minor or 0, gift.currency))
    if request.state == RequestState.REFUSED:
        own_words = _REFUSED.get(request.code)
        why = _(own_words) if own_words else _in_stripes_words(request.message, _)
        refused = N_("Refund of %(amount)s refused, and no money was sent. %(why)s")
        sentence = _(refused, amount=written, why=why)
    else:
        sentence = _(_STATES[request.state], amount=written)
    return RefundRow(
        requested_at=fact.happened_at,
        by=actor_name(fact.actor, names, _.language),
        reason=REASON_WORDS.get(fact.reason, ""),
        note=fact.note,
        state=request.state,
        sentence=sentence,
    )
