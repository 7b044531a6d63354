"""Reads the rows of an export in small batches, with one statement in one database snapshot."""

from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from itertools import islice
from typing import Any, Final

from sqlalchemy import Row, Select, func, select
from sqlmodel import Session, col

from donate.finance.monthly.queries import (
    LastMonth,
    PledgeFilter,
    newest_months,
    pledge_conditions,
)
from donate.finance.movements.queries import movement_conditions
from donate.gifts.donor_profiles.exporting import DonorRow, donor_rows
from donate.gifts.listing.filters import GiftFilter, gift_conditions, moved_within
from donate.gifts.listing.orders import GiftOrder
from donate.gifts.models import Donor, Gift, GiftWish
from donate.gifts.monthly.models import PledgeRow
from donate.gifts.movements.models import GiftMovement
from donate.gifts.movements.totals import TotalFilter
from donate.storage.bulk_writes import table_of

# The number of rows that the driver fetches from a cursor at once. With a thousand rows, other
# threads often wait several milliseconds for Python's interpreter lock, and webhooks are answered
# late.
ROWS_AT_A_TIME: Final = 250

_GIFT = table_of(Gift).c
_DONOR = table_of(Donor).c
_WISH = table_of(GiftWish).c
_MOVEMENT = table_of(GiftMovement).c
_PLEDGE = table_of(PledgeRow).c
_OF_BOTH: Final = (
    _GIFT.reference.label("gift_reference"),
    _GIFT.code,
    _GIFT.mode,
    _GIFT.fund,
    _GIFT.frequency,
    _GIFT.time_zone,
    _DONOR.name.label("donor_name"),
    _DONOR.email.label("donor_email"),
    _DONOR.country.label("donor_country"),
)


def movement_export_rows(session: Session, filters: TotalFilter) -> Generator[Row[Any], None, None]:
    """Yield the movements that match the filters, oldest day first."""
    statement = (
        select(
            *_OF_BOTH,
            _MOVEMENT.gift_id,
            _MOVEMENT.day,
            _MOVEMENT.kind,
            _MOVEMENT.amount_minor,
            _MOVEMENT.currency,
            _MOVEMENT.happened_at,
            _MOVEMENT.recorded_at,
            _MOVEMENT.source_id,
        )
        .select_from(GiftMovement)
        .join(Gift, col(Gift.id) == col(GiftMovement.gift_id))
        .join(Donor, col(Donor.id) == col(Gift.donor_id))
        .where(*movement_conditions(filters))
        .order_by(_MOVEMENT.day, _MOVEMENT.id)
    )
    if filters.first_day:
        statement = statement.where(_MOVEMENT.day >= filters.first_day)
    if filters.last_day:
        statement = statement.where(_MOVEMENT.day <= filters.last_day)
    return stream_rows(session, statement)


def gift_export_rows(
    session: Session, filters: GiftFilter, order: GiftOrder | None
) -> Generator[Row[Any], None, None]:
    """Yield the gifts that match the filters, in the given order, by default oldest first.

    In the default order, gifts are sorted by the day they were received if the filter is about that
    day, otherwise by the day they were started.
    """
    statement = (
        select(
            *_OF_BOTH,
            _GIFT.id.label("gift_id"),
            _GIFT.pledge_id,
            _GIFT.status,
            _GIFT.flags,
            _GIFT.amount_minor,
            _GIFT.received_minor,
            _GIFT.returned_minor,
            _GIFT.net_minor,
            _GIFT.currency,
            _GIFT.opened_on.label("started_on"),
            _GIFT.opened_at.label("started_at"),
            _GIFT.received_on,
            _DONOR.language.label("donor_language"),
            _WISH.is_anonymous,
            _WISH.fee_cover_minor,
            _WISH.tribute_kind,
            _WISH.tribute_name,
            _WISH.note,
        )
        .select_from(Gift)
        .join(Donor, col(Donor.id) == col(Gift.donor_id))
        # All monthly payments of a pledge share the options of its first gift.
        .outerjoin(GiftWish, _WISH.gift_id == func.coalesce(_GIFT.pledge_id, _GIFT.id))
        .where(*gift_conditions(filters).values())
        .order_by(*_sorted_by(filters, order))
    )
    return stream_rows(session, statement)


