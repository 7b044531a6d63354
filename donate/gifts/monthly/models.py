"""The table of pledges. Each row is computed from the facts of the pledge's first gift."""

import uuid
from datetime import date, datetime

from sqlalchemy import BigInteger, CheckConstraint, Index
from sqlmodel import Field, SQLModel

from donate.gifts.monthly.pledge_copy import PledgeStage
from donate.regions.modes import Mode
from donate.storage.column_types import EnumText, UtcDateTime


class PledgeRow(SQLModel, table=True):
    """A monthly gift: a cached copy of its stage, amount and dates, for lists and sums.

    The columns of the stage, the amount and the dates are those of `PledgeCopy`. The other columns
    never change.
    """

    __tablename__ = "pledge"
    __table_args__ = (
        CheckConstraint("amount_minor > 0", name="pledge_amount_is_positive"),
        # This index has all columns by which staff filter, so that filtering reads no table rows.
        Index("pledge_list", "stage", "started_at", "id", "mode", "code", "fund"),
        # This index has all columns needed to add up the amounts due in a month, so that no table
        # row is read.
        Index(
            "pledge_due",
            *("stage", "next_on", "currency", "amount_minor", "mode", "code", "fund"),
        ),
        Index("pledge_to_resume", "stage", "resumes_on"),
    )

    # The id of the gift that began the pledge.
    id: uuid.UUID = Field(primary_key=True, foreign_key="gift.id")
    code: str = Field(max_length=16)
    mode: Mode = Field(sa_type=EnumText(Mode, 32, "pledge.mode"))
    fund: str = Field(max_length=32)
    currency: str = Field(max_length=3)
    started_at: datetime = Field(sa_type=UtcDateTime)
    stage: PledgeStage = Field(sa_type=EnumText(PledgeStage, 16, "pledge.stage"))
    amount_minor: int = Field(sa_type=BigInteger)
    next_on: date | None = None
    resumes_on: date | None = None
    ends_on: date | None = None
