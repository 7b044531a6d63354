"""The staff page on which an admin says from which month on books are closed here."""

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Request
from sqlmodel import Session
from starlette.responses import RedirectResponse, Response

from donate.books.months.book_month import BookMonth, read_month
from donate.books.months.closing import NO_START, Closer, MonthCloser
from donate.books.months.drafts import MonthRules, read_start
from donate.books.months.queries import startable_months
from donate.clock import Clock
from donate.errors import Conflict
from donate.finance.access import AllowedRequest, Visiting, needs
from donate.finance.months.month_view import shown_sections
from donate.finance.months.words import MONTHS
from donate.finance.roles import Role
from donate.storage.database import Database
from donate.web.templating import Localizer, Pages


class StartPages:
    """The page that starts the books with a month. Earlier months count as closed elsewhere.

    Only admins may start the books, because earlier months are then closed without a second person.
    """

    def __init__(self, database: Database, pages: Pages, clock: Clock, rules: MonthRules) -> None:
        self._database = database
        self._pages = pages
        self._clock = clock
        self._rules = rules
        self._closer = MonthCloser(database, rules)

    def add_routes(self, router: APIRouter) -> None:
        """Add the routes. Call it before the routes of single months are added."""
        router.add_api_route("/months/start", self.start, methods=["GET"])
        router.add_api_route("/months/start", self.started, methods=["POST"])

    @needs(Role.ADMIN)
    def start(self, request: Request, visit: Visiting) -> Response:
        """Show the months with which the books may start, and the balances before one of them."""
        return self._show(visit, request.query_params.get("month", ""))

    @needs(Role.ADMIN)
    def started(self, visit: Visiting) -> Response:
        """Start the books with the month that the page showed."""
        typed, now = visit.form.get("month", ""), self._clock.now()
        first = read_month(typed)
        if first is None:
            return self._show(visit, typed)

        def record(session: Session, act: str, detail: Mapping[str, Any]) -> None:
            visit.record(session, act, now=now, about=str(first), detail=detail)

        by = Closer(visit.signed_in.actor, visit.signed_in.name, visit.language)
        try:
            seen = visit.form.get("content", "")
            self._closer.start(first, by, seen=seen, now=now, record=record)
        except Conflict as conflict:
            return self._show(visit, typed, conflict)
        return RedirectResponse(f"{MONTHS}?done=started", 303)

    def _show(
        self, visit: AllowedRequest, typed: str, conflict: Conflict | None = None
    ) -> Response:
        chosen: BookMonth | None = read_month(typed)
        with self._database.reading_snapshot() as session:
            months = startable_months(session, self._rules.time_zone, self._clock.now())
            draft = None
            if chosen is not None and chosen in months:
                draft = read_start(session, chosen, self._rules)
            elif typed:
                conflict = conflict or Conflict(NO_START, {"month": typed[:20]})
        words, chart = Localizer(visit.language), self._rules.chart
        sections = list(shown_sections(draft.control, chart, words)) if draft else []
        return self._pages.render(
            "finance/months/start.html",
            visit.language,
            status_code=409 if conflict else 200,
            staff=visit.signed_in,
            months=months,
            chosen=chosen if draft else None,
            draft=draft,
            sections=sections,
            conflict=conflict,
        )
