"""Loads the data for an e-mail, and checks whether the e-mail's content is still true."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from babel.dates import format_date
from sqlmodel import Session, col, select

from donate.gifts.account_confirmation import Confirmation, confirmation_due, was_never_confirmed
from donate.gifts.facts import Fact, FactKind
from donate.gifts.models import Donor, Gift, GiftFact, GiftWish
from donate.gifts.monthly.pledge_state import RequestedAmount, requested_amount
from donate.gifts.queries import donor_of, paid_replacement, plain_facts_of, wish_of
from donate.letters.kinds import LetterKind, statuses_for
from donate.letters.models import Letter
from donate.letters.transfers import Transfers, transfers_about
from donate.money import Money, format_money
from donate.regions.regions import ModeTerms, Region, Regions

_HOW_TO_SEND = (LetterKind.INSTRUCTIONS, LetterKind.REMINDER)
_REFUNDS: Final[Mapping[LetterKind, FactKind]] = {
    LetterKind.REFUND: FactKind.REFUND_SUCCEEDED,
    LetterKind.REFUND_FAILED: FactKind.REFUND_FAILED,
}


@dataclass(frozen=True, slots=True)
class LetterContext:
    """A gift, and all data that e-mails about it use. `region` is None if it no longer exists."""

    gift: Gift
    donor: Donor
    region: Region | None
    public_url: str
    first: Gift | None = None
    """The pledge's first gift, if this gift is a later monthly payment."""
    returned: Money | None = None
    """The amount of the refund that succeeded or failed."""
    change: RequestedAmount | None = None
    """The new monthly amount that the donor requested."""
    is_given_instead: bool = False
    """Whether the donor paid in another mode, so that no transfer is expected."""
    wish: GiftWish | None = None
    """The options that the donor added to the gift."""
    transfers: Transfers | None = None
    """The transfers that staff marked, for kinds of e-mail that depend on them."""
    ended: Fact | None = None
    """The PLEDGE_ENDED fact, for an e-mail about the end of the pledge."""
    confirmation: Confirmation | None = None
    """The bank account that the donor still has to confirm."""
    was_never_confirmed: bool = False
    """Whether the last payment failed because the account was not confirmed."""

    @property
    def language(self) -> str:
        """The donor's language."""
        return self.gift.language

    @property
    def contact(self) -> str:
        """The organisation's e-mail address; empty if there is none."""
        return (self.region and self.region.organisation.email) or ""

    @property
    def page(self) -> str:
        """The URL of the donor's page for this gift."""
        return f"{self.public_url}/gifts/{self.gift.token}"

    @property
    def pledge_page(self) -> str | None:
        """The URL of the donor's page for the pledge; None if the gift is not monthly."""
        return f"{self.public_url}/pledges/{self.first.token}" if self.first else None

    @property
    def give_page(self) -> str:
        """The URL where the donor can make a new gift."""
        return f"{self.public_url}/give/{self.gift.code}?lang={self.language}"

    @property
    def terms(self) -> ModeTerms | None:
        """The region's terms for the gift's mode; None if the region no longer offers the mode."""
        if self.region is None or self.gift.mode not in self.region.modes:
            return None
        return self.region.modes[self.gift.mode]

    @property
    def wrongly_stated(self) -> Money | None:
        """The amount that an earlier e-mail stated, if it included a transfer that staff undid."""
        if not (self.transfers and self.transfers.is_overstated and self.transfers.stated_minor):
            return None
        return Money(self.transfers.stated_minor, self.gift.currency)

    def money(self, value: Money) -> str:
        """Format an amount in the donor's language."""
        return format_money(value, self.language)

    def day(self, value: date) -> str:
        """Format a date in the donor's language."""
        return format_date(value, format="long", locale=self.language.replace("-", "_"))


