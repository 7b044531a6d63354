"""The tables of pledges, and of the changes that their donors are told about.

The row of a pledge is computed from the facts of its first gift.
"""

import uuid
from datetime import date, datetime

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from donate.gifts.monthly.news import NewsKind
from donate.gifts.monthly.pledge_copy import PledgeStage
from donate.regions.modes import Mode
from donate.storage.column_types import EnumText, RowNumber, UtcDateTime


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


class PledgeNews(SQLModel, table=True):
    """A change of a pledge about which the donor gets an e-mail.

    `gift_id` is the pledge's first gift. `source_id` is the source of the `pledge_changed` fact
    that brought the change, and `happened_at` the time of that fact.
    """

    __tablename__ = "pledge_news"
    __table_args__ = (
        UniqueConstraint("gift_id", "kind", "source_id", name="pledge_news_once"),
        CheckConstraint(
            "kind IN ('amount', 'paused', 'resumed', 'payment_method')",
            name="pledge_news_kind_is_known",
        ),
        Index("pledge_news_recorded", "recorded_at"),
    )

    id: int | None = Field(default=None, sa_column=Column(RowNumber, primary_key=True))
    gift_id: uuid.UUID = Field(foreign_key="gift.id")
    kind: NewsKind = Field(sa_type=EnumText(NewsKind, 16, "pledge_news.kind"))
    source_id: str = Field(max_length=255)
    happened_at: datetime = Field(sa_type=UtcDateTime)
    recorded_at: datetime = Field(sa_type=UtcDateTime)
