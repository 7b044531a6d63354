"""The staff pages for months: the list, one month, the forms that close it, and its pack."""

from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Any, Final

from fastapi import APIRouter, Request
from sqlmodel import Session
from starlette.responses import RedirectResponse, Response

from donate.books.months.book_month import BookMonth, month_of_day, read_month
from donate.books.months.closing import Closer, MonthCloser, RecordAct
from donate.books.months.drafts import MonthRules, read_draft
from donate.books.months.models import ClosedMonth
from donate.books.months.open_items import Hurdle, OpenKind
from donate.books.months.queries import (
    closed_month,
    latest_request,
    month_before_start,
    next_to_close,
    pack_content,
    startable_months,
)
from donate.clock import Clock, local_date
from donate.errors import BadInput, BadInputs, Conflict, NotFound
from donate.finance.access import AllowedRequest, Visiting, needs
from donate.finance.months.month_view import (
    corrections_after,
    corrections_in,
    kept_figures,
    kept_items,
    listed_months,
    net_of,
    shown_checks,
    shown_sections,
)
from donate.finance.months.words import (
    HURDLE_COLOURS,
    HURDLE_NAMES,
    MONTH_DONE,
    MONTHS,
    OPEN_PAGES,
    SHEET,
)
from donate.finance.roles import Role
from donate.finance.row_numbers import as_number
from donate.finance.staff.accounts import may_still, names_of
from donate.storage.database import Database
from donate.web.templating import Localizer, Pages

ZIP_TYPE: Final = "application/zip"


