"""The table of e-mails ("letters"). It stores neither the recipient nor the text.

Both are computed from the gift when the e-mail is sent, so they are always up to date, and the
donor's data is stored only once.
"""

import uuid
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from donate.letters.kinds import LetterKind
from donate.storage.column_types import EnumText, RowNumber, UtcDateTime


class LetterState(StrEnum):
    """The state of an e-mail."""

    WAITING = "waiting"  # The e-mail will be sent at `due_at`.
    SENT = "sent"  # The mail server accepted the e-mail.
    UNTRUE = "untrue"  # The e-mail was no longer true when it was due.
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
    """Return the row of a new e-mail. It is due at `due_at`, or at once."""
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