def load_context(
    session: Session, letter: Letter, regions: Regions, public_url: str
) -> LetterContext:
    """Read all data that the e-mail needs."""
    transfers = transfers_about(session, letter)
    gift = session.get_one(Gift, letter.gift_id)
    facts = plain_facts_of(session, gift.id)
    return LetterContext(
        gift=gift,
        donor=donor_of(session, gift),
        region=regions.get(gift.code),
        public_url=public_url,
        first=session.get_one(Gift, gift.pledge_id) if gift.pledge_id else None,
        returned=_returned(session, letter),
        change=_change(session, letter),
        is_given_instead=paid_replacement(session, gift) is not None,
        wish=wish_of(session, gift),
        transfers=transfers,
        ended=_ended(session, letter),
        confirmation=confirmation_due(facts),
        was_never_confirmed=was_never_confirmed(facts),
    )


def is_true(letter: Letter, context: LetterContext) -> bool:
    """Whether the e-mail is true now and, unless staff send it again, also says something new."""
    kind, transfers = letter.kind, context.transfers
    if transfers and not letter.again:
        if kind is LetterKind.THANK_YOU and transfers.makes_thanks_redundant(letter.occasion):
            return False
        if kind in _HOW_TO_SEND and transfers.was_stated:
            return False  # an e-mail said that money arrived, so a correction is sent instead
        if kind is LetterKind.CORRECTION and not transfers.needs_correction:
            return False
    if kind in _HOW_TO_SEND and context.is_given_instead:
        return False
    if context.change and not context.change.stands:
        return False
    if kind is LetterKind.UNDER_WAY and context.confirmation:
        return False
    return context.gift.status in statuses_for(kind) and can_be_written(kind, context)


def can_be_written(kind: LetterKind, context: LetterContext) -> bool:
    """Whether there is enough data to write this kind of e-mail, even if it is no longer true."""
    match kind:
        case LetterKind.REFUND | LetterKind.REFUND_FAILED:
            return context.returned is not None
        case LetterKind.CONFIRM_ACCOUNT:
            return context.confirmation is not None
        case LetterKind.PLEDGE_AMOUNT:
            return context.change is not None
        case LetterKind.INSTRUCTIONS | LetterKind.REMINDER:
            return context.terms is not None
        case LetterKind.THANK_YOU:
            return context.gift.received_minor > 0
        case LetterKind.CORRECTION:
            return context.wrongly_stated is not None
        case LetterKind.UNDER_WAY | LetterKind.FAILED | LetterKind.MONTH_FAILED:
            return True
        case LetterKind.PLEDGE_ENDED:
            return True
        case LetterKind.PLEDGE_LINK:
            return context.first is not None


def _returned(session: Session, letter: Letter) -> Money | None:
    kind = _REFUNDS.get(letter.kind)
    if kind is None:
        return None
    statement = select(GiftFact).where(
        col(GiftFact.kind).in_(_REFUNDS.values()), GiftFact.source_id == letter.occasion
    )
    facts = {fact.kind: fact for fact in session.exec(statement)}
    if kind == FactKind.REFUND_SUCCEEDED and FactKind.REFUND_FAILED in facts:
        return None  # the donor's bank sent the refund back to us
    fact = facts.get(kind)
    if fact is None or not fact.amount_minor or not fact.currency:
        return None
    return Money(fact.amount_minor, fact.currency)


def _ended(session: Session, letter: Letter) -> Fact | None:
    if letter.kind != LetterKind.PLEDGE_ENDED:
        return None
    facts = plain_facts_of(session, letter.gift_id)
    key = (FactKind.PLEDGE_ENDED, letter.occasion)
    return next((fact for fact in facts if (fact.kind, fact.source_id) == key), None)


def _change(session: Session, letter: Letter) -> RequestedAmount | None:
    if letter.kind != LetterKind.PLEDGE_AMOUNT:
        return None
    facts = plain_facts_of(session, letter.gift_id)
    return requested_amount(facts, letter.occasion)
