"""The overview, which staff see first after they sign in."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

from fastapi import Request
from sqlmodel import Session
from starlette.responses import Response

from donate.clock import Clock, local_date
from donate.finance.access import Visiting, needs
from donate.finance.models import Role
from donate.finance.overview.decisions import gift_decisions
from donate.finance.overview.gift_figures import awaited_transfers, gift_steps, monthly_gifts
from donate.finance.overview.money_figures import (
    Breakdown,
    ComparedFigure,
    DaysOfMonth,
    MoneySums,
    breakdown,
    compared_figures,
    days_of_month,
    sums_by,
)
from donate.finance.overview.periods import (
    Period,
    PeriodSoFar,
    last_months,
    month_so_far,
    year_so_far,
)
from donate.finance.overview.queries import (
    awaited_by_hand,
    gifts_started,
    movements_in,
    paid_months,
)
from donate.finance.overview.words import (
    NO_FUND,
    days_left,
    month_name,
    period_name,
)
from donate.finance.words import LANGUAGE, MODE_NAMES
from donate.gifts.movements.totals import PeriodTotal
from donate.regions.regions import Regions
from donate.storage.database import Database
from donate.web.giving_limits import GivingLimits
from donate.web.templating import Pages

STARTED_WITHIN_DAYS: Final = 30
MONTHS_SHOWN: Final = 12
# The worker lapses gifts after the region's waiting time. It may have stood still for a while.
_LAPSED_LATE_DAYS: Final = 30
_BREAKDOWNS: Final = ("mode", "fund", "code")


@dataclass(frozen=True, slots=True)
class CurrencySection:
    """All figures of money in one currency."""

    currency: str
    month: list[ComparedFigure]
    year: list[ComparedFigure]
    days: DaysOfMonth
    breakdowns: list[Breakdown]


class OverviewPages:
    """The overview."""

    def __init__(
        self,
        database: Database,
        pages: Pages,
        clock: Clock,
        time_zone: str,
        *,
        regions: Regions,
        limits: GivingLimits,
    ) -> None:
        self._database = database
        self._pages = pages
        self._clock = clock
        self._time_zone = time_zone
        self._regions = regions
        self._limits = limits

    @needs(Role.VIEWER)
    def overview(self, request: Request, visit: Visiting) -> Response:
        """Show what needs a decision today, and the figures of this month and this year."""
        now = self._clock.now()
        today = local_date(now, self._time_zone)
        started = Period(today - timedelta(days=STARTED_WITHIN_DAYS - 1), today)
        awaited = Period(today - timedelta(days=self._longest_wait()), today + timedelta(days=1))
        months = last_months(today, MONTHS_SHOWN)
        with self._database.reading() as session:
            figures: dict[str, Any] = {
                "decisions": gift_decisions(session, now),
                "sections": self._sections(session, today),
                "steps": gift_steps(
                    gifts_started(session, started), period_name(Period(*[started.first_day] * 2))
                ),
                "awaited": awaited_transfers(awaited_by_hand(session, awaited), today),
                "monthly": monthly_gifts(paid_months(session, months[0]), months),
            }
        return self._pages.render(
            "finance/overview.html",
            LANGUAGE,
            staff=visit.signed_in,
            today=today,
            month=month_name(today),
            month_so_far=_names(month_so_far(today)),
            year_so_far=_names(year_so_far(today)),
            days_left=days_left,
            card_gifts_refused=self._limits.cards.refused(now),
            **figures,
        )

    def _sections(self, session: Session, today: date) -> list[CurrencySection]:
        month, year = month_so_far(today), year_so_far(today)
        this_year = movements_in(session, year.now, by=())
        before = movements_in(session, year.before, by=())
        month_before = movements_in(session, month.before, by=())
        days = movements_in(session, month.now, by=("day",))
        parts = movements_in(session, month.now, by=_BREAKDOWNS)
        found = {total.currency for total in (*this_year, *before, *month_before)}
        currencies = sorted(found) or [next(iter(self._regions.values())).currency]
        sums = [
            sums_by(totals, lambda total: total.currency)
            for totals in (parts, month_before, this_year, before)
        ]
        sections = []
        for currency in currencies:
            month_now, month_then, year_now, year_then = (
                one.get(currency, MoneySums()) for one in sums
            )
            sections.append(
                CurrencySection(
                    currency,
                    compared_figures(month_now, month_then, currency),
                    compared_figures(year_now, year_then, currency),
                    days_of_month(_of(currency, days), today, currency),
                    self._breakdowns(_of(currency, parts), currency, period_name(month.now)),
                )
            )
        return sections

    def _breakdowns(
        self, totals: Sequence[PeriodTotal], currency: str, period: str
    ) -> list[Breakdown]:
        funds = {
            key: text.in_language(LANGUAGE)
            for region in self._regions.values()
            for key, text in region.funds.items()
        }
        columns: tuple[tuple[str, str, Mapping[str, str]], ...] = (
            ("Method", "mode", {str(mode): name for mode, name in MODE_NAMES.items()}),
            ("Fund", "fund", {"": NO_FUND} | funds),
            ("Code", "code", {}),
        )
        return [
            breakdown(
                totals,
                _BREAKDOWNS.index(name),
                column=column,
                currency=currency,
                period=period,
                names=names,
            )
            for column, name, names in columns
        ]

    def _longest_wait(self) -> int:
        """Return after how many days no transfer is awaited any more, in any region."""
        waits = (
            terms.lapses_after_days
            for region in self._regions.values()
            for mode, terms in region.modes.items()
            if not mode.through_stripe
        )
        return max(waits, default=0) + _LAPSED_LATE_DAYS


def _of(currency: str, totals: Sequence[PeriodTotal]) -> list[PeriodTotal]:
    return [total for total in totals if total.currency == currency]


def _names(period: PeriodSoFar) -> tuple[str, str]:
    """Return the names of a period and of the one before, each with its year."""
    now, before = period.now, period.before
    return (
        f"{period_name(now)}, {now.last_day.year}",
        f"{period_name(before)}, {before.last_day.year}",
    )