class MonthPages:
    """The pages about closing months.

    Viewers may read them, but only finance staff may close months.
    """

    def __init__(self, database: Database, pages: Pages, clock: Clock, rules: MonthRules) -> None:
        self._database = database
        self._pages = pages
        self._clock = clock
        self._rules = rules
        self._closer = MonthCloser(database, rules)

    def add_routes(self, router: APIRouter) -> None:
        """Add the routes to the router of the staff pages."""
        for method, path, answer in (
            ("GET", "", self.months),
            ("GET", "/{month}", self.month),
            ("POST", "/{month}/closed", self.closed),
            ("POST", "/{month}/confirmed", self.confirmed),
            ("GET", "/{month}/pack", self.pack),
        ):
            router.add_api_route(f"/months{path}", answer, methods=[method])

    @needs(Role.VIEWER)
    def months(self, request: Request, visit: Visiting) -> Response:
        """List the months, newest first."""
        today = local_date(self._clock.now(), self._rules.time_zone)
        with self._database.reading_snapshot() as session:
            rows = listed_months(session, self._rules.time_zone, today)
            closed = [row.closed for row in rows if row.closed]
            actors = [by for row in closed for by in (row.closed_by, row.confirmed_by)]
            names = names_of(session, actors)
            may_start = visit.signed_in.may(Role.ADMIN) and startable_months(
                session, self._rules.time_zone, self._clock.now()
            )
        return self._pages.render(
            "finance/months/list.html",
            visit.language,
            staff=visit.signed_in,
            rows=rows,
            net_of=net_of,
            may_start=bool(may_start),
            done=MONTH_DONE.get(request.query_params.get("done", ""), ""),
            names=names,
            time_zone=self._rules.time_zone,
        )

    @needs(Role.VIEWER)
    def month(self, month: str, request: Request, visit: Visiting) -> Response:
        """Show a month: its open items and totals, or its stored figures if it is closed."""
        done = MONTH_DONE.get(request.query_params.get("done", ""), "")
        return self._answer(visit, _month(month), done=done)

    @needs(Role.FINANCE)
    def closed(self, month: str, visit: Visiting) -> Response:
        """Close a month, or request that another person confirm it."""
        chosen = _month(month)
        reasons = {kind.value: visit.form.get(f"reason_{kind.value}", "") for kind in OpenKind}
        now = self._clock.now()
        try:
            is_closed = self._closer.close(
                chosen,
                _closer_of(visit),
                reasons,
                now=now,
                record=_recorder(visit, chosen, now),
                seen=visit.form.get("content", ""),
            )
        except Conflict as conflict:
            return self._answer(visit, chosen, conflict=conflict, status_code=409)
        except BadInputs as error:
            problems = {problem.field: problem for problem in error.problems}
            return self._answer(visit, chosen, problems=problems, status_code=422)
        return RedirectResponse(f"{MONTHS}/{chosen}?done={'closed' if is_closed else 'asked'}", 303)

    @needs(Role.FINANCE)
    def confirmed(self, month: str, visit: Visiting) -> Response:
        """Close a month for which another person has made a request."""
        chosen, now = _month(month), self._clock.now()
        with self._database.reading() as session:
            request = latest_request(session, chosen)
            asked_by = request.asked_by if request else ""
            first = names_of(session, [asked_by]).get(asked_by, asked_by)
        try:
            self._closer.confirm(
                chosen,
                _closer_of(visit),
                first,
                seen=as_number(visit.form.get("request", "")),
                now=now,
                record=_recorder(visit, chosen, now),
                may_close=partial(may_still, role=Role.FINANCE),
            )
        except Conflict as conflict:
            return self._answer(visit, chosen, conflict=conflict, status_code=409)
        return RedirectResponse(f"{MONTHS}/{chosen}?done=closed", 303)

    @needs(Role.FINANCE)
    def pack(self, month: str, visit: Visiting) -> Response:
        """Send the pack of a closed month.

        The pack has donors' data, so a trail entry is added about the download.
        """
        chosen, now = _month(month), self._clock.now()
        with self._database.reading() as session:
            content = pack_content(session, chosen)
        if content is None:
            raise NotFound("this month is not closed")
        with self._database.writing() as session:
            _recorder(visit, chosen, now)(session, "month_pack_sent", {})
        name = f"month-{chosen}.zip"
        headers = {
            "Content-Disposition": f'attachment; filename="{name}"',
            "Cache-Control": "no-store",
        }
        return Response(content, media_type=ZIP_TYPE, headers=headers)

    def _answer(
        self,
        visit: AllowedRequest,
        month: BookMonth,
        *,
        done: str = "",
        conflict: Conflict | None = None,
        problems: Mapping[str, BadInput] | None = None,
        status_code: int = 200,
    ) -> Response:
        _ = Localizer(visit.language)
        with self._database.reading_snapshot() as session:
            start = month_before_start(session)
            closed = closed_month(session, month)
            if start and month.number <= start.month:
                template, shown = "elsewhere", self._elsewhere_view(session, start, _)
            elif closed:
                template, shown = "closed", self._closed_view(session, closed, _)
            else:
                template, shown = "open", self._open_view(session, month, visit, _)
        return self._pages.render(
            f"finance/months/{template}.html",
            visit.language,
            status_code=status_code,
            staff=visit.signed_in,
            month=month,
            may_close=visit.signed_in.may(Role.FINANCE),
            done=done,
            conflict=conflict,
            problems=problems or {},
            typed=visit.form,
            pages={
                kind: f"{page}{month.last_day}" if page == SHEET else page
                for kind, page in OPEN_PAGES.items()
            },
            hurdles=HURDLE_NAMES,
            colours=HURDLE_COLOURS,
            time_zone=self._rules.time_zone,
            **shown,
        )

    def _closed_view(self, session: Session, closed: ClosedMonth, _: Localizer) -> dict[str, Any]:
        return {
            "closed": closed,
            "names": names_of(session, [closed.closed_by, closed.confirmed_by]),
            "items": kept_items(closed),
            "sections": kept_figures(closed, self._rules.chart, _),
            "corrections": corrections_after(
                session, BookMonth(closed.month), self._rules.time_zone
            ),
        }

    def _elsewhere_view(
        self, session: Session, closed: ClosedMonth, _: Localizer
    ) -> dict[str, Any]:
        return {
            "closed": closed,
            "start": BookMonth(closed.month).next,
            "names": names_of(session, [closed.closed_by]),
            "sections": kept_figures(closed, self._rules.chart, _),
        }

    def _open_view(
        self, session: Session, month: BookMonth, visit: AllowedRequest, _: Localizer
    ) -> dict[str, Any]:
        """Return the draft of the next month to close.

        For a later month, return only which month has to be closed first.
        """
        today = local_date(self._clock.now(), self._rules.time_zone)
        following = next_to_close(session, self._rules.time_zone)
        if following is None or month < following or month > max(following, month_of_day(today)):
            raise NotFound("this month is not in the books")
        if month != following:
            return {"following": following}
        draft = read_draft(session, month, self._rules)
        request = latest_request(session, month)
        is_current = request is not None and request.content_hash == draft.content_hash
        return {
            "following": month,
            "has_ended": month.last_day < today,
            "draft": draft,
            "items": draft.items,
            "is_blocked": any(item.kind.hurdle is Hurdle.BLOCKS for item in draft.items),
            "sections": list(shown_sections(draft.control, self._rules.chart, _)),
            "checks": shown_checks(draft.control, _),
            "corrections": corrections_in(draft),
            "request": request,
            "is_current": is_current,
            "is_own": request is not None and request.asked_by == visit.signed_in.actor,
            "names": names_of(session, [request.asked_by] if request else []),
        }


def _month(text: str) -> BookMonth:
    month = read_month(text)
    if month is None:
        raise NotFound("this is no month")
    return month


def _closer_of(visit: AllowedRequest) -> Closer:
    return Closer(visit.signed_in.actor, visit.signed_in.name, visit.language)


def _recorder(visit: AllowedRequest, month: BookMonth, now: datetime) -> RecordAct:
    def record(session: Session, act: str, detail: Mapping[str, Any]) -> None:
        visit.record(session, act, now=now, about=str(month), detail=detail)

    return record
