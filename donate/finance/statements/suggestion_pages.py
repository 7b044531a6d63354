"""Accepts suggestions: one on the page of its line, or all certain ones together."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from urllib.parse import urlencode

from fastapi import Request
from sqlmodel import Session
from starlette.responses import RedirectResponse, Response

from donate.bank.matching.inputs import Band
from donate.bank.reconciliation.accepting import accept_suggestion
from donate.bank.reconciliation.accepting_many import CertainLine, accept_certain
from donate.bank.reconciliation.models import LinePart
from donate.bank.reconciliation.renewing import renew_suggestions
from donate.bank.reconciliation.suggesting import suggest_for_open_lines
from donate.bank.statements.models import RecordedLine
from donate.bank.statements.queries import LineFilter, count_by_band, line_by_number, listed_lines
from donate.clock import Clock
from donate.errors import Conflict
from donate.finance.access import AllowedRequest, Visiting, needs
from donate.finance.activity.trail import amount_detail
from donate.finance.roles import Role
from donate.finance.row_numbers import as_number
from donate.finance.search.queries import gifts_with_donors
from donate.finance.statements.line_pages import LinePages
from donate.finance.statements.line_view import best_suggestions
from donate.finance.statements.words import CLASS_NAMES, STATEMENTS
from donate.money import Money
from donate.regions.regions import Regions
from donate.storage.database import Database
from donate.web.templating import Pages

MOST_AT_ONCE: Final = 200
"""How many certain lines a page shows and one click accepts, so that neither takes too long."""
_AT_A_TIME: Final = 100
"""How many lines are accepted in one transaction, so that other writers need not wait long."""


class SuggestionPages:
    """The form that accepts a suggestion, and the page that accepts all certain ones."""

    def __init__(
        self,
        database: Database,
        regions: Regions,
        pages: Pages,
        clock: Clock,
        line_pages: LinePages,
    ) -> None:
        self._database = database
        self._codes = list(regions)
        self._pages = pages
        self._clock = clock
        self._line_pages = line_pages

    @needs(Role.FINANCE)
    def accepted(self, request: Request, visit: Visiting, number: str) -> Response:
        """Accept one suggestion for a line."""

        def accept(session: Session, line: RecordedLine) -> Sequence[LinePart]:
            assert line.id is not None
            return accept_suggestion(
                session,
                line.id,
                visit.form.get("suggestion", ""),
                version=as_number(visit.form.get("version", "")) or 0,
                actor=visit.signed_in.actor,
                now=self._clock.now(),
            )

        return self._line_pages.decide(visit, number, "tied", accept)

    @needs(Role.FINANCE)
    def again(self, request: Request, visit: Visiting) -> Response:
        """Look for gifts and payouts that fit the open lines again."""
        suggest_for_open_lines(self._database, self._codes, now=self._clock.now())
        return RedirectResponse(f"{STATEMENTS}?done=matched", 303)

    @needs(Role.FINANCE)
    def certain(self, request: Request, visit: Visiting) -> Response:
        """Show all lines with a certain suggestion, before staff accept them together."""
        renew_suggestions(self._database, self._codes, now=self._clock.now())
        with self._database.reading_snapshot() as session:
            found = LineFilter(band=Band.CERTAIN)
            lines = listed_lines(session, found, limit=MOST_AT_ONCE)
            rows = list(zip(lines, best_suggestions(session, lines), strict=True))
            counts = count_by_band(session)
        certain_count = max(counts.get(Band.CERTAIN, 0), len(lines))
        sums: dict[str, int] = {}
        for line in lines:
            open_minor = line.open_amount.amount_minor
            sums[line.currency] = sums.get(line.currency, 0) + open_minor
        return self._pages.render(
            "finance/statements/certain.html",
            visit.language,
            staff=visit.signed_in,
            rows=rows,
            sums=[Money(minor, currency) for currency, minor in sums.items()],
            numbers=",".join(f"{line.id}.{line.version}.{best.key}" for line, best in rows),
            more_certain=certain_count - len(lines),
            left_count=sum(counts.values()) - certain_count,
            class_names=CLASS_NAMES,
        )

    @needs(Role.FINANCE)
    def all_accepted(self, request: Request, visit: Visiting) -> Response:
        """Accept the certain suggestions that the page showed, if they are still certain."""
        shown = _read_numbers(visit.form.get("lines", ""))
        renew_suggestions(self._database, self._codes, now=self._clock.now())
        accepted = 0
        for start in range(0, len(shown), _AT_A_TIME):
            accepted += self._accept_certain(visit, shown[start : start + _AT_A_TIME])
        query = {"done": "certain", "accepted": accepted, "of": len(shown)}
        return RedirectResponse(f"{STATEMENTS}?{urlencode(query)}", 303)

    def _accept_certain(self, visit: AllowedRequest, shown: Sequence[CertainLine]) -> int:
        """Accept those suggestions that are still certain. Return the number of their lines."""
        now, actor = self._clock.now(), visit.signed_in.actor
        try:
            with self._database.writing() as session:
                parts = accept_certain(session, shown, actor=actor, now=now)
                self._record_all(session, visit, parts, now)
        except Conflict:
            if len(shown) == 1:
                return 0
            # One of the lines has changed, so nothing was accepted. Accept the others one by one.
            return sum(self._accept_certain(visit, [one]) for one in shown)
        return len({part.line_id for part in parts})

    def _record_all(
        self, session: Session, visit: AllowedRequest, parts: Sequence[LinePart], now: datetime
    ) -> None:
        """Add a trail entry about each recorded part of a line."""
        gift_ids = {part.gift_id for part in parts if part.gift_id}
        gifts = gifts_with_donors(session, gift_ids)
        for part in parts:
            gift = gifts[part.gift_id][0] if part.gift_id else None
            line = line_by_number(session, part.line_id)
            assert line is not None
            amount = Money(part.amount_minor, line.currency)
            visit.record(
                session,
                "bank_line_tied",
                now=now,
                about=f"bank line {part.line_id}" + (f", {gift.reference}" if gift else ""),
                detail=amount_detail(amount),
            )


def _read_numbers(text: str) -> list[CertainLine]:
    """Parse the form's list: the id and version of each line, and the key of its suggestion."""
    found = []
    for each in text.split(",")[:MOST_AT_ONCE]:
        number, version, key = (*each.split(".", 2), "", "")[:3]
        line_id, seen = as_number(number), as_number(version)
        if line_id is not None and seen is not None:
            found.append(CertainLine(line_id, seen, key))
    return found
