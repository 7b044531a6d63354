"""The staff page for bank lines: open lines, suggestions for them, and the imported files."""

from typing import Any, Final

from fastapi import Request
from starlette.responses import RedirectResponse, Response

from donate.bank.matching.inputs import Band
from donate.bank.statements.gaps import confirm_quiet_days, statement_gaps
from donate.bank.statements.models import RecordedLine
from donate.bank.statements.queries import (
    LineCursor,
    LineFilter,
    bank_accounts,
    count_by_band,
    count_lines,
    listed_lines,
    open_sums,
    recent_files,
    uploads_in_progress,
)
from donate.clock import Clock, read_day
from donate.errors import N_, BadInput, Conflict
from donate.finance.access import AllowedRequest, Visiting, needs
from donate.finance.roles import Role
from donate.finance.row_numbers import as_number
from donate.finance.statements.words import BAND_NAMES, CLASS_NAMES, DONE, SHOWN, STATEMENTS
from donate.money import Money
from donate.storage.database import Database
from donate.web.templating import Pages

LINES_ON_A_PAGE: Final = 50
_FILES_SHOWN: Final = 10
_INCOMPLETE: Final = N_("This form is incomplete. Please reload the page and fill it in again.")


class StatementPages:
    """The list of bank lines, with the form that uploads a statement."""

    def __init__(self, database: Database, pages: Pages, clock: Clock, time_zone: str) -> None:
        self._database = database
        self._pages = pages
        self._clock = clock
        self._time_zone = time_zone

    @needs(Role.VIEWER)
    def statements(self, request: Request, visit: Visiting) -> Response:
        """Show the bank lines in the chosen list, newest first, and how many are still open."""
        return self.show(visit, dict(request.query_params))

    @needs(Role.FINANCE)
    def quiet_confirmed(self, request: Request, visit: Visiting) -> Response:
        """Record that an account had no transactions on days that no file covers."""
        account_id = as_number(visit.form.get("account", ""))
        first, last = (read_day(visit.form.get(name, "")) for name in ("first", "last"))
        if account_id is None or first is None or last is None:
            return self.show(visit, {}, BadInput("days", _INCOMPLETE))
        actor, now = visit.signed_in.actor, self._clock.now()
        try:
            with self._database.writing() as session:
                gap = confirm_quiet_days(session, account_id, first, last, actor=actor, now=now)
                visit.record(
                    session, "bank_quiet_days", now=now, about=f"{gap.account}: {first} – {last}"
                )
        except Conflict as problem:
            return self.show(visit, {}, problem)
        return RedirectResponse(f"{STATEMENTS}?done=quiet", 303)

    def show(
        self,
        visit: AllowedRequest,
        query: dict[str, str],
        problem: BadInput | Conflict | None = None,
    ) -> Response:
        """Render the list. If an upload has a problem, show it."""
        shown = query.get("show", "") if query.get("show") in SHOWN else "open"
        before = _read_cursor(query.get("before", ""))
        with self._database.reading_snapshot() as session:
            rows = listed_lines(session, _filter(shown), limit=LINES_ON_A_PAGE + 1, before=before)
            sums = open_sums(session)
            counts = count_by_band(session)
            lines = count_lines(session)
            accounts = {account.id: account for account in bank_accounts(session)}
            files = recent_files(session, _FILES_SHOWN)
            uploads = uploads_in_progress(session)
            gaps = statement_gaps(session)
        has_older, rows = len(rows) > LINES_ON_A_PAGE, rows[:LINES_ON_A_PAGE]
        open_count = sum(one.count for one in sums)
        return self._pages.render(
            "finance/statements/list.html",
            visit.language,
            status_code=409 if isinstance(problem, Conflict) else 422 if problem else 200,
            staff=visit.signed_in,
            may_write=visit.signed_in.may(Role.FINANCE),
            rows=rows,
            shown=shown,
            choices=_choices(counts, open_count, lines),
            done_count=lines - open_count,
            line_count=lines,
            certain_count=counts.get(Band.CERTAIN, 0),
            open_sums=[
                (Money(one.money_in_minor, one.currency), Money(one.money_out_minor, one.currency))
                for one in sums
            ],
            accounts=accounts,
            files=files,
            uploads=uploads,
            gaps=gaps,
            older=f"{STATEMENTS}?show={shown}&before={_write_cursor(rows[-1])}"
            if has_older
            else None,
            is_first_page=before is None,
            time_zone=self._time_zone,
            problem=problem,
            done=DONE.get(query.get("done", ""), ""),
            accepted=_counts(query, "accepted"),
            noted=_counts(query, "noted"),
            class_names=CLASS_NAMES,
            band_names=BAND_NAMES,
        )


def _filter(shown: str) -> LineFilter:
    if shown in ("open", "all", "explained"):
        return LineFilter(is_open={"open": True, "explained": False, "all": None}[shown])
    return LineFilter(band=Band(shown))


def _counts(query: dict[str, str], name: str) -> tuple[int, int] | None:
    """Return how many lines were recorded, of how many that were chosen, for a sentence.

    None if the query string lacks either number.
    """
    count, of = as_number(query.get(name, "")), as_number(query.get("of", ""))
    return None if count is None or of is None else (count, of)


def _choices(
    counts: dict[Band | None, int], open_count: int, lines: int
) -> list[tuple[str, str, int]]:
    """Return the lists that staff can choose from, each with its name and its number of lines."""
    found: dict[str, Any] = {band: counts.get(band, 0) for band in Band}
    found |= {"open": open_count, "explained": lines - open_count, "all": lines}
    return [(name, label, found[name]) for name, label in SHOWN.items()]


def _read_cursor(text: str) -> LineCursor | None:
    day, _, number = text.partition("_")
    read, line_id = read_day(day), as_number(number)
    return None if read is None or line_id is None else (read, line_id)


def _write_cursor(line: RecordedLine) -> str:
    return f"{line.day}_{line.id}"
