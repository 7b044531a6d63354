"""An example gift of an example donor, with which staff see how an e-mail will look."""

import uuid
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final

from donate.errors import N_
from donate.gifts.account_confirmation import Confirmation
from donate.gifts.facts import Fact, FactKind
from donate.gifts.links.gift_links import HIDDEN_LINKS, GiftLinks
from donate.gifts.models import Donor, Gift
from donate.gifts.monthly.pledge_state import Pledge, PledgeState
from donate.gifts.monthly.schedule import Schedule
from donate.gifts.status import StatusName
from donate.letters.context import ChangedPledge, LetterContext
from donate.letters.kinds import LetterKind
from donate.letters.texts.rules import TextParts
from donate.letters.transfers import Transfers
from donate.letters.words.by_kind import draft
from donate.money import Money, minor_digits
from donate.regions.modes import BY_HAND, Mode
from donate.regions.regions import Frequency, Region
from donate.web.templating import translate

_NAME: Final = N_("Alex Example")
_WORD: Final = "EXAMPLE"
_HOW_TO_SEND: Final = (LetterKind.INSTRUCTIONS, LetterKind.REMINDER)
_MONTHLY: Final = (
    *(LetterKind.MONTH_FAILED, LetterKind.PLEDGE_AMOUNT, LetterKind.PLEDGE_PAUSED),
    *(LetterKind.PLEDGE_RESUMED, LetterKind.PLEDGE_METHOD),
    *(LetterKind.PLEDGE_ENDED, LetterKind.PLEDGE_LINK),
)


class _PlaceholderContext(LetterContext):
    """A context that returns placeholders, such as {amount}, in place of values.

    With it, a standard text reads as staff see it in the form.
    """

    def money(self, value: Money) -> str:
        return "{amount}"

    def day(self, value: date) -> str:
        return "{date}"


def example_context(
    kind: LetterKind,
    region: Region,
    language: str,
    *,
    today: date,
    links: GiftLinks = HIDDEN_LINKS,
    own_text: TextParts | None = None,
) -> LetterContext:
    """Return the data for an e-mail of this kind to the example donor."""
    return LetterContext(**_example(kind, region, language, today), links=links, own_text=own_text)


def standard_text(kind: LetterKind, region: Region, language: str) -> TextParts:
    """Return the standard text of this kind of e-mail, with placeholders."""
    values = _example(kind, region, language, date(2000, 1, 1))
    values["gift"].reference = "{reference}"
    content = draft(kind, _PlaceholderContext(**values, links=HIDDEN_LINKS))
    return TextParts(
        content.subject,
        content.headline,
        "\n".join(content.opening),
        "\n".join(content.closing),
    )


def _example(kind: LetterKind, region: Region, language: str, today: date) -> dict[str, Any]:
    amount = Money(50 * 10 ** minor_digits(region.currency), region.currency)
    noon = datetime.combine(today, time(12), UTC)
    gift = Gift(
        id=uuid.UUID(int=0),
        reference=f"{region.code}-{_WORD}",
        link_name=_WORD.lower(),
        form_key="",
        code=region.code,
        mode=_mode_for(kind, region),
        frequency=Frequency.ONCE,
        amount_minor=amount.amount_minor,
        currency=amount.currency,
        language=language,
        time_zone=region.time_zone,
        donor_id=0,
        opened_at=noon,
        opened_on=today,
        status=StatusName.AWAITED,
        received_minor=0 if kind is LetterKind.CORRECTION else amount.amount_minor,
        net_minor=0 if kind is LetterKind.CORRECTION else amount.amount_minor,
    )
    name = translate(language, _NAME)
    return {
        "gift": gift,
        "donor": Donor(name=name, email="", country=region.country, language=language),
        "region": region,
        "first": gift if kind in _MONTHLY else None,
        "returned": amount,
        "each_month": amount,
        "changed": _changed(amount, today, noon),
        "transfers": _mistaken(amount, noon) if kind is LetterKind.CORRECTION else None,
        "ended": Fact(FactKind.PLEDGE_ENDED, _WORD, noon, "donor"),
        "confirmation": Confirmation(url="", arrives_on=today, by_code=True),
    }


def _changed(amount: Money, today: date, noon: datetime) -> ChangedPledge:
    """Return a pledge that is paused for the next two months."""
    months = tuple(today + timedelta(days=30 * number) for number in (1, 2, 3))
    return ChangedPledge(
        Pledge(subscription=_WORD, state=PledgeState.PAUSED, each_month=amount),
        Schedule(next_on=months[2], left_out=months[:2]),
        Fact(FactKind.PLEDGE_CHANGED, _WORD, noon, "donor"),
    )


def _mode_for(kind: LetterKind, region: Region) -> Mode:
    """Return a mode that this kind of e-mail is about, if possible one that the region offers."""
    by_hand = kind in _HOW_TO_SEND
    offered = (mode for mode in region.modes if (mode in BY_HAND) == by_hand)
    return next(offered, Mode.INTERAC if by_hand else Mode.CARD)


def _mistaken(amount: Money, noon: datetime) -> Transfers:
    """Return transfers for which a correction is sent: an e-mail said wrongly that they arrived."""
    return Transfers(
        knew=0,
        touched_at=noon,
        in_force=frozenset(),
        arrived_minor=0,
        was_stated=True,
        stated_minor=amount.amount_minor,
        has_unmentioned=False,
        is_overstated=True,
    )
