"""Computes the content of a gift's page: status, texts, and what the donor can do.

All functions are pure.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from donate.donors.gift_page import gift_words as words
from donate.donors.gift_page.next_steps import NextStepText, monthly_offer, next_steps
from donate.gifts.account_confirmation import Confirmation
from donate.gifts.models import Donor, Gift
from donate.gifts.status import STILL_PAYABLE, StatusName
from donate.letters.words.draft import name_to_greet
from donate.modes import Instructions
from donate.money import Money
from donate.regions.modes import MODES, Mode
from donate.regions.regions import Frequency, Region, offers

# How many days to wait for a gift's money if its region no longer exists.
_WAITED_DAYS: Final = 30
_UNDECIDED: Final = (StatusName.AWAITED, StatusName.PROCESSING)
MAX_RELOADS: Final = 12
"""How often a page without JavaScript reloads automatically."""


@dataclass(frozen=True, slots=True)
class GiftView:
    """The content of the donor's page for one gift."""

    gift: Gift
    status: StatusName
    status_name: str
    status_class: str
    headline: str
    """A msgid, which may contain the placeholder %(name)s."""
    explanation: str
    tone: str
    mode_name: str
    instructions: Instructions | None
    through_stripe: bool
    continues: str
    """The label of the button that leads to Stripe's page; empty for modes without Stripe."""
    monthly: bool
    later_month: bool
    may_pay: bool
    tries_again: bool
    others: Sequence[Mode]
    """Other modes in which the same gift can be made."""
    reloads: bool
    show_received: bool
    returned: Money | None
    """The amount refunded to the donor."""
    held: Money | None
    """The amount that the donor's bank holds until a dispute ends."""
    refund_failed: Money | None
    waited_days: int
    email: str
    """The donor's masked e-mail address, `a…@example.org`, which still shows a typing error.

    It is empty if staff recorded the gift without an address.
    """
    name: str
    """The donor's name, if it is safe to repeat; otherwise empty."""
    next_steps: Sequence[NextStepText]
    monthly_offer: Money | None
    """The monthly amount that is offered once, right after a one-time gift."""
    given_instead: str | None
    """The path of the page of the gift that replaced this one."""
    announced_on: date | None
    """The day on which the donor reported the transfer as sent."""
    only_waits: bool
    """Whether the donor reported the transfer as sent, and now only has to wait."""
    confirmation: Confirmation | None
    """The bank account that the donor still has to confirm."""
    copy_amount: str
    region: Region | None


@dataclass(frozen=True, slots=True)
class GiftProgress:
    """What has happened since the gift was opened."""

    announced_on: date | None = None
    given_instead: str | None = None
    """The path of the page of the gift that replaced this one."""
    refund_failed: Money | None = None
    """The amount of a failed refund that came back to us and that staff have not dealt with."""
    held_minor: int = 0
    """The amount that the donor's bank holds until a dispute ends."""
    confirmation: Confirmation | None = None
    was_never_confirmed: bool = False
    was_declined: bool = False
    """Whether the card was declined at least once."""


def masked_email(email: str) -> str:
    """Return an address as `a…@example.org`, which still shows a typing error; "" stays ""."""
    return email and f"{email[:1]}…@{email.rpartition('@')[2]}"


def may_still_give(gift: Gift) -> bool:
    """Return whether the donor can still pay the gift, or replace it by one in another mode."""
    if gift.mode.facts.staff_only:
        return False
    if is_later_month(gift):
        return gift.status == StatusName.FAILED
    return gift.status in STILL_PAYABLE


def is_later_month(gift: Gift) -> bool:
    """Return whether the gift is a monthly payment of a pledge, but not the first one."""
    return gift.pledge_id not in (None, gift.id)


def ways_in_words(gift: Gift) -> dict[Mode, str]:
    """Return the button labels for switching the gift to another mode."""
    buttons = {mode: facts.instead for mode, facts in MODES.items()}
    if is_later_month(gift):
        return buttons | {gift.mode: gift.mode.facts.once_instead or buttons[gift.mode]}
    return buttons


def frequency_instead(gift: Gift) -> Frequency:
    """Return the frequency of a gift that replaces this one in another mode.

    A later monthly payment is replaced by a one-time gift.
    """
    return Frequency.ONCE if is_later_month(gift) else gift.frequency


def may_have_been_paid(gift: Gift) -> bool:
    """Return whether Stripe may have taken a payment that is not recorded yet."""
    return gift.mode.through_stripe and gift.status in _UNDECIDED


def awaits_confirmation(gift: Gift, back: str) -> bool:
    """Return whether the donor came back from paying, but Stripe has not confirmed the payment."""
    return back == "paid" and may_have_been_paid(gift)


