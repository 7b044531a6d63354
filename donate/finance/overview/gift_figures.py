"""The overview's figures about gifts: how far they have come, awaited transfers, monthly gifts."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final
from urllib.parse import urlencode

from donate.finance.overview.charts import (
    Bar,
    ColumnChart,
    Columns,
    RowChart,
    draw_columns,
    draw_rows,
)
from donate.finance.overview.queries import PaidMonths
from donate.finance.overview.words import (
    RECEIVED,
    STARTED,
    STEPS,
    age_name,
    compared_months,
    day_of_month,
    described_bars,
    short_month,
    step_of,
)
from donate.finance.words import MODE_NAMES
from donate.gifts.movements.totals import PeriodTotal
from donate.gifts.status import StatusName
from donate.money import Money
from donate.regions.modes import Mode
from donate.web.templating import Localizer

# Ranges of ages in days. Both limits are included. The last range is shown only if a region waits
# that long.
AGES: Final[tuple[tuple[int, int | None], ...]] = ((0, 3), (4, 10), (11, 30), (31, None))
_SINCE_TAKEN: Final = frozenset(
    {
        StatusName.PARTLY_REFUNDED,
        StatusName.REFUNDED,
        StatusName.DISPUTED,
        StatusName.CHARGED_BACK,
    }
)
# Only every third month has a label, because twelve labels would not fit on a phone.
_LABEL_EVERY_MONTHS: Final = 3


@dataclass(frozen=True, slots=True)
class GiftSteps:
    """How far the gifts of a period have come: a chart, and a row of counts for each step.

    A row has one count for each mode in `modes`, followed by their sum. `taken_back` is how many of
    the received gifts have since been refunded or disputed.
    """

    modes: list[str]
    rows: list[tuple[str, list[int]]]
    taken_back: int
    chart: RowChart | None


@dataclass(frozen=True, slots=True)
class AwaitedRow:
    """The awaited gifts of one age, mode and currency: how many, their sum, and a link to them."""

    age: str
    mode: str
    count: int
    amount: Money
    href: str


@dataclass(frozen=True, slots=True)
class AwaitedTransfers:
    """The gifts whose transfer has not arrived yet, by age: a chart, and the rows of a table."""

    count: int
    rows: list[AwaitedRow]
    chart: RowChart | None


@dataclass(frozen=True, slots=True)
class MonthlyRow:
    """How many monthly payments were received in one month, and their sum in each currency."""

    month: str
    count: int
    sums: list[Money]


@dataclass(frozen=True, slots=True)
class MonthlyGifts:
    """The monthly payments received in recent months: a chart, table rows, and a sentence."""

    rows: list[MonthlyRow]
    sentence: str
    chart: ColumnChart | None


def gift_steps(totals: Iterable[PeriodTotal], since: date, _: Localizer) -> GiftSteps:
    """Return how far gifts have come.

    `totals` must be grouped by mode and status.
    """
    by_mode: dict[str, Counter[str]] = defaultdict(Counter)
    taken_back = 0
    for total in totals:
        mode, status = total.group
        by_mode[mode][STARTED] += total.count
        by_mode[mode][step_of(mode, status)] += total.count
        taken_back += total.count if status in _SINCE_TAKEN else 0
    everything = sum(by_mode.values(), Counter[str]())
    started = everything[STARTED]
    bars = [
        Bar(
            _(step),
            everything[step],
            f"{_.number(everything[step])} ({_share(everything[step], started, _)})",
        )
        for step in STEPS
    ]
    since_day, received = day_of_month(since, _), _.number(everything[RECEIVED])
    share = _share(everything[RECEIVED], started, _)
    description = _.ngettext(
        "Of %(count)s gift started since %(day)s, %(received)s received (%(share)s).",
        "Of %(count)s gifts started since %(day)s, %(received)s received (%(share)s).",
        started,
        day=since_day,
        received=received,
        share=share,
    )
    modes = sorted(mode for mode, counts in by_mode.items() if counts[STARTED])
    return GiftSteps(
        modes=[_(MODE_NAMES[Mode(mode)]) for mode in modes],
        rows=[
            (_(step), [*(by_mode[mode][step] for mode in modes), everything[step]])
            for step in STEPS
        ],
        taken_back=taken_back,
        chart=draw_rows("steps", _("Gifts by the step they have reached"), description, bars),
    )


def awaited_transfers(totals: Iterable[PeriodTotal], today: date, _: Localizer) -> AwaitedTransfers:
    """Return the awaited gifts by age.

    `totals` must be grouped by the day started and by mode.
    """
    counts: Counter[tuple[int, str, str]] = Counter()
    amounts: Counter[tuple[int, str, str]] = Counter()
    for total in totals:
        day, mode = total.group
        age = (today - date.fromisoformat(day)).days
        band = max(n for n, (youngest, _) in enumerate(AGES) if youngest <= max(age, 0))
        counts[band, mode, total.currency] += total.count
        amounts[band, mode, total.currency] += total.amount_minor
    rows = [
        AwaitedRow(
            age=age_name(*AGES[band], _),
            mode=_(MODE_NAMES[Mode(mode)]),
            count=count,
            amount=Money(amounts[band, mode, currency], currency),
            href=_awaited_link(mode, *AGES[band], today=today),
        )
        for (band, mode, currency), count in sorted(counts.items())
    ]
    bars = []
    for band, ages in enumerate(AGES):
        count = sum(n for key, n in counts.items() if key[0] == band)
        if count or ages[1] is not None:
            figure = _.ngettext("%(count)s gift", "%(count)s gifts", count)
            bars.append(Bar(age_name(*ages, _), count, figure))
    chart = draw_rows(
        "awaited",
        _("Gifts not yet received, by age"),
        described_bars(bars, _),
        bars,
    )
    return AwaitedTransfers(counts.total(), rows, chart)


def monthly_gifts(paid: Sequence[PaidMonths], months: Sequence[date], _: Localizer) -> MonthlyGifts:
    """Return the monthly payments received in each of `months`.

    The last of `months` is the current month, which is not over yet.
    """
    by_month: dict[str, list[PaidMonths]] = defaultdict(list)
    for one in paid:
        by_month[one.month].append(one)
    rows, counts = [], []
    for month in months:
        of_month = by_month[f"{month:%Y-%m}"]
        counts.append(sum(one.count for one in of_month))
        sums = [Money(one.received_minor, one.currency) for one in of_month]
        rows.append(MonthlyRow(_.month(month), counts[-1], sums))
    before, last = len(months) - 3, len(months) - 2
    sentence = compared_months(
        rows[last].month, counts[last], rows[before].month, counts[before], _
    )
    so_far = _.number(counts[-1])
    sentence += " " + _("So far in %(month)s: %(count)s.", month=rows[-1].month, count=so_far)
    labelled = [
        short_month(month, _) if (len(months) - 1 - number) % _LABEL_EVERY_MONTHS == 0 else ""
        for number, month in enumerate(months)
    ]
    chart = draw_columns(
        "monthly",
        _("Monthly gifts paid, by month"),
        sentence,
        Columns(labelled, counts),
        highest=_.number(max(counts)),
    )
    return MonthlyGifts(rows, sentence, chart)


def _awaited_link(mode: str, youngest: int, oldest: int | None, *, today: date) -> str:
    query = {"status": str(StatusName.AWAITED), "mode": mode}
    if oldest is not None:
        query["from"] = (today - timedelta(days=oldest)).isoformat()
    if youngest:
        query["to"] = (today - timedelta(days=youngest)).isoformat()
    return f"/finance/gifts?{urlencode(query)}"


def _share(part: int, whole: int, _: Localizer) -> str:
    return _.percent(round(part * 100 / whole) if whole else 0)
