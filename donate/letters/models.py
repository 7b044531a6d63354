"""The table of e-mails ("letters"). It stores neither the recipient nor the text.

Both are computed from the gift when the e-mail is sent, so they are always up to date, and the
donor's data is stored only once.
"""

import uuid
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    UniqueConstraint,
)
from sqlmodel import Field, SQLModel

from donate.letters.kinds import LetterKind
from donate.storage.column_types import EnumText, RowNumber, UtcDateTime


class LetterState(StrEnum):
    """The state of an e-mail."""

    WAITING = "waiting"  # The e-mail will be sent at `due_at`.
    SENT = "sent"  # The mail server accepted the e-mail.
    UNTRUE = "untrue"  # What the e-mail says was no longer true when it was due.
    SET_ASIDE = "set_aside"  # The e-mail could not be sent; staff decide what to do.
    DISMISSED = "dismissed"  # Staff decided not to send an e-mail that was set aside.


class Letter(SQLModel, table=True):
    """One e-mail about one gift. `again` is 0 for the first one; repeats by staff count from 1."""

    __table_args__ = (
        UniqueConstraint("gift_id", "kind", "occasion", "again", name="letter_once"),
        CheckConstraint("(state = 'sent') = (sent_at IS NOT NULL)", name="letter_sent_has_a_time"),
        Index("letter_due", "state", "due_at", "id"),
    )

    id: int | None = Field(default=None, sa_column=Column(RowNumber, primary_key=True))
    gift_id: uuid.UUID = Field(foreign_key="gift.id")
    kind: LetterKind = Field(sa_type=EnumText(LetterKind, 32, "letter.kind"))
    occasion: str = Field(default="", max_length=255)
    again: int = 0
    asked_by: str = Field(default="service", max_length=64)
    state: LetterState = Field(sa_type=EnumText(LetterState, 16, "letter.state"))
    reason: str = Field(default="", max_length=200)
    tries: int = 0
    written_at: datetime = Field(sa_type=UtcDateTime)
    due_at: datetime = Field(sa_type=UtcDateTime)
    sent_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    # For e-mails about transfers: the id of the newest fact that the gift had when the e-mail was
    # sent.
    knew: int | None = Field(default=None, sa_type=BigInteger)


class ShareLimit(StrEnum):
    """A daily limit on the e-mails that strangers can cause."""

    MAILBOX = "mailbox"  # on e-mails to one mailbox
    NETWORK = "network"  # on e-mails about gifts that one network opened
    ALL = "all"  # on all such e-mails together


class LetterShare(SQLModel, table=True):
    """An e-mail that a stranger can cause, as it counts for the daily limits.

    It was sent at `taken_at`, or the limit `held_by` holds it back. Only a hash of the mailbox is
    stored.
    """

    __tablename__ = "letter_share"
    __table_args__ = (
        CheckConstraint(
            "(taken_at IS NULL) = (held_by IS NOT NULL)", name="letter_share_is_taken_or_held"
        ),
        CheckConstraint(
            "held_by IN ('mailbox', 'network', 'all')", name="letter_share_limit_is_known"
        ),
        Index("letter_share_of_mailbox", "mailbox_hash", "taken_at"),
        Index("letter_share_of_network", "network", "taken_at"),
        Index("letter_share_taken", "taken_at"),
        Index("letter_share_held", "held_by", "network"),
    )

    letter_id: int = Field(
        sa_column=Column(BigInteger, ForeignKey("letter.id"), primary_key=True, autoincrement=False)
    )
    mailbox_hash: str = Field(max_length=64)
    # The network that opened the gift; empty if it is not known any more.
    network: str = Field(max_length=64)
    taken_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    held_by: ShareLimit | None = Field(
        default=None, sa_type=EnumText(ShareLimit, 16, "letter_share.held_by")
    )


def new_letter(
    gift_id: uuid.UUID,
    kind: LetterKind,
    occasion: str,
    *,
    now: datetime,
    again: int = 0,
    asked_by: str = "service",
    due_at: datetime | None = None,
) -> dict[str, Any]:
    """Return the row of a new e-mail. It is due at `due_at`, or at once.

    The occasion tells e-mails of one kind apart (`kinds.py`). `again` counts repeats, and
    `asked_by` is the actor who requested the e-mail.
    """
    return {
        "gift_id": gift_id,
        "kind": kind,
        "occasion": occasion,
        "again": again,
        "asked_by": asked_by,
        "state": LetterState.WAITING,
        "reason": "",
        "tries": 0,
        "written_at": now,
        "due_at": due_at or now,
    }
