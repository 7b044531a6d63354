"""The form on a bank line's page that ties the line to a Stripe payout or top-up of any date."""

from collections.abc import Sequence
from typing import Final

from fastapi import Request
from sqlmodel import Session
from starlette.responses import Response

from donate.bank.reconciliation.deciding import DecidedPart, PayoutPart, TopUpPart, decide_line
from donate.bank.reconciliation.models import LinePart
from donate.bank.statements.models import RecordedLine
from donate.clock import Clock
from donate.finance.access import Visiting, needs
from donate.finance.roles import Role
from donate.finance.row_numbers import as_number
from donate.finance.statements.line_pages import LinePages

TOP_UP_VALUE: Final = "top-up-"
"""The form sends the row id of a payout, or this prefix and the row id of a top-up."""


class LinePayoutPages:
    """Ties a bank line to a payout or a top-up that a person chose."""

    def __init__(self, clock: Clock, line_pages: LinePages) -> None:
        self._clock = clock
        self._line_pages = line_pages

    @needs(Role.FINANCE)
    def payout_tied(self, request: Request, visit: Visiting, number: str) -> Response:
        """Tie the amount of a line that is still open to a payout or top-up of the same amount."""
        typed = visit.form.get("payout", "")
        is_top_up = typed.startswith(TOP_UP_VALUE)
        moved_id = as_number(typed.removeprefix(TOP_UP_VALUE)) or 0

        def tie(session: Session, line: RecordedLine) -> Sequence[LinePart]:
            assert line.id is not None
            left = line.open_amount.amount_minor
            part: DecidedPart = PayoutPart(moved_id, left)
            return decide_line(
                session,
                line.id,
                [TopUpPart(moved_id, left) if is_top_up else part],
                version=as_number(visit.form.get("version", "")) or 0,
                actor=visit.signed_in.actor,
                now=self._clock.now(),
            )

        act = "top_up_tied" if is_top_up else "payout_tied"
        return self._line_pages.decide(visit, number, act, tie)
