"""Reads the rows of an export, a thousand at a time, in one statement and one snapshot."""

from collections.abc import Generator
from typing import Any, Final

from sqlalchemy import Row, Select, func, select
from sqlmodel import Session, col

from donate.finance.movements.queries import movement_conditions
from donate.gifts.models import Donor, Gift, GiftWish
from donate.gifts.movements.models import GiftMovement
from donate.gifts.movements.totals import TotalFilter
from donate.gifts.queries import GiftFilter, gift_conditions
from donate.storage.bulk_writes import table_of

# The driver fetches so many rows from a cursor at once: few statements, and little memory.
ROWS_AT_A_TIME: Final = 1_000

_GIFT = table_of(Gift).c
_DONOR = table_of(Donor).c
_WISH = table_of(GiftWish).c
_MOVEMENT = table_of(GiftMovement).c
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
    """Yield the movements that match, oldest day first."""
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
    return _stream(session, statement)


def gift_export_rows(session: Session, filters: GiftFilter) -> Generator[Row[Any], None, None]:
    """Yield the gifts that match, oldest first: by the day received if the filter is about it."""
    by_received = filters.by == "received" and (filters.first_day or filters.last_day)
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
        # All months of a pledge share the options of its first gift.
        .outerjoin(GiftWish, _WISH.gift_id == func.coalesce(_GIFT.pledge_id, _GIFT.id))
        .where(*gift_conditions(filters))
        .order_by(*([_GIFT.received_on] if by_received else []), _GIFT.opened_at, _GIFT.id)
    )
    return _stream(session, statement)


def _stream(session: Session, statement: Select[Any]) -> Generator[Row[Any], None, None]:
    options = {"yield_per": ROWS_AT_A_TIME}
    with session.execute(statement, execution_options=options) as result:
        yield from result
