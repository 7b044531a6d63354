"""Reads Interac's e-mails: for the matcher, for the recorder, and for the pages of staff."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final, cast

import sqlalchemy as sa
from sqlalchemy import ColumnElement
from sqlalchemy.orm import InstrumentedAttribute, defer
from sqlmodel import Session, col, func, or_, select

from donate.bank.matching.inputs import TransferMail
from donate.bank.transfer_mails.layouts import MailKind
from donate.bank.transfer_mails.mail_parts import MAX_MAIL_BYTES
from donate.bank.transfer_mails.models import (
    InteracTransfer,
    MailCheck,
    TransferMailFile,
    TransferMailKey,
    TransferState,
)
from donate.gifts.search_index.folding import fold
from donate.money import Money
from donate.storage.bulk_writes import table_of

MOST_WAITING: Final = 2_000
MOST_WAITING_BYTES: Final = 100_000_000


def usable_mails(
    session: Session, first_day: date | None = None, last_day: date | None = None
) -> list[TransferMail]:
    """Return the deposited transfers, according to signed e-mails, that explain no bank line yet.

    `first_day` and `last_day` select the transfers of these days, both included.
    """
    mail = table_of(InteracTransfer).c
    query = (
        sa.select(
            *(mail.id, mail.day, mail.amount_minor, mail.currency, mail.interac_reference),
            *(mail.sender_name, mail.sender_email, mail.message),
        )
        .where(
            mail.state == TransferState.DEPOSITED,
            mail.bank_line_id.is_(None),
            mail.amount_minor.is_not(None),
        )
        .order_by(mail.day, mail.id)
    )
    if first_day:
        query = query.where(mail.day >= first_day)
    if last_day:
        query = query.where(mail.day <= last_day)
    return [
        TransferMail(
            id=row.id,
            day=row.day,
            amount=Money(row.amount_minor, row.currency),
            interac_reference=row.interac_reference,
            sender_name=row.sender_name,
            sender_email=row.sender_email,
            message=row.message,
        )
        for row in session.connection().execute(query)
    ]


def transfer_by_reference(
    session: Session, reference: str, *, lock: bool = False
) -> InteracTransfer | None:
    """Return the transfer with this Interac reference, or None. If `lock` is true, lock its row."""
    query = select(InteracTransfer).where(col(InteracTransfer.interac_reference) == reference)
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    return session.exec(query).first()


def file_by_hash(session: Session, file_hash: str) -> TransferMailFile | None:
    """Return the e-mail whose bytes have this SHA-256; None if it has not been added."""
    return session.exec(
        select(TransferMailFile).where(col(TransferMailFile.sha256) == file_hash)
    ).first()


def has_mail_of_kind(session: Session, transfer: InteracTransfer, kind: MailKind) -> bool:
    """Whether an e-mail of this kind about the transfer was added."""
    query = select(TransferMailFile.id).where(
        col(TransferMailFile.transfer_mail_id) == transfer.id, col(TransferMailFile.kind) == kind
    )
    return session.exec(query).first() is not None


def stored_keys(session: Session) -> dict[str, str]:
    """Return the public keys that were fetched before, by selector."""
    return {key.selector: key.record for key in session.exec(select(TransferMailKey))}


def due_files(session: Session, now: datetime, limit: int) -> list[tuple[int, bytes]]:
    """Return the id and the content of each e-mail that is due for another check."""
    query = (
        select(TransferMailFile.id, TransferMailFile.content)
        .where(
            col(TransferMailFile.mail_check) == MailCheck.WAITING,
            col(TransferMailFile.check_due_at) <= now,
        )
        .order_by(col(TransferMailFile.check_due_at))
        .limit(limit)
    )
    return [(number or 0, content) for number, content in session.exec(query)]


@dataclass(frozen=True, slots=True)
class WaitingRoom:
    """The e-mails that wait for Interac's public key: how many, and their size in bytes."""

    count: int
    size: int

    @property
    def is_full(self) -> bool:
        """Whether no further e-mail may wait.

        Anyone can send e-mails, and all wait while DNS fails, so count and size are limited.
        """
        return self.count >= MOST_WAITING or self.size > MOST_WAITING_BYTES - MAX_MAIL_BYTES