def view_gift(
    gift: Gift,
    donor: Donor,
    region: Region | None,
    instructions: Instructions | None,
    *,
    progress: GiftProgress,
    language: str,
    back: str,
    problem: str,
) -> GiftView:
    """Return the content of the donor's page for a gift."""
    status, mode = gift.status, gift.mode
    confirmation = progress.confirmation if status == StatusName.PROCESSING else None
    reloads = awaits_confirmation(gift, back) and not confirmation
    may_pay = may_still_give(gift) and not reloads and problem != "asked"
    name = name_to_greet(donor.name)
    only_waits = progress.announced_on is not None and status == StatusName.AWAITED
    if progress.given_instead:
        may_pay = False
    headline, explanation = _headline(gift, progress, name, back, problem)
    plain_amount = str(gift.amount.decimal)
    masked = masked_email(donor.email)
    return GiftView(
        gift=gift,
        status=status,
        status_name=words.ACCOUNT_TO_CONFIRM if confirmation else words.STATUS_NAMES[status],
        status_class=StatusName.AWAITED if confirmation else status,
        headline=headline,
        explanation=explanation,
        tone="wait" if confirmation else _tone(status),
        mode_name=mode.facts.name,
        instructions=instructions if may_pay else None,
        through_stripe=gift.mode.through_stripe,
        continues=mode.facts.proceed,
        monthly=gift.frequency == Frequency.MONTHLY,
        later_month=is_later_month(gift),
        may_pay=may_pay,
        tries_again=problem in ("page", "refused")
        or status != StatusName.AWAITED
        or progress.was_declined,
        others=_others(gift, donor, region) if may_pay else (),
        reloads=reloads,
        show_received=bool(gift.received_minor) and gift.received_minor != gift.amount_minor,
        returned=_money_or_none(gift.returned_minor - progress.held_minor, gift.currency),
        held=_money_or_none(progress.held_minor, gift.currency),
        refund_failed=progress.refund_failed,
        waited_days=_waited_days(region, mode),
        email=masked,
        name=name,
        next_steps=next_steps(
            gift,
            email=masked,
            contact=(region and region.organisation.email) or "",
            is_announced=only_waits,
        ),
        monthly_offer=monthly_offer(gift, region) if back == "paid" else None,
        given_instead=progress.given_instead,
        announced_on=progress.announced_on,
        only_waits=only_waits and may_pay,
        confirmation=confirmation,
        copy_amount=plain_amount.replace(".", ",") if language.startswith("fr") else plain_amount,
        region=region,
    )


def _headline(
    gift: Gift, progress: GiftProgress, name: str, back: str, problem: str
) -> words.Words:
    status = gift.status
    is_declined = progress.was_declined and gift.mode == Mode.CARD and may_still_give(gift)
    if progress.given_instead:
        return words.GIVEN_INSTEAD
    if progress.announced_on is not None and status == StatusName.AWAITED:
        return words.ANNOUNCED
    if progress.confirmation and status == StatusName.PROCESSING:
        return words.CONFIRM_ACCOUNT
    if progress.was_never_confirmed and status == StatusName.FAILED:
        return words.NEVER_CONFIRMED
    if is_declined and not problem and back != "paid":
        return words.DECLINED
    if status == StatusName.CONFIRMED and name:
        return words.RECEIVED_FROM
    return _words(gift, status, back, problem)


def _money_or_none(amount_minor: int, currency: str) -> Money | None:
    return Money(amount_minor, currency) if amount_minor > 0 else None


def _waited_days(region: Region | None, mode: Mode) -> int:
    terms = region.modes.get(mode) if region else None
    return terms.lapses_after_days if terms else _WAITED_DAYS


def _words(gift: Gift, status: StatusName, back: str, problem: str) -> words.Words:
    if is_later_month(gift) and status == StatusName.FAILED:
        debit = gift.mode == Mode.BANK_DEBIT
        problems = words.DEBIT_MONTH_PROBLEMS if debit else words.MONTH_PROBLEMS
        failed = words.DEBIT_WORDS[status] if debit else words.MONTH_FAILED
        return problems.get(problem, failed)
    if gift.mode.through_stripe:
        if awaits_confirmation(gift, back) and status == StatusName.AWAITED:
            return words.BACK_PAID
        if status in (StatusName.AWAITED, StatusName.LAPSED) and problem == "page":
            return words.NO_PAGE
        if status in STILL_PAYABLE and problem == "refused":
            return words.REFUSED
        if status == StatusName.AWAITED and back == "cancelled":
            return words.BACK_CANCELLED
        own = words.DEBIT_WORDS if gift.mode == Mode.BANK_DEBIT else {}
        return own.get(status, words.STATUS_WORDS[status])
    if status == StatusName.AWAITED:
        return gift.mode.facts.awaiting
    if status == StatusName.LAPSED:
        return words.UNDONE_BY_STAFF.get(gift.mode, words.LAPSED_BY_HAND)
    return words.STATUS_WORDS[status]


def _tone(status: StatusName) -> str:
    match status:
        case StatusName.CONFIRMED:
            return "good"
        case StatusName.FAILED | StatusName.DISPUTED | StatusName.CHARGED_BACK:
            return "bad"
        case StatusName.AWAITED | StatusName.LAPSED:
            return "wait"
        case StatusName.PROCESSING | StatusName.PARTLY_REFUNDED | StatusName.REFUNDED:
            return "info"


def _others(gift: Gift, donor: Donor, region: Region | None) -> list[Mode]:
    if region is None:
        return []
    offered = offers(
        region,
        country=donor.country,
        currency=gift.currency,
        frequency=frequency_instead(gift),
    )
    return [
        mode
        for mode, offer in offered.items()
        if (mode != gift.mode or is_later_month(gift))
        and offer.available
        and offer.min_minor <= gift.amount_minor <= offer.max_minor
    ]
