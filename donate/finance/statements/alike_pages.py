"""Copies the decision that a line is no gift to the other open lines with the same text."""

from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import urlencode

from fastapi import Request
from sqlmodel import Session
from starlette.responses import RedirectResponse, Response

from donate.bank.reconciliation.models import LinePart
from donate.bank.reconciliation.queries import alike_lines, whole_no_gift
from donate.bank.same_text import decide_alike
from donate.bank.statements.models import BankAccount, RecordedLine
from donate.bank.statements.queries import line_by_number
from donate.clock import Clock
from donate.errors import N_, BadInput, Conflict, NotFound
from donate.finance.access import AllowedRequest, Visiting, needs
from donate.finance.activity.trail import amount_detail
from donate.finance.roles import Role
from donate.finance.row_numbers import as_number
from donate.finance.statements.words import REASON_NAMES, STATEMENTS
from donate.money import Money
from donate.storage.database import Database
from donate.web.templating import Pages

MOST_ALIKE: Final = 100
"""The most lines that the page shows, and that one click records."""

_NONE_CHOSEN: Final = N_("Please choose at least one line. Nothing was recorded.")
_NOT_NOTED: Final = N_(
    "This line isn’t noted as a whole as something other than a gift, so nothing can be noted the "
    "same way."
)


def alike_offer(session: Session, line_id: int | None) -> tuple[int, int] | None:
    """Return the line's id, and the number of open lines with the same text.

    Return None if there are none, or if staff have not recorded that the whole line is no gift.
    """
    if whole_no_gift(session, line_id) is None or line_id is None:
        return None
    count = len(alike_lines(session, session.get_one(RecordedLine, line_id)))
    return (line_id, count) if count else None


class AlikePages:
    """The page that lists the open lines with the same text as a line, and the form on it."""

    def __init__(self, database: Database, pages: Pages, clock: Clock) -> None:
        self._database = database
        self._pages = pages
        self._clock = clock

    @needs(Role.FINANCE)
    def alike(self, request: Request, visit: Visiting, number: str) -> Response:
        """Show the open lines with the same text. Staff choose those that are no gifts either."""
        return self._show(visit, number)

    @needs(Role.FINANCE, max_fields=2 * MOST_ALIKE)
    def noted(self, request: Request, visit: Visiting, number: str) -> Response:
        """Record that the chosen lines are no gifts, except those that have changed meanwhile."""
        shown = _read_chosen(visit.form)
        if not shown:
            return self._show(visit, number, problem=BadInput("lines", _NONE_CHOSEN))
        part_id, now = as_number(visit.form.get("part", "")), self._clock.now()
        try:
            with self._database.writing() as session:
                parts = decide_alike(
                    session, part_id or 0, shown, actor=visit.signed_in.actor, now=now
                )
                for part in parts:
                    self._record(session, visit, part)
        except Conflict as conflict:
            return self._show(visit, number, problem=conflict)
        query = {"show": "explained", "noted": len(parts), "of": len(shown)}
        return RedirectResponse(f"{STATEMENTS}?{urlencode(query)}", 303)

    def _record(self, session: Session, visit: AllowedRequest, part: LinePart) -> None:
        line = session.get_one(RecordedLine, part.line_id)
        visit.record(
            session,
            "bank_line_no_gift",
            now=part.decided_at,
            about=f"bank line {line.id}",
            detail=amount_detail(Money(part.amount_minor, line.currency)),
        )

    def _show(
        self, visit: AllowedRequest, number: str, *, problem: BadInput | Conflict | None = None
    ) -> Response:
        with self._database.reading_snapshot() as session:
            line = line_by_number(session, as_number(number))
            if line is None:
                raise NotFound("no such bank line")
            part = whole_no_gift(session, line.id)
            numbers = alike_lines(session, line) if part else []
            lines = [session.get_one(RecordedLine, one) for one in numbers[:MOST_ALIKE]]
            account = session.get_one(BankAccount, line.account_id)
        if part is None:
            problem = problem or Conflict(_NOT_NOTED)
        return self._pages.render(
            "finance/statements/alike.html",
            visit.language,
            status_code=422 if isinstance(problem, BadInput) else 409 if problem else 200,
            staff=visit.signed_in,
            line=line,
            part=part,
            account=account,
            lines=lines,
            chosen=dict(_read_chosen(visit.form)) if problem else {one.id: 1 for one in lines},
            total=_total(lines, line.currency),
            more_count=len(numbers) - len(lines),
            problem=problem,
            reason_names=REASON_NAMES,
        )


def _total(lines: Sequence[RecordedLine], currency: str) -> Money:
    return Money(sum(line.amount_minor for line in lines), currency)


def _read_chosen(form: Mapping[str, str]) -> list[tuple[int, int]]:
    """Read the number and the version of each line that was ticked."""
    found = []
    for name, version in form.items():
        number = as_number(name.removeprefix("line_")) if name.startswith("line_") else None
        seen = as_number(version)
        if number is not None and seen is not None:
            found.append((number, seen))
    return found[:MOST_ALIKE]
