"""Compares the totals stated for the end of a day with single amounts, and names differences.

The single amounts go through the same rules as the journal, so the sheet always agrees with the
books. Money is at Stripe, in transit or at the bank. The balance of any other account, such as
fees, is a difference with a name. If a stated total is not the sum of the single amounts, the rest
is unexplained. This is computed exactly and for each column separately, so that errors in two
columns cannot cancel each other out.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final, NamedTuple

from donate.books.journal.balance_rules import balance_name
from donate.books.journal.bookings import (
    BookedMovement,
    Booking,
    StripeBooking,
)
from donate.books.journal.postings import postings_of
from donate.books.journal.roles import AccountRole as Role
from donate.books.sheet.differences import (
    OF_ROLE,
    Difference,
    DifferenceKind as Kind,
    LinkedAmount,
    LinkedThing,
)
from donate.books.sheet.items import (
    ChosenGift,
    GiftMoney,
    GiftStanding,
    SheetItems,
    Stage,
    StatedTotals,
)

_PLACE_OF: Final = {
    Role.STRIPE_CLEARING: Stage.AT_STRIPE,
    Role.PAYOUTS_IN_TRANSIT: Stage.IN_TRANSIT,
    Role.BANK: Stage.AT_BANK,
}
_INCOME: Final = frozenset({Role.DONATIONS, Role.REFUNDS, Role.DISPUTES})
# The three kinds of difference for each receivable: only the gift is recorded; only Stripe or the
# bank shows the money; both do, but the amounts differ.
_RECEIVABLES: Final = {
    Role.STRIPE_RECEIVABLE: (
        Kind.WAITING_FOR_STRIPE,
        Kind.STRIPE_WITHOUT_GIFT,
        Kind.STRIPE_DIFFERS,
    ),
    Role.TRANSFERS_RECEIVABLE: (
        Kind.WAITING_FOR_TRANSFER,
        Kind.TRANSFER_WITHOUT_GIFT,
        Kind.TRANSFER_DIFFERS,
    ),
}
_STANDINGS: Final = {
    GiftStanding.AWAITED: Kind.AWAITED,
    GiftStanding.PROCESSING: Kind.PROCESSING,
    GiftStanding.FAILED: Kind.FAILED,
    GiftStanding.LAPSED: Kind.LAPSED,
    GiftStanding.CONFIRMED: Kind.AMOUNT_DIFFERS,
}
_REFUNDS: Final = frozenset({BookedMovement.REFUND, BookedMovement.REFUND_RETURNED})
_DISPUTES: Final = frozenset({BookedMovement.DISPUTE, BookedMovement.DISPUTE_RETURNED})


@dataclass(frozen=True, slots=True)
class DaySheet:
    """The sheet of one currency at the end of a day. All amounts are in minor units."""

    currency: str
    day: date
    stated: StatedTotals
    added_up: StatedTotals
    differences: tuple[Difference, ...]

    def unexplained(self, stage: Stage) -> int:
        """Return the total that was stated for a stage, less the sum of the single amounts."""
        return self.stated.of(stage) - self.added_up.of(stage)

    @property
    def unexplained_minor(self) -> int:
        """The unexplained amounts of all columns together; 0 if every difference has a name."""
        return sum(abs(self.unexplained(stage)) for stage in Stage)


class _Traced(NamedTuple):
    """A booking, with the kind and the id of the thing whose page the sheet opens for it.

    The movement of a gift and its amount at Stripe or at the bank have the same `source_id`.
    """

    booking: Booking
    source_id: str
    thing: LinkedThing
    id: str


class _Part(NamedTuple):
    """An amount on an account that is not income, and not at Stripe, in transit or at the bank."""

    role: Role
    traced: _Traced
    amount_minor: int


def sheet_of(currency: str, day: date, items: SheetItems, stated: StatedTotals) -> DaySheet:
    """Return the sheet for one currency at the end of a day.

    Leaves out items in other currencies and from later days. A gift from a later day is used only
    to explain money that came before the gift was entered. The order of the items does not matter.
    """
    all_gifts = [one for one in items.gifts if one.currency == currency]
    gifts = [one for one in all_gifts if one.day <= day]
    later = {one.reference for one in all_gifts if one.day > day}
    money = [one for one in items.money if one.currency == currency and one.day <= day]
    places: Counter[Stage] = Counter()
    parts: list[_Part] = []
    for traced in _traced(items, money):
        for posting in postings_of(traced.booking):
            if posting.entry.day > day or posting.debit.currency != currency:
                continue
            for role, amount in (
                (posting.debit.role, posting.amount_minor),
                (posting.credit.role, -posting.amount_minor),
            ):
                if role in _PLACE_OF:
                    places[_PLACE_OF[role]] += amount
                elif role not in _INCOME:
                    parts.append(_Part(role, traced, amount))
    added_up = StatedTotals(
        chosen=sum(gift.amount_minor for gift in gifts),
        confirmed=sum(one.amount_minor for one in money),
        at_stripe=places[Stage.AT_STRIPE],
        in_transit=places[Stage.IN_TRANSIT],
        at_bank=places[Stage.AT_BANK],
    )
    named = [
        *_between_chosen_and_confirmed(gifts, later, money),
        *_between_confirmed_and_places(parts),
    ]
    differences = _grouped(named, items.settled.differences)
    return DaySheet(currency, day, stated, added_up.plus(items.settled.totals), differences)


def _traced(items: SheetItems, money: list[GiftMoney]) -> Iterator[_Traced]:
    for one in money:
        yield _Traced(one.booking, one.source_id, LinkedThing.GIFT, one.reference)
    for transaction in items.stripe:
        source, thing = transaction.source_id, LinkedThing.STRIPE_TRANSACTION
        yield _Traced(transaction, source or transaction.id, thing, transaction.id)
    for part in items.bank:
        yield _Traced(part, part.source_id or part.id, LinkedThing.BANK_LINE, part.id)


_Named = tuple[Kind, str, LinkedAmount]


def _between_chosen_and_confirmed(
    gifts: list[ChosenGift], later: set[str], money: list[GiftMoney]
) -> Iterator[_Named]:
    received: Counter[str] = Counter()
    known = {gift.reference for gift in gifts} | later
    for one in money:
        link = LinkedAmount(LinkedThing.GIFT, one.reference, one.amount_minor)
        if one.reference not in known:
            yield Kind.UNKNOWN_GIFT, "", link
        elif one.kind in _REFUNDS:
            yield Kind.REFUNDED, "", link
        elif one.kind in _DISPUTES:
            yield (Kind.HELD_IN_DISPUTE if one.is_held else Kind.LOST_IN_DISPUTE), "", link
        elif one.reference in later:
            yield Kind.ENTERED_LATER, "", link
        else:
            received[one.reference] += one.amount_minor
    for gift in gifts:
        got = received[gift.reference]
        kind = Kind.AMOUNT_DIFFERS if got else _STANDINGS[gift.standing]
        left = got - gift.amount_minor
        yield kind, "", LinkedAmount(LinkedThing.GIFT, gift.reference, left)


def _between_confirmed_and_places(parts: list[_Part]) -> Iterator[_Named]:
    by_source: defaultdict[tuple[Role, str], list[_Part]] = defaultdict(list)
    for part in parts:
        if part.role in _RECEIVABLES:
            by_source[part.role, part.traced.source_id].append(part)
        else:
            yield OF_ROLE[part.role], _name(part), _link(part.traced, part.amount_minor)
    for (role, _), sides in by_source.items():
        only_gift, only_other, both = _RECEIVABLES[role]
        of_gifts = [one.traced for one in sides if one.traced.thing is LinkedThing.GIFT]
        kind = both if len(of_gifts) < len(sides) else only_gift
        kind = kind if of_gifts else only_other
        first = min(of_gifts or [one.traced for one in sides], key=lambda one: one.id)
        yield kind, "", _link(first, sum(one.amount_minor for one in sides))


def _link(traced: _Traced, amount_minor: int) -> LinkedAmount:
    return LinkedAmount(traced.thing, traced.id, amount_minor)


def _name(part: _Part) -> str:
    booking = part.traced.booking
    if part.role is Role.SUSPENSE and isinstance(booking, StripeBooking):
        return balance_name(booking.type, booking.category)
    return ""


def _grouped(named: list[_Named], settled: Mapping[Kind, int]) -> tuple[Difference, ...]:
    """Return the differences, sorted by kind.

    A difference has one part for each gift, Stripe transaction or bank line in it.
    """
    sums: defaultdict[tuple[Kind, str], Counter[tuple[LinkedThing, str]]] = defaultdict(Counter)
    for kind in settled:
        sums[kind, ""] = Counter()
    for kind, name, link in named:
        sums[kind, name][link.thing, link.id] += link.amount_minor
    differences = []
    order = list(Kind)
    for kind, name in sorted(sums, key=lambda key: (order.index(key[0]), key[1])):
        parts = tuple(
            LinkedAmount(thing, id_, amount)
            for (thing, id_), amount in sorted(sums[kind, name].items())
            if amount
        )
        settled_minor = 0 if name else settled.get(kind, 0)
        if parts or settled_minor:
            differences.append(Difference(kind, parts, name, settled_minor))
    return tuple(differences)
