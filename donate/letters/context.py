"""What a letter is about, as it is at the moment of sending, and whether it would still be true."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from babel.dates import format_date
from sqlmodel import Session, col, select

from donate.gifts.account_confirmation import Confirmation, confirmation_due, was_never_confirmed
from donate.gifts.facts import Fact, FactKind
from donate.gifts.models import Donor, Gift, GiftFact, GiftWish
from donate.gifts.pledges import RequestedAmount, requested_amount
from donate.gifts.queries import donor_of, facts_of, paid_replacement, wish_of
from donate.letters.kinds import LetterKind, statuses_for
from donate.letters.models import Letter
from donate.letters.transfers import Transfers, transfers_about
from donate.money import Money, format_money
from donate.regions.modes import Mode
from donate.regions.regions import ModeTerms, Region, Regions

_HOW_TO_SEND = (LetterKind.INSTRUCTIONS, LetterKind.REMINDER)
_REFUNDS: Final[Mapping[str, FactKind]] = {
    LetterKind.REFUND: FactKind.REFUND_SUCCEEDED,
    LetterKind.REFUND_FAILED: FactKind.REFUND_FAILED,
}


@dataclass(frozen=True, slots=True)
class LetterContext:
    """A gift and what stands around it. `region` is None for a code that is no longer ours."""

    gift: Gift
    donor: Donor
    region: Region | None
    public_url: str
    first: Gift | None = None
    """The gift that began the pledge which this one is a month of."""
    returned: Money | None = None
    """What one refund sent back, or did not send back after all."""
    change: RequestedAmount | None = None
    """What each month was asked to be from now on."""
    is_given_instead: bool = False
    """Whether the donor has given it in another way, so that nothing is to be sent."""
    wish: GiftWish | None = None
    """What the donor added to the gift."""
    transfers: Transfers | None = None
    """What staff marked by hand, for a letter that follows from it."""
    ended: Fact | None = None
    """That the pledge has ended."""
    confirmation: Confirmation | None = None
    """What the donor still has to confirm."""
    was_never_confirmed: bool = False
    """Whether the last try failed because of that."""

    @property
    def language(self) -> str:
        """What the donor reads."""
        return self.gift.language

    @property
    def contact(self) -> str:
        """Whom to write to with a question; empty where nobody is known."""
        return (self.region and self.region.organisation.email) or ""

    @property
    def page(self) -> str:
        """The address of the donor's page of this gift."""
        return f"{self.public_url}/gifts/{self.gift.token}"

    @property
    def pledge_page(self) -> str | None:
        """The address where the donor sees and changes the pledge, if there is one."""
        return f"{self.public_url}/pledges/{self.first.token}" if self.first else None

    @property
    def give_page(self) -> str:
        """The address where the donor can begin anew."""
        return f"{self.public_url}/give/{self.gift.code}?lang={self.language}"

    @property
    def terms(self) -> ModeTerms | None:
        """On which terms the region offers the mode of the gift, if it still does."""
        if self.region is None or self.gift.mode not in self.region.modes:
            return None
        return self.region.modes[Mode(self.gift.mode)]

    @property
    def told(self) -> Money | None:
        """What we wrote had arrived, where some of that was taken back."""
        if not (self.transfers and self.transfers.is_wrong and self.transfers.told_minor):
            return None
        return Money(self.transfers.told_minor, self.gift.currency)

    def money(self, value: Money) -> str:
        """Write an amount as the donor reads it."""
        return format_money(value, self.language)

    def day(self, value: date) -> str:
        """Write a date as the donor reads it."""
        return format_date(value, format="long", locale=self.language.replace("-", "_"))


def load_context(
    session: Session, letter: Letter, regions: Regions, public_url: str
) -> LetterContext:
    """Read what a letter is about."""
    transfers = transfers_about(session, letter)
    gift = session.get_one(Gift, letter.gift_id)
    facts = [row.as_fact() for row in facts_of(session, gift.id)]
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


def is_true(letter: Letter, about: LetterContext) -> bool:
    """Tell whether a letter would say what is so, and for the first time unless sent again."""
    kind, transfers = LetterKind(letter.kind), about.transfers
    if transfers and not letter.again:
        if kind is LetterKind.THANK_YOU and transfers.is_thanked(letter.occasion):
            return False
        if kind in _HOW_TO_SEND and transfers.was_told:
            return False  # a correction says that it has not come
        if kind is LetterKind.CORRECTION and not transfers.is_to_be_corrected:
            return False
    if kind in _HOW_TO_SEND and about.is_given_instead:
        return False
    if about.change and not about.change.stands:
        return False
    if kind is LetterKind.UNDER_WAY and about.confirmation:
        return False
    return about.gift.status in statuses_for(kind) and can_be_written(kind, about)


def can_be_written(kind: LetterKind, about: LetterContext) -> bool:
    """Tell whether there is something to say, be it true of the gift any longer or not."""
    if kind in _REFUNDS:
        return about.returned is not None
    if kind is LetterKind.CONFIRM_ACCOUNT:
        return about.confirmation is not None
    if kind is LetterKind.PLEDGE_AMOUNT:
        return about.change is not None
    if kind in _HOW_TO_SEND:
        return about.terms is not None
    if kind is LetterKind.THANK_YOU:
        return about.gift.received_minor > 0
    if kind is LetterKind.CORRECTION:
        return about.told is not None
    return True


def _returned(session: Session, letter: Letter) -> Money | None:
    wanted = _REFUNDS.get(letter.kind)
    if wanted is None:
        return None
    about = select(GiftFact).where(
        col(GiftFact.kind).in_(_REFUNDS.values()), GiftFact.source_id == letter.occasion
    )
    found = {fact.kind: fact for fact in session.exec(about)}
    if wanted == FactKind.REFUND_SUCCEEDED and FactKind.REFUND_FAILED in found:
        return None  # it came back to us after all
    fact = found.get(wanted)
    if fact is None or not fact.amount_minor or not fact.currency:
        return None
    return Money(fact.amount_minor, fact.currency)


def _ended(session: Session, letter: Letter) -> Fact | None:
    if letter.kind != LetterKind.PLEDGE_ENDED:
        return None
    told = [row.as_fact() for row in facts_of(session, letter.gift_id)]
    name = (FactKind.PLEDGE_ENDED, letter.occasion)
    return next((fact for fact in told if (fact.kind, fact.source_id) == name), None)


def _change(session: Session, letter: Letter) -> RequestedAmount | None:
    if letter.kind != LetterKind.PLEDGE_AMOUNT:
        return None
    facts = [row.as_fact() for row in facts_of(session, letter.gift_id)]
    return requested_amount(facts, letter.occasion)
