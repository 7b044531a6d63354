"""Empties Interac's e-mails that were kept but belong to no transfer, if they are about a donor."""

import re
from collections.abc import Collection, Iterator
from datetime import datetime

from sqlmodel import Session, col, func, select

from donate.bank.transfer_mails.mail_parts import leaf_parts, split_mail
from donate.bank.transfer_mails.models import MailCheck, TransferMailFile
from donate.errors import BadInput
from donate.personal_data.erasing.traces import Traces


def empty_uncounted_mails(
    session: Session, traces: Traces, references: Collection[str], *, now: datetime
) -> int:
    """Empty those with one of the donor's addresses, or with the reference of a donor's transfer.

    An e-mail that waits for Interac's key does not wait any more. Return how many were emptied.
    """
    wanted = "|".join(rf"(?<!\w){re.escape(each)}(?!\w)" for each in references) or "(?!)"
    named = re.compile(wanted, re.IGNORECASE)
    uncounted = select(TransferMailFile.id).where(
        col(TransferMailFile.transfer_mail_id).is_(None),
        func.length(col(TransferMailFile.content)) > 0,
    )
    emptied = 0
    for file_id in session.exec(uncounted).all():
        file = session.get(TransferMailFile, file_id, with_for_update=True, populate_existing=True)
        if file is None or file.transfer_mail_id is not None:
            continue  # deleted or counted since
        if any(traces.has_address(text) or named.search(text) for text in _texts(file.content)):
            file.content = b""
            if file.mail_check is MailCheck.WAITING:
                file.mail_check, file.check_due_at, file.checked_at = MailCheck.WRONG, None, now
            emptied += 1
        session.flush()
        session.expunge(file)  # its bytes are not needed any more
    return emptied


def _texts(content: bytes) -> Iterator[str]:
    """Yield an e-mail as it is, and each of its parts without its transfer encoding."""
    yield content.decode(errors="replace")
    try:
        for part in leaf_parts(split_mail(content)):
            yield part.content().decode(errors="replace")
    except BadInput:
        return
