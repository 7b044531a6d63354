"""Records what Interac's e-mails say about transfers, for tests of the matcher."""

from datetime import date
from secrets import token_hex

from donate.bank.transfer_mails.layouts import MailKind
from donate.bank.transfer_mails.models import (
    InteracTransfer,
    MailCheck,
    TransferMailFile,
    TransferState,
)
from donate.storage.database import Database
from tests.bank.reconciliation.bank_lines import NOW


def deposited_mail(
    database: Database, message: str, reference: str = "CA1abcuJP", day: date | None = None
) -> int:
    """Record a deposited transfer of $50.00 and its e-mail; return the transfer's number."""
    with database.writing() as session:
        row = InteracTransfer(
            interac_reference=reference,
            state=TransferState.DEPOSITED,
            day=day or NOW.date(),
            amount_minor=5_000,
            currency="CAD",
            sender_name="Jane Smith",
            sender_key="jane smith",
            sender_email="jane@example.org",
            message=message,
            language="en-CA",
            recorded_at=NOW,
        )
        session.add(row)
        session.flush()
        assert row.id is not None
        file = TransferMailFile(
            sha256=token_hex(32),
            content=b"",
            kind=MailKind.DEPOSITED,
            mail_check=MailCheck.COUNTED,
            selector="s1",
            transfer_mail_id=row.id,
            added_by="staff:1",
            added_at=NOW,
        )
        session.add(file)
        return row.id
