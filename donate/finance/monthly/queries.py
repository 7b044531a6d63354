"""Read-only queries for the pages about monthly gifts.

The sums come from the totals that the ledger keeps for each stage. These totals also show in which
stages there are pledges to list. Within a stage, the list is read in the order of an index, which
contains every column that staff can filter by.
"""

import uuid
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from sqlalchemy import ColumnElement, func, sql, tuple_
from sqlmodel import Session, col, select

from donate.gifts.models import Donor, Gift
from donate.gifts.monthly.models import PledgeRow
from donate.gifts.monthly.pledge_copy import PledgeStage
from donate.gifts.movements.models import Subject
from donate.gifts.movements.totals import TotalFilter, add_up
from donate.gifts.status import StatusName
from donate.money import Money
from donate.regions.modes import Mode
from donate.storage.bulk_writes import table_of

# A pledge in one of these stages is collected next month only if `next_on` is in that month.
_BY_DATE: Final = (
    PledgeStage.AWAITS_BANK,
    PledgeStage.PAUSED,
    PledgeStage.ENDING,
    PledgeStage.NOT_CHARGED_YET,
)

_GIFT: Final = table_of(Gift).c
_OF_A_MONTH: Final = ("pledge_id", "opened_at", "id", "status", "received_on", "opened_on")


@dataclass(frozen=True, slots=True)
class PledgeFilter:
    """Which pledges to list. A field with None does not filter.

    The fund "" finds pledges without a fund.
    """

    stage: PledgeStage | None = None
    mode: Mode | None = None
    code: str | None = None
    fund: str | None = None


@dataclass(frozen=True, slots=True)
class PledgeCursor:
    """The position of a pledge in the list, which is sorted by stage, and then newest first."""

    stage: PledgeStage
    started_at: datetime
    id: uuid.UUID


@dataclass(frozen=True, slots=True)
class LastMonth:
    """The most recent monthly payment of a pledge."""

    gift_id: uuid.UUID
    status: StatusName
    day: date
    """The day its money was received, or else the day the payment was started."""


@dataclass(frozen=True, slots=True)
class ListedPledge:
    """A pledge with its first gift, the donor, and its most recent monthly payment."""

    pledge: PledgeRow
    gift: Gift
    donor: Donor
    last: LastMonth

    @property
    def each_month(self) -> Money:
        """The amount of the next monthly payment."""
        return Money(self.pledge.amount_minor, self.pledge.currency)

    @property
    def cursor(self) -> PledgeCursor:
        """The position of this pledge in the list."""
        return PledgeCursor(self.pledge.stage, self.pledge.started_at, self.pledge.id)


@dataclass(frozen=True, slots=True)
class PledgeSum:
    """How many pledges there are, and the sum of their monthly amounts."""

    count: int
    amount: Money


@dataclass(frozen=True, slots=True)
class ExpectedMonth:
    """How much the monthly gifts in one currency will bring in next month.

    `expected` has the pledges from which Stripe will collect money. `failed` has those whose last
    payment failed; Stripe will try to collect the next one too. `paused` has those that stay
    paused. `failed` and `paused` are not part of `expected`.
    """

    expected: PledgeSum
    failed: PledgeSum
    paused: PledgeSum


def list_pledges(
    session: Session, filters: PledgeFilter, *, limit: int, after: PledgeCursor | None = None
) -> list[ListedPledge]:
    """Return up to `limit` pledges after the cursor, sorted by stage and then newest first."""
    order = list(PledgeStage)
    stages = [stage for stage in order if stage in _stages_with_pledges(session, filters)]
    if after:
        stages = [stage for stage in stages if order.index(stage) >= order.index(after.stage)]
    ids: list[uuid.UUID] = []
    for stage in stages:
        statement = (
            select(PledgeRow.id)
            .where(col(PledgeRow.stage) == stage, *pledge_conditions(filters))
            .order_by(col(PledgeRow.started_at).desc(), col(PledgeRow.id).desc())
            .limit(limit - len(ids))
        )
        if after and stage is after.stage:
            position = tuple_(col(PledgeRow.started_at), col(PledgeRow.id))
            statement = statement.where(position < (after.started_at, after.id))
        ids += session.exec(statement)
        if len(ids) == limit:
            break
    return _read_pledges(session, ids)


def pledge_conditions(filters: PledgeFilter) -> list[ColumnElement[bool]]:
    """Return the SQL conditions for a filter on pledges, except the condition on the stage."""
    return [
        column == value
        for column, value in (
            (col(PledgeRow.mode), filters.mode),
            (col(PledgeRow.code), filters.code),
            (col(PledgeRow.fund), filters.fund),
        )
        if value is not None
    ]


def pledge_row(session: Session, gift_id: uuid.UUID) -> PledgeRow:
    """Return the row of the pledge that began with this gift."""
    return session.get_one(PledgeRow, gift_id)


