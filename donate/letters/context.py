"""Loads the data for an e-mail, and checks whether the e-mail's content is still true."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from sqlmodel import Session, col, select

from donate.gifts.account_confirmation import Confirmation, confirmation_due, was_never_confirmed
from donate.gifts.facts import Fact, FactKind
from donate.gifts.links.gift_links import GiftLinks
from donate.gifts.models import Donor, Gift, GiftFact, GiftWish
from donate.gifts.monthly.pledge_state import Pledge, PledgeState, pledge_of
from donate.gifts.monthly.schedule import Schedule, schedule_of
from donate.gifts.monthly.start_again import start_again_path
from donate.gifts.queries import donor_of, paid_replacement, plain_facts_of, wish_of
from donate.letters.kinds import LetterKind, statuses_for
from donate.letters.models import Letter
from donate.letters.reminders.conditions import is_remindable
from donate.letters.reminders.stopping import wants_reminders
from donate.letters.texts.queries import TextPlace, own_text_for
from donate.letters.texts.rules import TextParts
from donate.letters.transfers import Transfers, is_return_known, transfers_about
from donate.money import Money, format_money
from donate.regions.regions import ModeTerms, Region, Regions
from donate.web.templating import Localizer

_HOW_TO_SEND = (LetterKind.INSTRUCTIONS, LetterKind.REMINDER)
_REFUNDS: Final[Mapping[LetterKind, FactKind]] = {
    LetterKind.REFUND: FactKind.REFUND_SUCCEEDED,
    LetterKind.REFUND_FAILED: FactKind.REFUND_FAILED,
    LetterKind.NOT_SENT_BACK: FactKind.REFUND_FAILED,
}
_ABOUT_CHANGES: Final = (
    LetterKind.PLEDGE_AMOUNT,
    LetterKind.PLEDGE_PAUSED,
    LetterKind.PLEDGE_RESUMED,
    LetterKind.PLEDGE_METHOD,
)


@dataclass(frozen=True, slots=True)
class ChangedPledge:
    """A pledge as it is now, its schedule, and the fact of the change that an e-mail is about."""

    pledge: Pledge
    schedule: Schedule
    change: Fact

    def is_as_changed(self, kind: LetterKind) -> bool:
        """Whether the change that this kind of e-mail is about is still in force."""
        pledge, change = self.pledge, self.change
        is_paused = pledge.state is PledgeState.PAUSED
        match kind:
            case LetterKind.PLEDGE_AMOUNT:
                is_same = pledge.each_month.amount_minor == change.amount_minor
            case LetterKind.PLEDGE_PAUSED:
                is_same = is_paused and pledge.resumes_at == change.resumes_at
            case LetterKind.PLEDGE_RESUMED:
                is_same = not is_paused
            case _:
                is_same = pledge.last_method_id == change.payment_method
        return pledge.runs and is_same


@dataclass(frozen=True, slots=True)
class LetterContext:
    """A gift, and all data that e-mails about it use. `region` is None if it no longer exists."""

    gift: Gift
    donor: Donor
    region: Region | None
    links: GiftLinks
    each_month: Money
    """The monthly amount of the pledge that the gift began; of another gift, its amount."""
    first: Gift | None = None
    """The pledge's first gift, if this gift is a later monthly payment."""
    returned: Money | None = None
    """The amount of the refund that succeeded or failed."""
    is_return_known: bool = False
    """Whether earlier e-mails about transfers sent back leave the donor with the right amounts."""
    changed: ChangedPledge | None = None
    """The pledge, for an e-mail about a change of it."""
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
    may_be_reminded: bool = False
    """Whether the donor of an unfinished payment may be reminded of it now."""
    own_text: TextParts | None = None
    """The text that staff wrote; None for the standard text."""

    @property
    def language(self) -> str:
        """The donor's language."""
        return self.gift.language

    @property
    def contact(self) -> str:
        """The organisation's e-mail address; empty if there is none."""
        return (self.region and self.region.organisation.email) or ""

    @property
    def charity(self) -> str:
        """The organisation's name in the donor's language; empty if it is not known."""
        return self.region.organisation.name_in(self.language) if self.region else ""

    @property
    def page(self) -> str:
        """The URL of the donor's page for this gift."""
        return self.links.page(self.gift)

    @property
    def pledge_page(self) -> str | None:
        """The URL of the donor's page for the pledge; None if the gift is not monthly."""
        return self.links.pledge_page(self.first) if self.first else None

    @property
    def start_again_page(self) -> str:
        """The URL of the Give form for a new pledge like the one that the gift began."""
        return self.links.public_url + start_again_path(self.gift, self.each_month, self.language)

    @property
    def stop_page(self) -> str:
        """The URL of the page on which the donor stops reminders."""
        return self.links.stop_page(self.gift)

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
        return Localizer(self.language).day(value)

    def months(self, days: Iterable[date]) -> str:
        """List the months of these days in the donor's language."""
        return Localizer(self.language).months(days)


