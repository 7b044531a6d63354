"""The overview's figures about the money in one currency: in, out, by day, mode, fund and code."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from donate.finance.overview.charts import (
    Bar,
    ColumnChart,
    Columns,
    RowChart,
    draw_columns,
    draw_rows,
)
from donate.finance.overview.periods import Period, days_in_month
from donate.finance.overview.words import (
    BreakdownWords,
    change_sentence,
    day_of_month,
    described_bars,
    month_name,
    period_name,
)
from donate.gifts.movements.rules import MONEY_IN, MovementKind
from donate.gifts.movements.totals import PeriodTotal
from donate.money import Money
from donate.web.templating import Localizer

# Only every fifth day has a label, because a label for each day would not fit on a phone.
_LABEL_EVERY_DAYS: Final = 5


@dataclass(frozen=True, slots=True)
class MoneySums:
    """Sums of movements, in minor units of one currency.

    `out_minor` is positive. `payments` is the number of payments and transfers, less the number of
    undone transfers.
    """

    in_minor: int = 0
    out_minor: int = 0
    payments: int = 0

    @property
    def net_minor(self) -> int:
        """The money that came in, less the money that went out."""
        return self.in_minor - self.out_minor

    def plus(self, total: PeriodTotal) -> "MoneySums":
        """Return these sums with a total added.

        The last value of the total's `group` is its kind of movement.
        """
        kind, amount = total.group[-1], total.amount_minor
        came_in = kind in MONEY_IN
        payments = {
            MovementKind.PAYMENT: total.count,
            MovementKind.TRANSFER: total.count,
            MovementKind.TRANSFER_UNDONE: -total.count,
        }
        return MoneySums(
            self.in_minor + (amount if came_in else 0),
            self.out_minor - (0 if came_in else amount),
            self.payments + payments.get(MovementKind(kind), 0),
        )


@dataclass(frozen=True, slots=True)
class ComparedFigure:
    """A figure for the current period, the same figure for the period before, and the change."""

    label: str
    now: str
    before: str
    change: str


@dataclass(frozen=True, slots=True)
class MoneyRow:
    """A row of a table: a label, the money that came in, and the money that went out."""

    label: str
    money_in: Money
    money_out: Money
    net: Money


@dataclass(frozen=True, slots=True)
class Breakdown:
    """The money of a period, divided by the values of one column: table rows and a chart."""

    heading: str
    column: str
    rows: list[MoneyRow]
    chart: RowChart | None


@dataclass(frozen=True, slots=True)
class DaysOfMonth:
    """The money of a month by day: rows for the days with movements, and a chart of all days."""

    rows: list[MoneyRow]
    chart: ColumnChart | None


def sums_by(
    totals: Iterable[PeriodTotal], key: Callable[[PeriodTotal], str]
) -> dict[str, MoneySums]:
    """Add up the totals that have the same value of `key`.

    The values keep the order in which they first appear.
    """
    sums: dict[str, MoneySums] = defaultdict(MoneySums)
    for total in totals:
        sums[key(total)] = sums[key(total)].plus(total)
    return dict(sums)


def compared_figures(
    now: MoneySums, before: MoneySums, currency: str, _: Localizer
) -> list[ComparedFigure]:
    """Return the figures for two periods in one currency, with the change between them."""
    amounts = (
        (_("Money in"), now.in_minor, before.in_minor),
        (_("Money out"), now.out_minor, before.out_minor),
        (_("Net"), now.net_minor, before.net_minor),
    )
    figures = [
        ComparedFigure(
            label,
            _.money(Money(one, currency)),
            _.money(Money(other, currency)),
            change_sentence(one, other, _),
        )
        for label, one, other in amounts
    ]
    one, other = now.payments, before.payments
    payments = ComparedFigure(
        _("Payments received"), _.number(one), _.number(other), change_sentence(one, other, _)
    )
    return [*figures, payments]


def days_of_month(
    totals: Sequence[PeriodTotal], today: date, currency: str, _: Localizer
) -> DaysOfMonth:
    """Return the money for each day of this month. `totals` must be grouped by day and kind."""
    by_day = sums_by(totals, lambda total: total.group[0])
    days = [today.replace(day=number + 1) for number in range(days_in_month(today))]
    sums = [by_day.get(day.isoformat(), MoneySums()) for day in days]
    moved = [
        (day, one) for day, one in zip(days, sums, strict=True) if one.in_minor or one.out_minor
    ]
    rises, falls = [one.in_minor for one in sums], [one.out_minor for one in sums]
    best = max(range(len(days)), key=lambda number: rises[number])
    days_in, days_out = sum(map(bool, rises)), sum(map(bool, falls))
    amount, best_day = _.money(Money(rises[best], currency)), day_of_month(days[best], _)
    description = " ".join(
        (
            _.ngettext(
                "Money came in on %(count)s day.", "Money came in on %(count)s days.", days_in
            ),
            _.ngettext(
                "Money went out on %(count)s day.", "Money went out on %(count)s days.", days_out
            ),
            _("The most came in on %(day)s: %(amount)s.", day=best_day, amount=amount),
        )
    )
    chart = draw_columns(
        f"days-{currency}",
        _("Money by day in %(month)s", month=month_name(today, _)),
        description,
        Columns(
            [str(d.day) if d.day == 1 or d.day % _LABEL_EVERY_DAYS == 0 else "" for d in days],
            rises,
            falls,
        ),
        highest=_.brief_money(Money(max(rises), currency)),
        lowest=_.brief_money(Money(-max(falls), currency)),
    )
    return DaysOfMonth([_row(day_of_month(day, _), one, currency) for day, one in moved], chart)


def breakdown(
    totals: Iterable[PeriodTotal],
    position: int,
    *,
    words: BreakdownWords,
    currency: str,
    days: Period,
    names: Mapping[str, str],
    _: Localizer,
) -> Breakdown:
    """Return the money for each value at `position` in the totals' groups, largest amount first.

    `names` maps values to their names. A value without a name is shown unchanged.
    """
    sums = sums_by(totals, lambda total: total.group[position])
    largest_first = sorted(sums.items(), key=lambda one: (-one[1].in_minor, one[0]))
    rows = [_row(names.get(value, value), one, currency) for value, one in largest_first]
    bars = [Bar(row.label, row.money_in.amount_minor, _.money(row.money_in)) for row in rows]
    chart = draw_rows(
        f"{words.key}-{currency}",
        _(words.chart, period=period_name(days, _)),
        described_bars(bars, _),
        bars,
    )
    heading = _(words.heading, month=month_name(days.last_day, _))
    return Breakdown(heading, _(words.column), rows, chart)


def _row(label: str, sums: MoneySums, currency: str) -> MoneyRow:
    amounts = (sums.in_minor, sums.out_minor, sums.net_minor)
    return MoneyRow(label, *(Money(amount, currency) for amount in amounts))
