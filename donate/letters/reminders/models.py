"""The tables of what donors decided about reminders, and of old links to that page."""

import uuid
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Column, Index
from sqlmodel import Field, SQLModel

from donate.storage.column_types import EnumText, RowNumber, UtcDateTime


class ReminderChannel(StrEnum):
    """How a donor told us their decision about reminders."""

    PAGE = "page"  # The donor pressed a button on our page.
    ONE_CLICK = "one_click"  # The donor's mail provider sent the request (RFC 8058).


class ReminderChoice(SQLModel, table=True):
    """A donor's decision to get reminders or none. Rows are only added; the newest one counts.

    Only a hash of the e-mail address is stored, so that the decision outlives the donor's data.
    `gift_id` is the gift whose e-mail had the link.
    """

    __tablename__ = "reminder_choice"
    __table_args__ = (Index("reminder_choice_by_address", "address_hash", "id"),)

    id: int | None = Field(default=None, sa_column=Column(RowNumber, primary_key=True))
    address_hash: str = Field(max_length=64)
    wants_reminders: bool
    gift_id: uuid.UUID = Field(foreign_key="gift.id")
    channel: ReminderChannel = Field(
        sa_type=EnumText(ReminderChannel, 16, "reminder_choice.channel")
    )
    chosen_at: datetime = Field(sa_type=UtcDateTime)


class OldStopLink(SQLModel, table=True):
    """A link to the page about reminders that was sent before the migration 0040.

    Later links are computed from the gift (`gifts/links/gift_links.py`). Only a hash is stored.
    """

    __tablename__ = "old_stop_link"

    token_hash: str = Field(primary_key=True, max_length=64)
    gift_id: uuid.UUID = Field(foreign_key="gift.id")
