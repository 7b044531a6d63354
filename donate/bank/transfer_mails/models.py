"""The tables of Interac's e-mails: transfers, the e-mails about them, and Interac's public keys."""

from datetime import date, datetime
from enum import StrEnum
from typing import Final

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from donate.bank.transfer_mails.layouts import MailKind
from donate.money import Money
from donate.storage.column_types import EnumText, RowNumber, UtcDateTime


class TransferState(StrEnum):
    """The state of a transfer, according to all e-mails about it."""

    OFFERED = "offered"  # The transfer waits until it is deposited.
    DEPOSITED = "deposited"  # The bank has deposited it.
    CANCELLED = "cancelled"  # The sender took it back.
    EXPIRED = "expired"  # Nobody deposited it in time.
    DECLINED = "declined"  # The recipient refused it.


class MailCheck(StrEnum):
    """The result of checking an e-mail."""

    WAITING = "waiting"  # Interac's public key could not be fetched yet.
    COUNTED = "counted"  # The signature is right, and the e-mail belongs to a transfer.
    WRONG = "wrong"  # The signature does not fit Interac's key.
    CONTRADICTORY = "contradictory"  # The signature is right, but another e-mail says otherwise.


class InteracTransfer(SQLModel, table=True):
    """A transfer that Interac's signed e-mails are about. It does not confirm a gift.

    `bank_line_id` is the id of the bank line that this transfer explains, once staff or the matcher
    have tied it.
    """

    __tablename__ = "transfer_mail"
    __table_args__ = (
        CheckConstraint("amount_minor IS NULL OR amount_minor > 0", name="transfer_mail_amount"),
        CheckConstraint(
            "state IN ('cancelled', 'expired', 'declined') OR amount_minor IS NOT NULL",
            name="transfer_mail_has_an_amount",
        ),
        CheckConstraint(
            "state IN ('offered', 'deposited', 'cancelled', 'expired', 'declined')",
            name="transfer_mail_state",
        ),
        CheckConstraint(
            "bank_line_id IS NULL OR state = 'deposited'", name="transfer_mail_tied_is_deposited"
        ),
        CheckConstraint("currency = 'CAD'", name="transfer_mail_currency"),
        Index(
            "transfer_mail_usable",
            "day",
            "id",
            sqlite_where=text("state = 'deposited' AND bank_line_id IS NULL"),
            postgresql_where=text("state = 'deposited' AND bank_line_id IS NULL"),
        ),
    )

    id: int | None = Field(default=None, sa_column=Column(RowNumber, primary_key=True))
    interac_reference: str = Field(max_length=35, unique=True)
    state: TransferState = Field(sa_type=EnumText(TransferState, 16, "transfer_mail.state"))
    day: date
    amount_minor: int | None = Field(default=None, sa_type=BigInteger)
    currency: str = Field(max_length=3)
    sender_name: str = Field(max_length=200)
    # The sender's name in lower case and without accents, for searching.
    sender_key: str = Field(max_length=400, index=True)
    sender_email: str = Field(max_length=254)
    message: str = Field(max_length=2_000)
    language: str = Field(max_length=16)
    bank_line_id: int | None = Field(
        default=None, foreign_key="bank_line.id", sa_type=BigInteger, unique=True
    )
    recorded_at: datetime = Field(sa_type=UtcDateTime)

    @property
    def amount(self) -> Money | None:
        """The amount; None if only a cancellation, an expiry or a refusal is known."""
        return None if self.amount_minor is None else Money(self.amount_minor, self.currency)


class TransferMailFile(SQLModel, table=True):
    """An e-mail from Interac. Its exact bytes are kept, because the signature covers them."""

    __tablename__ = "transfer_mail_file"
    __table_args__ = (
        UniqueConstraint("transfer_mail_id", "kind", name="transfer_mail_file_kind_once"),
        CheckConstraint(
            "(mail_check = 'counted') = (transfer_mail_id IS NOT NULL)",
            name="transfer_mail_file_counted_has_a_transfer",
        ),
        CheckConstraint(
            "mail_check IN ('waiting', 'counted', 'wrong', 'contradictory')",
            name="transfer_mail_file_check",
        ),
        CheckConstraint(
            "(mail_check = 'waiting') = (check_due_at IS NOT NULL)",
            name="transfer_mail_file_waiting_is_due",
        ),
        Index(
            "transfer_mail_file_due",
            "check_due_at",
            sqlite_where=text("mail_check = 'waiting'"),
            postgresql_where=text("mail_check = 'waiting'"),
        ),
    )

    id: int | None = Field(default=None, sa_column=Column(RowNumber, primary_key=True))
    sha256: str = Field(max_length=64, unique=True)
    content: bytes
    kind: MailKind = Field(sa_type=EnumText(MailKind, 16, "transfer_mail_file.kind"))
    mail_check: MailCheck = Field(sa_type=EnumText(MailCheck, 16, "transfer_mail_file.mail_check"))
    selector: str = Field(max_length=63)
    transfer_mail_id: int | None = Field(
        default=None, foreign_key="transfer_mail.id", sa_type=BigInteger
    )
    check_tries: int = 0
    check_due_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    checked_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    added_by: str = Field(max_length=64)
    added_at: datetime = Field(sa_type=UtcDateTime)


class TransferMailKey(SQLModel, table=True):
    """A public key of Interac that was fetched from DNS, so that later checks need no network."""

    __tablename__ = "transfer_mail_key"

    selector: str = Field(primary_key=True, max_length=63)
    record: str = Field(max_length=2_000)
    fetched_at: datetime = Field(sa_type=UtcDateTime)


FINAL_STATES: Final = frozenset(TransferState) - {TransferState.OFFERED}
"""States that later e-mails do not change."""

STATE_OF: Final = {
    MailKind.CLAIM: TransferState.OFFERED,
    MailKind.REMINDER: TransferState.OFFERED,
    MailKind.DEPOSITED: TransferState.DEPOSITED,
    MailKind.CANCELLED: TransferState.CANCELLED,
    MailKind.EXPIRED: TransferState.EXPIRED,
    MailKind.DECLINED: TransferState.DECLINED,
}
"""Maps each kind of e-mail to the state of a transfer about which only this e-mail is known."""