def load_context(
    session: Session, letter: Letter, regions: Regions, links: GiftLinks
) -> LetterContext:
    """Read all data that the e-mail needs."""
    transfers = transfers_about(session, letter)
    gift = session.get_one(Gift, letter.gift_id)
    region = regions.get(gift.code)
    facts = plain_facts_of(session, gift.id)
    return LetterContext(
        gift=gift,
        donor=donor_of(session, gift),
        region=region,
        links=links,
        each_month=pledge_of(facts, gift.amount).each_month,
        first=session.get_one(Gift, gift.pledge_id) if gift.pledge_id else None,
        returned=_returned(session, letter),
        is_return_known=is_return_known(session, letter, gift),
        changed=_changed(letter, gift, facts),
        is_given_instead=paid_replacement(session, gift) is not None,
        wish=wish_of(session, gift),
        transfers=transfers,
        ended=_ended(session, letter),
        confirmation=confirmation_due(facts),
        was_never_confirmed=was_never_confirmed(facts),
        may_be_reminded=_may_be_reminded(session, letter, gift),
        own_text=_own_text(session, letter.kind, gift, region),
    )


def is_true(letter: Letter, context: LetterContext) -> bool:
    """Whether what the e-mail says is true now.

    Unless staff send it again, it must also say something that no earlier e-mail said.
    """
    kind, transfers = letter.kind, context.transfers
    if transfers and not letter.again:
        if kind is LetterKind.THANK_YOU and transfers.makes_thanks_redundant(letter.occasion):
            return False
        if kind in _HOW_TO_SEND and transfers.was_stated:
            return False  # an e-mail said that money arrived, so a correction is sent instead
        if kind is LetterKind.CORRECTION and not transfers.needs_correction:
            return False
    if context.is_return_known and not letter.again:
        return False
    if kind in _HOW_TO_SEND and context.is_given_instead:
        return False
    if context.changed and not context.changed.is_as_changed(kind):
        return False
    if kind is LetterKind.UNFINISHED and not context.may_be_reminded:
        return False
    if kind is LetterKind.UNDER_WAY and context.confirmation:
        return False
    return context.gift.status in statuses_for(kind) and can_be_written(kind, context)


def can_be_written(kind: LetterKind, context: LetterContext) -> bool:
    """Whether there is enough data to write this kind of e-mail, even if it is no longer true."""
    match kind:
        case LetterKind.REFUND | LetterKind.REFUND_FAILED | LetterKind.NOT_SENT_BACK:
            return context.returned is not None
        case LetterKind.CONFIRM_ACCOUNT:
            return context.confirmation is not None
        case (
            LetterKind.PLEDGE_AMOUNT
            | LetterKind.PLEDGE_PAUSED
            | LetterKind.PLEDGE_RESUMED
            | LetterKind.PLEDGE_METHOD
        ):
            return context.changed is not None
        case LetterKind.INSTRUCTIONS | LetterKind.REMINDER:
            return context.terms is not None
        case LetterKind.THANK_YOU:
            return context.gift.received_minor > 0
        case LetterKind.CORRECTION:
            return context.wrongly_stated is not None
        case LetterKind.UNFINISHED:
            return context.region is not None and context.region.reminder is not None
        case LetterKind.UNDER_WAY | LetterKind.FAILED | LetterKind.MONTH_FAILED:
            return True
        case LetterKind.PLEDGE_ENDED:
            return True
        case LetterKind.PLEDGE_LINK:
            return context.first is not None


def _may_be_reminded(session: Session, letter: Letter, gift: Gift) -> bool:
    if letter.kind != LetterKind.UNFINISHED:
        return False
    may_be = is_remindable(session, gift.id, letter.written_at)
    return may_be and wants_reminders(session, donor_of(session, gift).email)


def _own_text(
    session: Session, kind: LetterKind, gift: Gift, region: Region | None
) -> TextParts | None:
    if region is None:
        return None
    return own_text_for(session, TextPlace(region.code, region.language(gift.language), kind))


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


def _changed(letter: Letter, gift: Gift, facts: list[Fact]) -> ChangedPledge | None:
    if letter.kind not in _ABOUT_CHANGES:
        return None
    key = (FactKind.PLEDGE_CHANGED, letter.occasion)
    change = next((fact for fact in facts if (fact.kind, fact.source_id) == key), None)
    if change is None:
        return None
    pledge = pledge_of(facts, gift.amount)
    return ChangedPledge(
        pledge, schedule_of(pledge, facts, gift.time_zone, change.happened_at), change
    )