def totals_of_pledges(filters: PledgeFilter) -> TotalFilter:
    """Return a filter for the pledge totals that counts the same pledges as `filters`."""
    return TotalFilter(
        Subject.PLEDGE,
        kinds=() if filters.stage is None else (filters.stage,),
        modes=() if filters.mode is None else (filters.mode,),
        codes=() if filters.code is None else (filters.code,),
        funds=() if filters.fund is None else (filters.fund,),
    )


def _stages_with_pledges(session: Session, filters: PledgeFilter) -> set[PledgeStage]:
    totals = add_up(session, totals_of_pledges(filters), by=("kind",))
    return {PledgeStage(total.group[0]) for total in totals if total.count}


def _read_pledges(session: Session, ids: Sequence[uuid.UUID]) -> list[ListedPledge]:
    statement = (
        select(PledgeRow, Gift, Donor)
        .join(Gift, col(Gift.id) == col(PledgeRow.id))
        .join(Donor, col(Donor.id) == col(Gift.donor_id))
        .where(col(PledgeRow.id).in_(ids))
    )
    last = newest_months(session, ids)
    rows = {
        pledge.id: ListedPledge(pledge, gift, donor, last[pledge.id])
        for pledge, gift, donor in session.exec(statement)
    }
    return [rows[each] for each in ids]


def newest_months(session: Session, ids: Collection[uuid.UUID]) -> dict[uuid.UUID, LastMonth]:
    """Return the most recent monthly payment of each of these pledges."""
    # Read all monthly payments of these pledges, using the index on `pledge_id`, and find the most
    # recent ones in Python. With a LIMIT for each pledge, PostgreSQL would search the index of all
    # gifts by time.
    statement = sql.select(*(_GIFT[name] for name in _OF_A_MONTH)).where(_GIFT.pledge_id.in_(ids))
    newest: dict[uuid.UUID, tuple[datetime, uuid.UUID]] = {}
    months: dict[uuid.UUID, LastMonth] = {}
    for pledge_id, opened_at, gift_id, status, received_on, opened_on in session.execute(statement):
        if pledge_id not in newest or newest[pledge_id] < (opened_at, gift_id):
            newest[pledge_id] = (opened_at, gift_id)
            months[pledge_id] = LastMonth(gift_id, status, received_on or opened_on)
    return months


def expected_month(session: Session, filters: PledgeFilter, month: date) -> Iterator[ExpectedMonth]:
    """Yield for each currency how much will come in during the month that begins on `month`."""
    sums: dict[tuple[str, str], tuple[int, int]] = {}
    for total in add_up(session, totals_of_pledges(filters), by=("kind",)):
        sums[total.currency, total.group[0]] = (total.count, total.amount_minor)
    by_date = _due_between(session, filters, month, _month_after(month) - timedelta(days=1))

    def add(currency: str, *parts: tuple[int, int]) -> PledgeSum:
        count, amount = (sum(each) for each in zip((0, 0), *parts, strict=True))
        return PledgeSum(count, Money(amount, currency))

    for currency in sorted({currency for currency, _ in sums}):
        due = {stage: by_date.get((currency, stage), (0, 0)) for stage in _BY_DATE}
        resumed = due[PledgeStage.PAUSED]
        paused = sums.get((currency, PledgeStage.PAUSED), (0, 0))
        yield ExpectedMonth(
            add(currency, sums.get((currency, PledgeStage.ACTIVE), (0, 0)), *due.values()),
            add(currency, sums.get((currency, PledgeStage.PAST_DUE), (0, 0))),
            add(currency, (paused[0] - resumed[0], paused[1] - resumed[1])),
        )


def _due_between(
    session: Session, filters: PledgeFilter, first: date, last: date
) -> dict[tuple[str, str], tuple[int, int]]:
    """Return the count and sum of the pledges whose next monthly payment is due in a period.

    The keys are currency and stage. Only the stages in _BY_DATE are counted. The period includes
    the days `first` and `last`.
    """
    stages = [stage for stage in _BY_DATE if filters.stage in (None, stage)]
    columns = col(PledgeRow.currency), col(PledgeRow.stage)
    amount = func.sum(col(PledgeRow.amount_minor))
    statement = (
        select(*columns, func.count(), amount)
        .where(
            columns[1].in_(stages),
            col(PledgeRow.next_on).between(first, last),
            *pledge_conditions(filters),
        )
        .group_by(*columns)
    )
    rows = session.execute(statement)
    # PostgreSQL returns the sum of a BIGINT column as NUMERIC, so convert it with int().
    return {(currency, stage): (count, int(minor)) for currency, stage, count, minor in rows}


def _month_after(month: date) -> date:
    return (month.replace(day=28) + timedelta(days=4)).replace(day=1)


def next_month(today: date) -> date:
    """Return the first day of the month after `today`."""
    return _month_after(today)
