"""Says why Interac transfers are not tied to a bank line yet, and what is needed for that."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from sqlmodel import Session

from donate.bank.reconciliation.suggesting import lines_by_mail
from donate.bank.shapes.statement import Sentence
from donate.bank.statements.queries import last_statement_day
from donate.bank.transfer_mails.models import InteracTransfer, TransferState
from donate.errors import N_

_NOT_DEPOSITED: Final = N_("The transfer isn’t deposited yet.")
_NO_STATEMENT: Final = N_("No bank statement has been imported yet.")
_NOT_SO_FAR: Final = N_("The bank statements end on %(day)s. Import the next one.")
_TO_DECIDE: Final = N_("A bank line fits and needs your decision.")
_NO_LINE: Final = N_(
    "No open bank line fits. Its line may be explained already, or on the statement of another "
    "account."
)


@dataclass(frozen=True, slots=True)
class WaitingTransfer:
    """Why a transfer is not tied to a bank line yet, and the id of a line that fits, if any."""

    reason: Sentence
    line_id: int | None = None


def what_they_wait_for(
    session: Session, transfers: Sequence[InteracTransfer]
) -> dict[int, WaitingTransfer]:
    """Return a WaitingTransfer for each transfer that is not tied to a bank line, by its id."""
    lines = lines_by_mail(session)
    last_days = {
        currency: last_statement_day(session, currency)
        for currency in {transfer.currency for transfer in transfers}
    }
    return {
        transfer.id or 0: _reason(transfer, lines, last_days[transfer.currency])
        for transfer in transfers
        if transfer.bank_line_id is None
    }


def _reason(
    transfer: InteracTransfer, lines: Mapping[int, int], last_day: date | None
) -> WaitingTransfer:
    if transfer.state is TransferState.OFFERED:
        return WaitingTransfer(Sentence(_NOT_DEPOSITED))
    line_id = lines.get(transfer.id or 0)
    if line_id is not None:
        return WaitingTransfer(Sentence(_TO_DECIDE), line_id)
    if last_day is None:
        return WaitingTransfer(Sentence(_NO_STATEMENT))
    if last_day < transfer.day:
        return WaitingTransfer(Sentence(_NOT_SO_FAR, {"day": last_day.isoformat()}))
    return WaitingTransfer(Sentence(_NO_LINE))
