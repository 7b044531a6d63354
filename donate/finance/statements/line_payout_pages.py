"""The form on a bank line's page that ties the line to a payout, whenever the payout arrived."""

from collections.abc import Sequence

from fastapi import Request
from sqlmodel import Session
from starlette.responses import Response

from donate.bank.reconciliation.deciding import PayoutPart, decide_line
from donate.bank.reconciliation.models import LinePart
from donate.bank.statements.models import RecordedLine
from donate.clock import Clock
from donate.finance.access import Visiting, needs
from donate.finance.models import Role
from donate.finance.row_numbers import as_number
from donate.finance.statements.line_pages import LinePages


class LinePayoutPages:
    """Ties a bank line to a payout that a person chose."""

    def __init__(self, clock: Clock, line_pages: LinePages) -> None:
        self._clock = clock
        self._line_pages = line_pages

    @needs(Role.FINANCE)
    def payout_tied(self, request: Request, visit: Visiting, number: str) -> Response:
        """Tie the open amount of a line to a payout of the same amount."""

        def tie(session: Session, line: RecordedLine) -> Sequence[LinePart]:
            assert line.id is not None
            payout_id = as_number(visit.form.get("payout", "")) or 0
            return decide_line(
                session,
                line.id,
                [PayoutPart(payout_id, line.open_amount.amount_minor)],
                version=as_number(visit.form.get("version", "")) or 0,
                actor=visit.signed_in.actor,
                now=self._clock.now(),
            )

        return self._line_pages.decide(visit, number, "payout_tied", tie)
