"""From which network a donor opened a gift. It is kept for a short time, and only for limits."""

import uuid
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import CheckConstraint, Index
from sqlmodel import Field, Session, SQLModel, col, delete

from donate.clock import Clock
from donate.storage.bulk_writes import count_changed
from donate.storage.column_types import UtcDateTime
from donate.storage.database import Database
from donate.web.limits.networks import wide_network_of

# The last e-mail that a stranger can cause follows a week after the gift at the latest.
KEPT: Final = timedelta(days=8)
EVERY: Final = timedelta(hours=1)


class GiftOrigin(SQLModel, table=True):
    """The network from which a gift was opened: an IPv4 address or an IPv6 /48."""

    __tablename__ = "gift_origin"
    __table_args__ = (
        CheckConstraint("network <> ''", name="gift_origin_has_a_network"),
        Index("gift_origin_opened", "opened_at"),
    )

    gift_id: uuid.UUID = Field(primary_key=True, foreign_key="gift.id")
    network: str = Field(max_length=64)
    opened_at: datetime = Field(sa_type=UtcDateTime)


def record_origin(session: Session, gift_id: uuid.UUID, address: str, *, now: datetime) -> None:
    """Record from which network address a new gift was opened."""
    session.add(GiftOrigin(gift_id=gift_id, network=wide_network_of(address), opened_at=now))


def origin_of(session: Session, gift_id: uuid.UUID) -> str:
    """Return the network from which a gift was opened; empty if it is not known any more."""
    origin = session.get(GiftOrigin, gift_id)
    return origin.network if origin else ""


class OriginForgetter:
    """The background job that deletes old origins."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._ran_at: datetime | None = None

    def forget_due(self) -> int:
        """Once an hour, delete the origins older than KEPT; return how many were deleted."""
        now = self._clock.now()
        if self._ran_at and self._ran_at <= now < self._ran_at + EVERY:
            return 0
        self._ran_at = now
        old = delete(GiftOrigin).where(col(GiftOrigin.opened_at) <= now - KEPT)
        with self._database.writing() as session:
            return count_changed(session, old)
