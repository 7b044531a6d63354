"""Updates the movements of gifts that got new facts, and the totals by day. It never commits.

The caller passes each gift's facts before and after, so nothing has to be read.
"""

import uuid
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import delete
from sqlmodel import Session, col

from donate.gifts.facts import Fact
from donate.gifts.models import Gift
from donate.gifts.monthly.pledge_copy import PledgeCopy
from donate.gifts.movements.models import DayTotal, GiftMovement, Subject
from donate.gifts.movements.rules import Movement, in_order, movements_of
from donate.regions.modes import Mode
from donate.storage.bulk_writes import insert_new


@dataclass(frozen=True, slots=True)
class GiftTerms:
    """The columns of a gift that are needed to count it in totals. They never change."""

    id: uuid.UUID
    code: str
    mode: Mode
    fund: str
    amount_minor: int
    currency: str
    time_zone: str
    opened_on: date
    profile_id: int | None
    pledge_id: uuid.UUID | None


def terms_of(gift: Gift) -> GiftTerms:
    """Return the columns of a gift that are needed to count it in totals."""
    return GiftTerms(*(getattr(gift, each.name) for each in fields(GiftTerms)))


class TotalKey(NamedTuple):
    """The key of a total: a day, and the values shared by all gifts or movements counted in it."""

    day: date
    subject: Subject
    kind: str
    currency: str
    code: str
    mode: str
    fund: str


@dataclass(frozen=True, slots=True)
class Change:
    """A gift whose facts changed, with its facts, status and pledge before and after.

    Only the first gift of a pledge has a copy of the pledge.
    """

    gift: GiftTerms
    facts_before: Iterable[Fact]
    facts_after: Iterable[Fact]
    status_before: str | None
    status_after: str
    pledge_before: PledgeCopy | None = None
    pledge_after: PledgeCopy | None = None


def record_changes(session: Session, changes: Iterable[Change], *, now: datetime) -> None:
    """Write the movements of changed gifts, and add the changes to the totals by day."""
    new: list[dict[str, Any]] = []
    gone: list[Movement] = []
    counts: Counter[TotalKey] = Counter()
    amounts: Counter[TotalKey] = Counter()
    for change in changes:
        before = movements_of(change.facts_before, change.gift.time_zone)
        after = movements_of(change.facts_after, change.gift.time_zone)
        gone += before - after
        of_gift = {"profile_id": change.gift.profile_id, "fund": change.gift.fund}
        new += (
            movement_row(change.gift.id, movement, now) | of_gift
            for movement in in_order(after - before)
        )
        for sign, status, movements in (
            (-1, change.status_before, before - after),
            (1, change.status_after, after - before),
        ):
            same_status = change.status_before == change.status_after
            for key, amount in (
                *shares_in_totals(change.gift, None if same_status else status, movements),
                *shares_of_months(change.gift, movements),
            ):
                counts[key] += sign
                amounts[key] += sign * amount
        for sign, pledge in ((-1, change.pledge_before), (1, change.pledge_after)):
            if pledge:
                key = pledge_total_key(change.gift, pledge)
                counts[key] += sign
                amounts[key] += sign * pledge.amount_minor
    # A late fact can replace a movement. For example, Stripe may report that a dispute was opened
    # after it has reported its end.
    for movement in gone:
        session.execute(
            delete(GiftMovement).where(
                col(GiftMovement.cause) == movement.cause,
                col(GiftMovement.source_id) == movement.source_id,
            )
        )
    insert_new(session, GiftMovement, new)
    insert_new(session, DayTotal, list(total_rows(counts, amounts)))


def shares_in_totals(
    gift: GiftTerms, status: str | None, movements: Iterable[Movement]
) -> Iterator[tuple[TotalKey, int]]:
    """Yield each total in which a gift is counted, and its amount there, in minor units."""
    common = (gift.currency, gift.code, gift.mode, gift.fund)
    if status:
        yield TotalKey(gift.opened_on, Subject.GIFT, status, *common), gift.amount_minor
    for movement in movements:
        key = TotalKey(movement.day, Subject.MOVEMENT, movement.kind, *common)
        yield key, movement.amount_minor


def shares_of_months(
    gift: GiftTerms, movements: Iterable[Movement]
) -> Iterator[tuple[TotalKey, int]]:
    """Yield each total of monthly gifts in which a gift is counted, and its amount there."""
    if gift.pledge_id:
        for key, amount in shares_in_totals(gift, None, movements):
            yield key._replace(subject=Subject.MONTHLY), amount


def pledge_total_key(gift: GiftTerms, pledge: PledgeCopy) -> TotalKey:
    """Return the key of the total that counts a pledge. `gift` is the pledge's first gift."""
    month = gift.opened_on.replace(day=1)
    common = (gift.currency, gift.code, gift.mode, gift.fund)
    return TotalKey(month, Subject.PLEDGE, pledge.stage, *common)


def total_rows(
    counts: Mapping[TotalKey, int], amounts: Mapping[TotalKey, int], *, is_merged: bool = False
) -> Iterator[dict[str, Any]]:
    """Yield the columns of a row for each total that is not zero.

    `is_merged` is true for rows that `TotalsMerger` writes.
    """
    for key, count in counts.items():
        if count or amounts[key]:
            yield {
                "day": key.day,
                "subject": key.subject,
                "kind": str(key.kind),
                "currency": key.currency,
                "code": key.code,
                "mode": key.mode,
                "fund": key.fund,
                "count": count,
                "amount_minor": amounts[key],
                "is_merged": is_merged,
            }


def movement_row(gift_id: uuid.UUID, movement: Movement, now: datetime) -> dict[str, Any]:
    """Return the columns of a movement's row."""
    return {
        "gift_id": gift_id,
        "kind": movement.kind,
        "cause": movement.cause,
        "source_id": movement.source_id,
        "amount_minor": movement.amount_minor,
        "currency": movement.currency,
        "day": movement.day,
        "happened_at": movement.happened_at,
        "recorded_at": now,
    }
