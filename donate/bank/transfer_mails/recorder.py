"""Records e-mails from Interac after they were examined. The caller commits.

There is one transfer for each reference, and each e-mail is stored once. Nothing here confirms a
gift.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from typing import Final

from sqlmodel import Session, col, select

from donate.bank.shapes.statement import Sentence
from donate.bank.transfer_mails.examining import ExaminedMail, SignatureCheck
from donate.bank.transfer_mails.layouts import MailKind
from donate.bank.transfer_mails.models import (
    FINAL_STATES,
    STATE_OF,
    InteracTransfer,
    MailCheck,
    TransferMailFile,
    TransferState,
)
from donate.bank.transfer_mails.queries import (
    file_by_hash,
    has_mail_of_kind,
    transfer_by_reference,
    waiting_room,
)
from donate.bank.transfer_mails.uncounted_mails import WAITS_FOR, why_it_does_not_count
from donate.clock import Backoff
from donate.errors import N_
from donate.gifts.search_index.folding import fold
from donate.storage.bulk_writes import insert_new

CHECK_AGAIN_AFTER: Final = Backoff("5m 15m 1h 4h 12h 1d")
_MAX_KEY: Final = 400

_ADDED: Final = {
    MailKind.CLAIM: N_("Added: the transfer %(reference)s waits to be deposited."),
    MailKind.REMINDER: N_("Added: a reminder of the transfer %(reference)s."),
    MailKind.DEPOSITED: N_("Added: the transfer %(reference)s was deposited."),
    MailKind.CANCELLED: N_("Added: the transfer %(reference)s was cancelled."),
    MailKind.EXPIRED: N_("Added: the transfer %(reference)s has expired."),
    MailKind.DECLINED: N_("Added: the transfer %(reference)s was declined."),
}
_KNOWN: Final = N_("This e-mail was added before.")
_SAME: Final = N_("Another e-mail that was added before says the same about %(reference)s.")
_WAITING: Final = N_(
    "Kept, but it doesn’t count yet: Interac’s public key can’t be fetched now. We try again by "
    "ourselves."
)
_NO_ROOM: Final = N_(
    "Interac’s public key can’t be fetched now, and too many e-mails wait for it already. Nothing "
    "was added. Please add this one again later."
)
_OTHER_AMOUNT: Final = N_(
    "Another e-mail about the transfer %(reference)s names another amount. Nothing was added. "
    "Please look at both e-mails, and ask your bank."
)
_OTHER_STATE: Final = N_(
    "Another e-mail about the transfer %(reference)s says that it ended otherwise. Nothing was "
    "added. Please look at both e-mails, and ask your bank."
)


class MailOutcome(StrEnum):
    """The result of adding a file."""

    NEW = "new"  # The e-mail is about a new transfer.
    MORE = "more"  # It is another e-mail about a known transfer.
    KNOWN = "known"  # It says nothing new.
    WAITING = "waiting"  # It is stored until its signature can be checked.
    REFUSED = "refused"  # It was not added.


@dataclass(frozen=True, slots=True)
class MailResult:
    """The result of adding a file, or an e-mail attached to it, with a sentence about it."""

    file: str
    outcome: MailOutcome
    sentence: Sentence
    transfer_id: int | None = None


@dataclass(frozen=True, slots=True)
class MailImport:
    """The results of adding files, in the order of the files."""

    results: Sequence[MailResult]

    def count(self, outcome: MailOutcome) -> int:
        """Return how many files had this outcome."""
        return sum(result.outcome is outcome for result in self.results)


def import_mails(
    session: Session, examined: Sequence[ExaminedMail], *, actor: str, now: datetime
) -> MailImport:
    """Record e-mails. E-mails that were already added are ignored.

    `actor` says who added them: `staff:` and an id, or `folder`.
    """
    results: dict[int, MailResult] = {}
    # Sort by reference, so that two imports at the same time lock the transfers in the same order.
    for place, mail in sorted(enumerate(examined), key=lambda item: _order(item[1])):
        results[place] = _import_one(session, mail, actor=actor, now=now)
    return MailImport([results[place] for place in range(len(examined))])


def _order(mail: ExaminedMail) -> tuple[str, str]:
    reference = mail.reading.interac_reference if mail.reading else ""
    return (reference, sha256(mail.content).hexdigest())


def _import_one(session: Session, mail: ExaminedMail, *, actor: str, now: datetime) -> MailResult:
    reading = mail.reading
    if reading is None:
        assert mail.problem
        return MailResult(mail.file, MailOutcome.REFUSED, mail.problem)
    file_hash = sha256(mail.content).hexdigest()
    stored = file_by_hash(session, file_hash)
    is_valid = mail.check is SignatureCheck.VALID
    # An e-mail whose key was unknown counts if it is added again after the key became known.
    if stored and not (is_valid and stored.mail_check in (MailCheck.WAITING, MailCheck.WRONG)):
        return MailResult(mail.file, MailOutcome.KNOWN, Sentence(_KNOWN), stored.transfer_mail_id)
    if not is_valid and waiting_room(session).is_full:
        return MailResult(mail.file, MailOutcome.REFUSED, Sentence(_NO_ROOM))
    row = {
        "sha256": file_hash,
        "content": mail.content,
        "kind": reading.kind,
        "mail_check": MailCheck.WAITING,
        "selector": mail.selector,
        "transfer_mail_id": None,
        "check_tries": 0,
        "check_due_at": now + CHECK_AGAIN_AFTER.after(1),
        "checked_at": None,
        "added_by": actor,
        "added_at": now,
    }
    if not is_valid:
        is_new = insert_new(session, TransferMailFile, [row])
        if is_new:
            return MailResult(mail.file, MailOutcome.WAITING, Sentence(_WAITING))
        return MailResult(mail.file, MailOutcome.KNOWN, Sentence(_KNOWN))
    result = _add_up(session, mail, now=now)
    if result.outcome in (MailOutcome.NEW, MailOutcome.MORE):
        counted = {
            "mail_check": MailCheck.COUNTED,
            "transfer_mail_id": result.transfer_id,
            "check_due_at": None,
            "checked_at": now,
        }
        if stored is None:
            insert_new(session, TransferMailFile, [row | counted])
        else:
            for name, value in counted.items():
                setattr(stored, name, value)
            session.flush()
    elif stored and result.outcome is MailOutcome.KNOWN:
        session.delete(stored)
        session.flush()
    return result


def settle_waiting(
    session: Session, file_id: int, mail: ExaminedMail, *, now: datetime
) -> MailResult | None:
    """Record the result of checking a stored e-mail again.

    Return None if it was already decided.
    """
    stored = session.get(TransferMailFile, file_id, with_for_update=True)
    if stored is None or stored.mail_check is not MailCheck.WAITING:
        return None
    has_no_key = mail.reading is not None and mail.check is not SignatureCheck.VALID
    is_over = now - stored.added_at >= WAITS_FOR
    if has_no_key and not is_over:
        stored.check_tries += 1
        stored.check_due_at = now + CHECK_AGAIN_AFTER.after(stored.check_tries + 1)
        session.flush()
        return MailResult("", MailOutcome.WAITING, Sentence(_WAITING))
    stored.checked_at, stored.check_due_at = now, None
    if mail.reading is None or has_no_key:
        stored.mail_check = MailCheck.WRONG
        session.flush()
        return MailResult("", MailOutcome.REFUSED, why_it_does_not_count(stored, mail))
    stored.mail_check = MailCheck.CONTRADICTORY
    session.flush()
    result = _add_up(session, mail, now=now)
    if result.outcome is MailOutcome.KNOWN:
        session.delete(stored)  # another e-mail already says the same
    elif result.outcome is not MailOutcome.REFUSED:
        stored.mail_check, stored.transfer_mail_id = MailCheck.COUNTED, result.transfer_id
    session.flush()
    return result


def _add_up(session: Session, mail: ExaminedMail, *, now: datetime) -> MailResult:
    """Create the transfer that a signed e-mail is about, or update it."""
    reading = mail.reading
    assert reading
    reference = {"reference": reading.interac_reference}
    is_new = insert_new(session, InteracTransfer, [_new_transfer(mail, now)])
    transfer = transfer_by_reference(session, reading.interac_reference, lock=True)
    assert transfer
    if is_new:
        sentence = Sentence(_ADDED[reading.kind], reference)
        return MailResult(mail.file, MailOutcome.NEW, sentence, transfer.id)
    if transfer.amount and reading.amount and transfer.amount != reading.amount:
        return MailResult(
            mail.file, MailOutcome.REFUSED, Sentence(_OTHER_AMOUNT, reference), transfer.id
        )
    state = added_up(transfer.state, reading.kind)
    if state is None:
        return MailResult(
            mail.file, MailOutcome.REFUSED, Sentence(_OTHER_STATE, reference), transfer.id
        )
    if has_mail_of_kind(session, transfer, reading.kind):
        return MailResult(mail.file, MailOutcome.KNOWN, Sentence(_SAME, reference), transfer.id)
    says_more = reading.kind is MailKind.DEPOSITED or not transfer.sender_name
    if says_more:
        row = _new_transfer(mail, transfer.recorded_at)
        names = ("day", "sender_name", "sender_key", "sender_email", "message", "language")
        for name in names:
            setattr(transfer, name, row[name])
    if reading.amount:
        transfer.amount_minor = reading.amount.amount_minor
    transfer.state = state
    session.flush()
    sentence = Sentence(_ADDED[reading.kind], reference)
    return MailResult(mail.file, MailOutcome.MORE, sentence, transfer.id)


def _new_transfer(mail: ExaminedMail, now: datetime) -> dict[str, object]:
    reading = mail.reading
    assert reading
    return {
        "interac_reference": reading.interac_reference,
        "state": STATE_OF[reading.kind],
        "day": mail.day,
        "amount_minor": reading.amount.amount_minor if reading.amount else None,
        "currency": reading.amount.currency if reading.amount else "CAD",
        "sender_name": reading.sender_name,
        "sender_key": fold(reading.sender_name)[:_MAX_KEY],
        "sender_email": reading.sender_email,
        "message": reading.message,
        "language": reading.language,
        "recorded_at": now,
    }


def added_up(state: TransferState, kind: MailKind) -> TransferState | None:
    """Return the state of a transfer after another e-mail; None if the two contradict each other.

    E-mails arrive in any order: a reminder that comes after the deposit changes nothing.
    """
    says = STATE_OF[kind]
    if says is state or says is TransferState.OFFERED:
        return state
    return None if state in FINAL_STATES else says


def check_all_now(session: Session, *, now: datetime) -> int:
    """Make all waiting e-mails due for another check now. Return how many there are."""
    waiting = session.exec(
        select(TransferMailFile)
        .where(col(TransferMailFile.mail_check) == MailCheck.WAITING)
        .with_for_update()
    ).all()
    for file in waiting:
        file.check_due_at = now - timedelta(seconds=1)
    session.flush()
    return len(waiting)
