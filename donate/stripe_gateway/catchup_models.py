"""How far catch-ups have come, and when Stripe's webhooks were last heard."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Column
from sqlmodel import Field, SQLModel

from donate.database import UtcDateTime
from donate.gifts.models import RowNumber


class CatchupRun(SQLModel, table=True):
    """One look at what Stripe lists; kept up to date page by page, so that it can be resumed."""

    __tablename__ = "catchup_run"

    id: int | None = Field(default=None, sa_column=Column(RowNumber, primary_key=True))
    since: datetime = Field(sa_type=UtcDateTime)
    started_at: datetime = Field(sa_type=UtcDateTime)
    finished_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    stretch: int = 0  # the place in the plan
    cursor: str = Field(default="", max_length=255)  # the last object of the page before
    pages: int = 0
    events: int = 0  # how many were looked at
    objects: int = 0
    inbox_before: int = Field(default=0, sa_type=RowNumber)  # the newest event when it began
    missed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)  # see hearing.py
    # Minor units for each currency, {"CAD": {"listed": 5000, "recorded": 5000, "payments": 1}},
    # and a sentence for each gift or object that differs.
    totals: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)
    differing: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)


class WebhookHeard(SQLModel, table=True):
    """One row: when a verified webhook last came, to the minute."""

    __tablename__ = "webhook_heard"

    id: int = Field(default=1, primary_key=True)
    heard_at: datetime = Field(sa_type=UtcDateTime)
