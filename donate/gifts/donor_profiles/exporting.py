"""Reads all donors for an export: a few hundred at a time, each with the sums of their gifts."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

from sqlalchemy import case, func, select
from sqlmodel import Session

from donate.gifts.donor_profiles.models import DonorKind, DonorProfile
from donate.gifts.models import Gift
from donate.gifts.movements.models import GiftMovement
from donate.money import Money
from donate.storage.bulk_writes import table_of

# Read this many donors at a time. With so few, each query looks rows up in an index, and memory use
# stays constant.
_DONORS_AT_A_TIME: Final = 500
_PROFILE = table_of(DonorProfile).c
_GIFT = table_of(Gift).c
_MOVEMENT = table_of(GiftMovement).c
_COLUMNS: Final = (
    *("id", "name", "kind", "first_name", "initial", "email", "language"),
    *("street", "city", "province", "postal_code", "country"),
)


@dataclass(slots=True, repr=False)
class DonorRow:
    """A donor, with the gifts of all profiles that were merged into the donor's profile.

    `gifts` is the number of gifts for which money came in. `first_gift` and `last_gift` are the
    days on which money for the first and the last of them came in. `money_in` and `money_out` have
    one amount per currency.
    """

    id: int
    name: str
    kind: DonorKind
    first_name: str
    initial: str
    email: str
    language: str
    street: str
    city: str
    province: str
    postal_code: str
    country: str
    gifts: int
    first_gift: date | None
    last_gift: date | None
    money_in: dict[str, Money] = field(default_factory=dict)
    money_out: dict[str, Money] = field(default_factory=dict)


def donor_rows(session: Session) -> Iterator[DonorRow]:
    """Yield every donor, in order of id. Use one snapshot (`Database.reading_snapshot`)."""
    last = 0
    mains = (
        select(*(_PROFILE[name] for name in _COLUMNS))
        .where(_PROFILE.merged_into_id.is_(None))
        .order_by(_PROFILE.id)
        .limit(_DONORS_AT_A_TIME)
    )
    while True:
        page = session.execute(mains.where(_PROFILE.id > last)).all()
        if not page:
            return
        last = page[-1].id
        rows = {
            row.id: DonorRow(**row._mapping, gifts=0, first_gift=None, last_gift=None)
            for row in page
        }
        _add_gifts(session, rows)
        yield from rows.values()


def _add_gifts(session: Session, rows: dict[int, DonorRow]) -> None:
    merged = select(_PROFILE.id, _PROFILE.merged_into_id).where(
        _PROFILE.merged_into_id.in_(list(rows))
    )
    main_of = {each: each for each in rows} | dict(session.execute(merged).all())
    ids = list(main_of)
    for profile_id, count, first, last in session.execute(_received(ids)):
        row = rows[main_of[profile_id]]
        row.gifts += count
        row.first_gift = min(first, row.first_gift or first)
        row.last_gift = max(last, row.last_gift or last)
    sums: defaultdict[tuple[int, str], list[int]] = defaultdict(lambda: [0, 0])
    # PostgreSQL sums a BIGINT column as NUMERIC, so convert the sums with int().
    for profile_id, currency, came, went in session.execute(_money(ids)):
        both = sums[main_of[profile_id], currency]
        both[0] += int(came)
        both[1] += int(went)
    for (main, currency), (came, went) in sorted(sums.items()):
        rows[main].money_in[currency] = Money(came, currency)
        rows[main].money_out[currency] = Money(went, currency)


def _received(ids: Sequence[int]) -> Any:
    day = _GIFT.received_on
    return (
        select(_GIFT.profile_id, func.count(), func.min(day), func.max(day))
        .where(_GIFT.profile_id.in_(ids), day.is_not(None))
        .group_by(_GIFT.profile_id)
    )


def _money(ids: Sequence[int]) -> Any:
    amount = _MOVEMENT.amount_minor
    came = func.sum(case((amount > 0, amount), else_=0))
    went = func.sum(case((amount < 0, -amount), else_=0))
    return (
        select(_MOVEMENT.profile_id, _MOVEMENT.currency, came, went)
        .where(_MOVEMENT.profile_id.in_(ids))
        .group_by(_MOVEMENT.profile_id, _MOVEMENT.currency)
    )
