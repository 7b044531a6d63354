"""Makes the daily sheets, one for each currency, and shows how reliable their figures are."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from typing import Final

from sqlmodel import Session

from donate.books.journal.roles import AccountRole as Role
from donate.books.recorded.closings import Closing
from donate.books.recorded.sheets.bank_balances import StatedBalance, stated_balances, total
from donate.books.recorded.sheets.disputed import money_in_dispute
from donate.books.recorded.sheets.gift_sums import (
    chosen_by_status,
    gift_differences,
    sum_of_gifts,
    sum_of_movements,
)
from donate.books.recorded.sheets.open_gifts import gifts_paid_twice, open_money
from donate.books.recorded.sheets.positions import Position, positions
from donate.books.recorded.sheets.sheet_scope import SheetScope
from donate.books.recorded.sheets.single_items import read_items
from donate.books.recorded.sheets.transit import Transit, transit
from donate.books.sheet.daily_sheet import DaySheet, sheet_of
from donate.books.sheet.differences import OF_ROLE, DifferenceKind as Kind
from donate.books.sheet.items import (
    NOTHING_STATED,
    SettledSums,
    SheetItems,
    Stage,
    StatedTotals,
)
from donate.gifts.movements.models import Subject
from donate.gifts.movements.totals import TotalFilter, add_up

MOST_LISTED: Final = 200
"""Maximum number of single items of each kind that are read, to link to them.

All other items are only in the sums.
"""
_LISTED_ROLES: Final = (Role.SUSPENSE, Role.UNIDENTIFIED, Role.CURRENCY_EXCHANGE)
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


@dataclass(frozen=True, slots=True)
class RecordedSheet:
    """The daily sheet for a currency, with the details behind its figures.

    `has_stripe` says whether any transaction of Stripe's balance up to that day is stored.
    """

    sheet: DaySheet
    transit: Transit
    banks: Sequence[StatedBalance]
    has_stripe: bool


def read_sheets(
    session: Session, day: date, *, time_zone: str, closings: Sequence[Closing] = ()
) -> list[RecordedSheet]:
    """Return the daily sheet for each currency in which something is recorded up to a day.

    Call it in one database snapshot (`Database.reading_snapshot`), so that all figures agree.
    """
    found = positions(session, day, time_zone=time_zone, closings=closings)
    chosen = add_up(session, TotalFilter(Subject.GIFT, last_day=day))
    currencies = sorted(found.keys() | {each.currency for each in chosen})
    return [
        _sheet(session, SheetScope(each, day, time_zone, closings), found.get(each, Position()))
        for each in currencies
    ]


def _sheet(session: Session, scope: SheetScope, position: Position) -> RecordedSheet:
    on_the_way = transit(session, scope, position, most=MOST_LISTED)
    banks = stated_balances(session, scope.currency, scope.day)
    chosen = chosen_by_status(session, scope)
    disputed = money_in_dispute(session, scope.currency, scope.day)
    opened = open_money(session, scope, most=MOST_LISTED)
    roles = [role for role in _LISTED_ROLES if position.stripe_count[role]]
    read = partial(read_items, session, scope, disputed=disputed, roles=roles, most=MOST_LISTED)
    items = read(opened)
    added_up = StatedTotals(
        chosen=sum_of_gifts(session, scope),
        confirmed=sum_of_movements(session, scope),
        at_stripe=position.roles[Role.STRIPE_CLEARING],
        in_transit=position.roles[Role.PAYOUTS_IN_TRANSIT],
        at_bank=position.roles[Role.BANK],
    )
    differences = gift_differences(session, scope, chosen, position.movements, disputed)
    settled = _settled(scope, items, added_up, differences, position)
    if settled.differences.get(Kind.AMOUNT_DIFFERS):
        more = gifts_paid_twice(session, scope, most=MOST_LISTED)
        items = read(replace(opened, gifts=opened.gifts | more))
        settled = _settled(scope, items, added_up, differences, position)
    stated = StatedTotals(
        chosen=sum(chosen.values()),
        confirmed=sum(position.movements.values()),
        at_stripe=position.stripe_minor,
        in_transit=on_the_way.stated_minor,
        at_bank=total(banks),
    )
    listed = SheetItems(items.gifts, items.money, items.stripe, items.bank, settled)
    sheet = sheet_of(scope.currency, scope.day, listed, stated)
    return RecordedSheet(sheet, on_the_way, banks, bool(position.stripe_count))


def _settled(
    scope: SheetScope,
    items: SheetItems,
    added_up: StatedTotals,
    between_gifts: Mapping[Kind, int],
    position: Position,
) -> SettledSums:
    """Return the sums of all that is not listed one by one: the sums of everything less `items`."""
    alone = sheet_of(scope.currency, scope.day, items, NOTHING_STATED)
    left: Counter[Kind] = Counter(between_gifts)
    for role, amount in position.roles.items():
        if role in OF_ROLE:
            left[OF_ROLE[role]] += amount
    # The part of a receivable that is not listed counts as gifts whose money is not there yet.
    for role, (waiting, *_) in _RECEIVABLES.items():
        left[waiting] += position.roles[role]
    waiting_for = {kind: kinds[0] for kinds in _RECEIVABLES.values() for kind in kinds}
    for difference in alone.differences:
        left[waiting_for.get(difference.kind, difference.kind)] -= difference.amount_minor
    totals = StatedTotals(
        **{stage.value: added_up.of(stage) - alone.added_up.of(stage) for stage in Stage}
    )
    return SettledSums(totals, {kind: amount for kind, amount in left.items() if amount})