def waiting_room(session: Session) -> WaitingRoom:
    """Return how many e-mails wait for Interac's public key, and how large they are."""
    size = func.coalesce(func.sum(func.length(TransferMailFile.content)), 0)
    query = select(func.count(), size).where(
        col(TransferMailFile.mail_check) == MailCheck.WAITING,
    )
    count, total = session.exec(query).one()
    return WaitingRoom(count, int(total))


def uncounted_files(session: Session, limit: int) -> Sequence[TransferMailFile]:
    """Return e-mails that were kept and do not count, the latest decided first."""
    query = (
        select(TransferMailFile)
        .where(
            col(TransferMailFile.mail_check).in_((MailCheck.WRONG, MailCheck.CONTRADICTORY)),
        )
        .order_by(col(TransferMailFile.checked_at).desc(), col(TransferMailFile.id).desc())
    )
    return session.exec(query.limit(limit)).all()


@dataclass(frozen=True, slots=True)
class MailCounts:
    """How many stored e-mails have not been accepted as evidence, by reason."""

    waiting: int
    wrong: int
    contradictory: int


def count_uncounted(session: Session) -> MailCounts:
    """Return how many stored e-mails have not been accepted as evidence."""
    query = select(TransferMailFile.mail_check, func.count()).group_by(
        col(TransferMailFile.mail_check)
    )
    found = dict(session.exec(query).all())
    return MailCounts(
        found.get(MailCheck.WAITING, 0),
        found.get(MailCheck.WRONG, 0),
        found.get(MailCheck.CONTRADICTORY, 0),
    )


_MAY_BE_TIED: Final = (TransferState.OFFERED, TransferState.DEPOSITED)


def count_untied(session: Session) -> int:
    """Return how many transfers wait: not deposited yet, or not tied to a bank line."""
    query = select(func.count()).select_from(InteracTransfer).where(*_is_untied())
    return session.exec(query).one()


def waiting_files(session: Session, limit: int) -> Sequence[TransferMailFile]:
    """Return e-mails that wait for Interac's public key, the next to be checked first."""
    query = (
        select(TransferMailFile)
        .where(col(TransferMailFile.mail_check) == MailCheck.WAITING)
        .options(defer(cast(InstrumentedAttribute[bytes], TransferMailFile.content)))
        .order_by(col(TransferMailFile.check_due_at), col(TransferMailFile.id))
    )
    return session.exec(query.limit(limit)).all()


def _is_untied() -> list[ColumnElement[bool]]:
    return [
        col(InteracTransfer.state).in_(_MAY_BE_TIED),
        col(InteracTransfer.bank_line_id).is_(None),
    ]


def newest_transfers(
    session: Session,
    *,
    limit: int,
    before: int | None = None,
    searched: str = "",
    only_untied: bool = False,
) -> Sequence[InteracTransfer]:
    """Return transfers, newest first. `searched` selects by the reference or the sender's name."""
    query = select(InteracTransfer).order_by(col(InteracTransfer.id).desc()).limit(limit)
    if only_untied:
        query = query.where(*_is_untied())
    if before is not None:
        query = query.where(col(InteracTransfer.id) < before)
    if searched:
        query = query.where(
            or_(
                col(InteracTransfer.interac_reference).startswith(searched, autoescape=True),
                col(InteracTransfer.interac_reference).endswith(searched, autoescape=True),
                col(InteracTransfer.sender_key).contains(fold(searched), autoescape=True),
            )
        )
    return session.exec(query).all()


def files_of(session: Session, transfer_id: int) -> Sequence[TransferMailFile]:
    """Return the e-mails about a transfer, in the order in which they were added."""
    query = (
        select(TransferMailFile)
        .where(col(TransferMailFile.transfer_mail_id) == transfer_id)
        .order_by(col(TransferMailFile.id))
    )
    return session.exec(query).all()
