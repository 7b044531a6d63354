"""The overview, the first page that staff see after they sign in."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

from fastapi import APIRouter, Request
from sqlmodel import Session
from starlette.background import BackgroundTask
from starlette.responses import Response

from donate.clock import Clock, local_date
from donate.finance.access import Visiting, needs
from donate.finance.books.last_look import LastLook
from donate.finance.movements.words import NO_FUND
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
    BREAKDOWNS,
    days_left,
    month_name,
    period_name,
)
from donate.finance.roles import Role
from donate.finance.words import MODE_NAMES
from donate.gifts.movements.totals import PeriodTotal
from donate.regions.regions import Regions
from donate.storage.database import Database
from donate.web.templating import Localizer, Pages

STARTED_WITHIN_DAYS: Final = 30
MONTHS_SHOWN: Final = 12
# The worker lapses a gift after the region's waiting time. If the worker did not run for a while,
# the gift may still be awaited for up to this many days more.
_LAPSED_LATE_DAYS: Final = 30


@dataclass(frozen=True, slots=True)
class CurrencySection:
    """All figures about money in one currency."""

    currency: str
    month: list[ComparedFigure]
    year: list[ComparedFigure]
    days: DaysOfMonth
    breakdowns: list[Breakdown]


class OverviewPages:
    """The overview page."""

    def __init__(
        self,
        database: Database,
        pages: Pages,
        clock: Clock,
        time_zone: str,
        last_look: LastLook,
        *,
        regions: Regions,
    ) -> None:
        self._database = database
        self._pages = pages
        self._clock = clock
        self._time_zone = time_zone
        self._last_look = last_look
        self._regions = regions

    def add_routes(self, router: APIRouter) -> None:
        """Add the routes to the router of the staff pages."""
        router.add_api_route("", self.overview, methods=["GET"])

    @needs(Role.VIEWER)
    def overview(self, request: Request, visit: Visiting) -> Response:
        """Show what needs a decision today, and the figures for this month and this year."""
        _, now = Localizer(visit.language), self._clock.now()
        today = local_date(now, self._time_zone)
        started = Period(today - timedelta(days=STARTED_WITHIN_DAYS - 1), today)
        awaited = Period(today - timedelta(days=self._longest_wait()), today + timedelta(days=1))
        months = last_months(today, MONTHS_SHOWN)
        # Read everything in one database snapshot, so that the figures agree.
        with self._database.reading_snapshot() as session:
            figures: dict[str, Any] = {
                "decisions": gift_decisions(session, now, visit.language),
                "sections": self._sections(session, today, _),
                "steps": gift_steps(gifts_started(session, started), started.first_day, _),
                "awaited": awaited_transfers(awaited_by_hand(session, awaited), today, _),
                "monthly": monthly_gifts(paid_months(session, months[0]), months, _),
            }
        page = self._pages.render(
            "finance/overview.html",
            visit.language,
            staff=visit.signed_in,
            today=today,
            month=month_name(today, _),
            month_so_far=_names(month_so_far(today), _),
            year_so_far=_names(year_so_far(today), _),
            days_left=days_left,
            books=self._last_look.last,
            time_zone=self._time_zone,
            **figures,
        )
        # Reading the books takes longer than this page may take, so read them after the response.
        # The next visitor sees the result.
        page.background = BackgroundTask(self._last_look.look_again)
        return page

    def _sections(self, session: Session, today: date, _: Localizer) -> list[CurrencySection]:
        month, year = month_so_far(today), year_so_far(today)
        this_year = movements_in(session, year.now, by=())
        before = movements_in(session, year.before, by=())
        month_before = movements_in(session, month.before, by=())
        days = movements_in(session, month.now, by=("day",))
        parts = movements_in(session, month.now, by=[words.key for words in BREAKDOWNS])
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
                    compared_figures(month_now, month_then, currency, _),
                    compared_figures(year_now, year_then, currency, _),
                    days_of_month(_of(currency, days), today, currency, _),
                    self._breakdowns(_of(currency, parts), currency, month.now, _),
                )
            )
        return sections

    def _breakdowns(
        self, totals: Sequence[PeriodTotal], currency: str, days: Period, _: Localizer
    ) -> list[Breakdown]:
        funds = {
            key: text.in_language(_.language)
            for region in self._regions.values()
            for key, text in region.funds.items()
        }
        names: Mapping[str, Mapping[str, str]] = {
            "mode": {str(mode): _(name) for mode, name in MODE_NAMES.items()},
            "fund": {"": _(NO_FUND)} | funds,
            "code": {},
        }
        return [
            breakdown(
                totals,
                position,
                words=words,
                currency=currency,
                days=days,
                names=names[words.key],
                _=_,
            )
            for position, words in enumerate(BREAKDOWNS)
        ]

    def _longest_wait(self) -> int:
        """Return the highest age in days that an awaited transfer can have in any region."""
        waits = (
            terms.lapses_after_days
            for region in self._regions.values()
            for mode, terms in region.modes.items()
            if not mode.through_stripe
        )
        return max(waits, default=0) + _LAPSED_LATE_DAYS


def _of(currency: str, totals: Sequence[PeriodTotal]) -> list[PeriodTotal]:
    return [total for total in totals if total.currency == currency]


def _names(period: PeriodSoFar, _: Localizer) -> tuple[str, str]:
    """Return the name of a period and the name of the period before it, each with the year."""
    now, before = period.now, period.before
    return (
        _("%(days)s, %(year)s", days=period_name(now, _), year=str(now.last_day.year)),
        _("%(days)s, %(year)s", days=period_name(before, _), year=str(before.last_day.year)),
    )