def _sorted_by(filters: GiftFilter, order: GiftOrder | None) -> list[Any]:
    if order is None:
        by_received = filters.by == "received" and filters.has_days
        return [*([_GIFT.received_on] if by_received else []), _GIFT.opened_at, _GIFT.id]
    keys = list(order.keys())
    if order.follows_movements:
        latest = select(func.max(_MOVEMENT.day)).where(
            _MOVEMENT.gift_id == _GIFT.id, *moved_within(filters)
        )
        keys = [latest.scalar_subquery(), _GIFT.id]
    gaps = [keys[0].is_(None)] if order.has_gaps else []
    return gaps + [key.desc() if order.descending else key.asc() for key in keys]


@dataclass(frozen=True, slots=True)
class ExportedPledge:
    """A pledge in an export: its row from the database, and its most recent monthly payment."""

    row: Row[Any]
    last: LastMonth

    def __getattr__(self, name: str) -> Any:
        """Return a column of the pledge."""
        return getattr(self.row, name)

    @property
    def last_status(self) -> str:
        """The status of the most recent monthly payment."""
        return self.last.status

    @property
    def last_on(self) -> date:
        """The day of the most recent monthly payment."""
        return self.last.day


def pledge_export_rows(
    session: Session, filters: PledgeFilter
) -> Generator[ExportedPledge, None, None]:
    """Yield the pledges that match, oldest first, each with its most recent monthly payment."""
    conditions = pledge_conditions(filters)
    if filters.stage:
        conditions.append(col(PledgeRow.stage) == filters.stage)
    statement = (
        select(
            *_OF_BOTH,
            _PLEDGE.id.label("pledge_id"),
            _PLEDGE.stage.label("state"),
            _PLEDGE.amount_minor,
            _PLEDGE.currency,
            _PLEDGE.next_on,
            _PLEDGE.resumes_on,
            _PLEDGE.ends_on,
            _PLEDGE.started_at,
            _GIFT.opened_on.label("started_on"),
            _DONOR.language.label("donor_language"),
        )
        .select_from(PledgeRow)
        .join(Gift, col(Gift.id) == col(PledgeRow.id))
        .join(Donor, col(Donor.id) == col(Gift.donor_id))
        .where(*conditions)
        .order_by(_PLEDGE.started_at, _PLEDGE.id)
    )
    rows = stream_rows(session, statement)
    with closing(rows):
        while chunk := list(islice(rows, ROWS_AT_A_TIME)):
            last = newest_months(session, [row.pledge_id for row in chunk])
            for row in chunk:
                yield ExportedPledge(row, last[row.pledge_id])


@dataclass(frozen=True, slots=True)
class DonorInCurrency:
    """A row in the export of donors: one donor, and their total giving in one currency."""

    donor: DonorRow
    currency: str
    money_in_minor: int
    money_out_minor: int


def donor_export_rows(session: Session, currency: str) -> Generator[DonorInCurrency, None, None]:
    """Yield a row for each donor and each currency in which they gave.

    A donor who has given no money yet gets one row, with zero amounts in `currency`.
    """
    for donor in donor_rows(session):
        for each in donor.money_in or (currency,):
            came, went = donor.money_in.get(each), donor.money_out.get(each)
            yield DonorInCurrency(
                donor=donor,
                currency=each,
                money_in_minor=came.amount_minor if came else 0,
                money_out_minor=went.amount_minor if went else 0,
            )


def stream_rows(session: Session, statement: Select[Any]) -> Generator[Row[Any], None, None]:
    """Yield the rows of a statement as the database finds them, a few at a time."""
    options = {"yield_per": ROWS_AT_A_TIME}
    with session.connection().execute(statement, execution_options=options) as result:
        yield from result
