"""The table of letters. It stores neither the recipient nor the text.

Both are taken from the gift when the letter is sent, so they are never stale and the donor's data
is not stored twice.
"""

import uuid
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from donate.gifts.models import RowNumber
from donate.storage.database import UtcDateTime


class LetterState(StrEnum):
    """The state of a letter."""

    WAITING = "waiting"  # to be sent at `due_at`
    SENT = "sent"  # the mail server accepted it
    UNTRUE = "untrue"  # it was no longer true when it was due
    SET_ASIDE = "set_aside"  # it could not be sent; staff decide
    DISMISSED = "dismissed"  # staff decided not to send it after it was set aside


class Letter(SQLModel, table=True):
    """One letter about one gift. `again` is 0 for the first, then counts the repeats by staff."""

    __table_args__ = (
        UniqueConstraint("gift_id", "kind", "occasion", "again", name="letter_once"),
        CheckConstraint("(state = 'sent') = (sent_at IS NOT NULL)", name="letter_sent_has_a_time"),
        Index("letter_due", "state", "due_at", "id"),
    )

    id: int | None = Field(default=None, sa_column=Column(RowNumber, primary_key=True))
    gift_id: uuid.UUID = Field(foreign_key="gift.id")
    kind: str = Field(max_length=32)
    occasion: str = Field(default="", max_length=255)
    again: int = 0
    asked_by: str = Field(default="service", max_length=64)
    state: str = Field(max_length=16)
    reason: str = Field(default="", max_length=200)
    tries: int = 0
    written_at: datetime = Field(sa_type=UtcDateTime)
    due_at: datetime = Field(sa_type=UtcDateTime)
    sent_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    # The id of the gift's newest fact when a letter about transfers was sent.
    knew: int | None = Field(default=None, sa_type=BigInteger)


def new_letter(
    gift_id: uuid.UUID,
    kind: str,
    occasion: str,
    *,
    now: datetime,
    again: int = 0,
    asked_by: str = "service",
    due_at: datetime | None = None,
) -> dict[str, Any]:
    """Return the row of a letter, due at `due_at` or now."""
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
