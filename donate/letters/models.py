"""The letters that are due, were sent, or could not be sent. Whom to and what they say is not kept.

Both follow from the gift at the moment of sending, so that nothing stale and no second copy of a
donor's data lies about.
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
    """How far a letter has come."""

    WAITING = "waiting"  # to be sent at `due_at`
    SENT = "sent"  # the mail server took it
    UNTRUE = "untrue"  # what it says was no longer so when it would have been sent
    SET_ASIDE = "set_aside"  # the mail server will not take it; staff decide
    DISMISSED = "dismissed"  # was set aside, and staff decided that nothing is to be done


class Letter(SQLModel, table=True):
    """One letter about one gift. `again` counts how often staff had it sent once more."""

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
    # The newest fact of the gift when a letter about transfers was handed over.
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
    """Return the row of a letter, due at once or at `due_at`."""
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
