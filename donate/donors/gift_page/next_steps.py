"""Says on a gift's page what happens next, in order, and offers a monthly gift."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from donate.errors import N_
from donate.gifts.models import Gift
from donate.gifts.status import StatusName
from donate.money import Money
from donate.regions.modes import BY_HAND
from donate.regions.regions import Frequency, Region


@dataclass(frozen=True, slots=True)
class NextStepText:
    """One step: a msgid with the values of its placeholders."""

    message: str
    values: Mapping[str, object] = field(default_factory=dict)
    is_email: bool = False
    """Whether this step happens only if the service sends e-mails."""


def next_steps(gift: Gift, *, email: str, contact: str, is_announced: bool) -> list[NextStepText]:
    """Return what happens next; nothing while the donor still has to act.

    `email` is the donor's masked address, and `contact` the organisation's; each may be empty.
    """
    match gift.status:
        case StatusName.CONFIRMED:
            return [*_confirmed(gift, email), *_about_receipts(contact)]
        case StatusName.PROCESSING:
            step = N_("Your bank will debit your account within five business days.")
            return [NextStepText(step), *_told_by_email(email)]
        case StatusName.AWAITED if is_announced and gift.mode in BY_HAND:
            step = N_(
                "We’ll watch for your gift in our bank account and recognize it by its reference."
            )
            return [NextStepText(step), *_told_by_email(email)]
        case _:
            return []


def _confirmed(gift: Gift, email: str) -> list[NextStepText]:
    steps = []
    if email:
        told = N_("We’ll e-mail your confirmation to %(email)s.")
        steps.append(NextStepText(told, {"email": email}, is_email=True))
    if gift.frequency == Frequency.MONTHLY:
        again = N_("We’ll collect your gift each month until you pause or cancel it.")
        steps.append(NextStepText(again))
    return steps


def _told_by_email(email: str) -> list[NextStepText]:
    told = N_("We’ll e-mail you at %(email)s when your gift arrives.")
    return [NextStepText(told, {"email": email}, is_email=True)] if email else []


def _about_receipts(contact: str) -> list[NextStepText]:
    if not contact:
        return [NextStepText(N_("This page isn’t an official receipt for income tax purposes."))]
    sentence = N_(
        "This page isn’t an official receipt for income tax purposes. Questions about receipts? "
        "Write to %(contact)s."
    )
    return [NextStepText(sentence, {"contact": contact})]


def monthly_offer(gift: Gift, region: Region | None) -> Money | None:
    """Return the largest offered monthly amount up to half the gift, otherwise the smallest."""
    if region is None or gift.status != StatusName.CONFIRMED or gift.frequency != Frequency.ONCE:
        return None
    if Frequency.MONTHLY not in region.frequencies or not gift.mode.facts.monthly:
        return None
    amounts = sorted(region.presets_for(Frequency.MONTHLY))
    smaller = [amount for amount in amounts if 2 * amount <= gift.amount_minor]
    offered = smaller[-1:] or amounts[:1]
    return Money(offered[0], gift.currency) if offered else None
