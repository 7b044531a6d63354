"""The staff page of the books, with the daily sheet for each currency."""

from datetime import date, timedelta
from typing import Any, Final

from fastapi import APIRouter, Request
from starlette.responses import Response

from donate.books.months.queries import closed_months, closings_of
from donate.books.recorded.sheets.day_sheets import read_sheets
from donate.books.sheet.differences import LinkedThing
from donate.clock import Clock, local_date, read_day
from donate.errors import N_, BadInput
from donate.finance.access import Visiting, needs
from donate.finance.books.last_look import LastLook
from donate.finance.books.queries import gifts_by_reference, transaction_places
from donate.finance.books.view import SheetPlaces, SheetSection, linked_ids, sheet_section
from donate.finance.roles import Role
from donate.storage.database import Database
from donate.stripe_gateway.dashboard import Dashboard
from donate.web.templating import Pages

MOST_UNFOLDED: Final = 5
"""If there are more payouts than this, the page folds their list away, as it is long on a phone."""


class BooksPages:
    """The page of the books.

    `dashboard` makes links to Stripe's Dashboard; None means no links.
    """

    def __init__(
        self,
        database: Database,
        pages: Pages,
        clock: Clock,
        time_zone: str,
        *,
        dashboard: Dashboard | None,
        last_look: LastLook,
    ) -> None:
        self._database = database
        self._pages = pages
        self._clock = clock
        self._time_zone = time_zone
        self._dashboard = dashboard
        self._last_look = last_look

    def add_routes(self, router: APIRouter) -> None:
        """Add the routes to the router of the staff pages."""
        router.add_api_route("/books", self.books, methods=["GET"])

    @needs(Role.VIEWER)
    def books(self, request: Request, visit: Visiting) -> Response:
        """Show where the money is at the end of a day, and the name of each difference."""
        today = local_date(self._clock.now(), self._time_zone)
        typed = request.query_params.get("day", "").strip()[:40]
        day, problem = _read_day(typed, today)
        sections: list[SheetSection] | None = None
        if problem is None:
            sections = self._sections(day, visit.language)
        shown: dict[str, Any] = {
            "day": day,
            "today": today,
            "typed": typed or day.isoformat(),
            "sections": sections,
            "previous": _link(day - timedelta(days=1), today),
            "next": _link(day + timedelta(days=1), today),
        }
        return self._pages.render(
            "finance/books/sheet.html",
            visit.language,
            status_code=422 if problem else 200,
            staff=visit.signed_in,
            problems={"day": problem} if problem else {},
            most_unfolded=MOST_UNFOLDED,
            **shown,
        )

    def _sections(self, day: date, language: str) -> list[SheetSection]:
        with self._database.reading_snapshot() as session:
            sheets = read_sheets(
                session,
                day,
                time_zone=self._time_zone,
                closings=closings_of(closed_months(session)),
            )
            places = SheetPlaces(
                gifts_by_reference(session, linked_ids(sheets, LinkedThing.GIFT)),
                transaction_places(session, linked_ids(sheets, LinkedThing.STRIPE_TRANSACTION)),
                self._dashboard,
            )
        self._last_look.remember(day, sheets)
        return [sheet_section(one, places, language) for one in sheets]


def _read_day(typed: str, today: date) -> tuple[date, BadInput | None]:
    """Return the typed day, or today if it is empty or wrong, and the problem if there is one."""
    if not typed:
        return today, None
    day = read_day(typed)
    if day is None:
        return today, BadInput("day", N_("Please enter a date such as 2026-03-31."))
    if day > today:
        return today, BadInput("day", N_("This day has not come yet."))
    return day, None


def _link(day: date, today: date) -> str:
    """Return the URL of a day's sheet; "" for a day that the page would not accept."""
    is_shown = day <= today and read_day(day.isoformat())
    return f"/finance/books?day={day.isoformat()}" if is_shown else ""
