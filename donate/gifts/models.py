"""The tables of donors, gifts and facts.

The models check no values. The module `choice` and the database check them.
`donate/storage/migrations` creates the tables. A test checks that the models match the migrations.
"""

import uuid
from collections.abc import Iterable
from datetime import date, datetime
from typing import Any, cast

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    UniqueConstraint,
    false,
    text,
)
from sqlmodel import Field, SQLModel

from donate.gifts.donor_profiles.models import DonorProfile
from donate.gifts.evidence import Evidence
from donate.gifts.facts import Fact, FactKind
from donate.gifts.status import StatusName
from donate.money import Money
from donate.regions.modes import Mode
from donate.regions.terms import Frequency
from donate.storage.bulk_writes import table_of
from donate.storage.column_types import EnumText, RowNumber, UtcDateTime

_BEGINS_PLEDGE = text("pledge_id = id")
_IS_RECEIVED = text("received_on IS NOT NULL")
_IS_FLAGGED = text("flags <> ''")
_IS_ANNOUNCED = text("transfer_announced")
_IS_ANNOUNCED_IN_SQLITE = text("transfer_announced = 1")


class Donor(SQLModel, table=True):
    """A person or organisation that gives, as entered with one gift."""

    id: int | None = Field(default=None, sa_column=Column(RowNumber, primary_key=True))
    name: str = Field(max_length=200)
    email: str = Field(max_length=254, index=True)
    country: str = Field(max_length=2)
    language: str = Field(max_length=16)


class Gift(SQLModel, table=True):
    """A gift: what the donor chose, and a cached copy of the status computed from its facts."""

    __table_args__ = (
        CheckConstraint("amount_minor > 0", name="gift_amount_is_positive"),
        CheckConstraint("length(currency) = 3", name="gift_currency_is_a_code"),
        CheckConstraint(
            "received_minor >= 0 AND returned_minor >= 0 "
            "AND net_minor >= 0 AND net_minor <= received_minor",
            name="gift_net_is_within_received",
        ),
        # A foreign key of gift_fact refers to both columns, so each fact has its gift's currency.
        UniqueConstraint("id", "currency", name="gift_id_and_currency"),
        Index("gift_newest", "opened_at", "id"),
        # Indexes for the sort orders of the staff's list. Each ends with the id, so that the order
        # is unambiguous.
        Index("gift_by_status", "status", "opened_at", "id"),
        Index("gift_by_day_received", "received_on", "id"),
        Index("gift_by_amount", "currency", "amount_minor", "id"),
        # Through these indexes, the staff's list finds the gifts with a rare value. It then sorts
        # them.
        Index("gift_by_mode", "mode"),
        Index("gift_by_code", "code"),
        Index("gift_by_fund", "fund"),
        Index("gift_by_language", "language"),
        Index("gift_flagged", "flags", sqlite_where=_IS_FLAGGED, postgresql_where=_IS_FLAGGED),
        Index(
            "gift_announced",
            "id",
            sqlite_where=_IS_ANNOUNCED_IN_SQLITE,
            postgresql_where=_IS_ANNOUNCED,
        ),
        Index("gift_by_profile", "profile_id", "opened_at", "id"),
        Index(
            "gift_received_by_profile",
            *("profile_id", "received_on"),
            sqlite_where=_IS_RECEIVED,
            postgresql_where=_IS_RECEIVED,
        ),
        Index(
            "gift_pledges_by_profile",
            *("profile_id", "opened_at", "id"),
            sqlite_where=_BEGINS_PLEDGE,
            postgresql_where=_BEGINS_PLEDGE,
        ),
    )

    id: uuid.UUID = Field(primary_key=True)
    reference: str = Field(max_length=32, unique=True)
    # Random, and part of the links to the gift's pages (`gifts/links/gift_links.py`).
    link_name: str = Field(max_length=64, unique=True)
    form_key: str = Field(max_length=128, unique=True)
    code: str = Field(max_length=16)
    mode: Mode = Field(sa_type=EnumText(Mode, 32, "gift.mode"))
    frequency: Frequency = Field(sa_type=EnumText(Frequency, 16, "gift.frequency"))
    # The key of one of the region's funds; empty if the donor chose none.
    fund: str = Field(default="", max_length=32, sa_column_kwargs={"server_default": text("''")})
    amount_minor: int = Field(sa_type=BigInteger)
    currency: str = Field(max_length=3)
    language: str = Field(max_length=16)
    time_zone: str = Field(max_length=64)
    donor_id: int = Field(foreign_key="donor.id", sa_type=BigInteger)
    # The donor profile of the donor's e-mail address. It never changes, because staff merge
    # profiles and move no gifts. Every gift has one. The column allows NULL only because SQLite
    # cannot add a NOT NULL column that refers to a table.
    profile_id: int | None = Field(
        default=None, sa_column=Column(BigInteger, ForeignKey(table_of(DonorProfile).c.id))
    )
    # The id of the pledge's first gift. The first gift has its own id here, a one-time gift None.
    pledge_id: uuid.UUID | None = Field(default=None, foreign_key="gift.id", index=True)
    opened_at: datetime = Field(sa_type=UtcDateTime)
    opened_on: date

    status: StatusName = Field(sa_type=EnumText(StatusName, 32, "gift.status"))
    received_minor: int = Field(default=0, sa_type=BigInteger)
    returned_minor: int = Field(default=0, sa_type=BigInteger)
    net_minor: int = Field(default=0, sa_type=BigInteger)
    received_on: date | None = None
    flags: str = Field(default="", max_length=200)
    # Whether the donor reported the transfer as sent.
    transfer_announced: bool = Field(default=False, sa_column_kwargs={"server_default": false()})

    @property
    def amount(self) -> Money:
        """The amount that the donor chose."""
        return Money(self.amount_minor, self.currency)

    @property
    def received(self) -> Money:
        """The amount received."""
        return Money(self.received_minor, self.currency)

    @property
    def net(self) -> Money:
        """The amount received, less refunds and disputes."""
        return Money(self.net_minor, self.currency)


class GiftWish(SQLModel, table=True):
    """The options of a gift, such as note and tribute. All gifts of a pledge share one row."""

    __tablename__ = "gift_wish"
    __table_args__ = (
        CheckConstraint("fee_cover_minor >= 0", name="gift_wish_cover_is_not_negative"),
        CheckConstraint(
            "(tribute_kind = '') = (tribute_name = '')", name="gift_wish_tribute_has_a_name"
        ),
        CheckConstraint("length(note) <= 500", name="gift_wish_note_is_short"),
    )

    gift_id: uuid.UUID = Field(primary_key=True, foreign_key="gift.id")
    is_anonymous: bool
    note: str = Field(max_length=500)
    tribute_kind: str = Field(max_length=16)
    tribute_name: str = Field(max_length=200)
    # The part of the gift's amount that the donor added to cover the fee.
    fee_cover_minor: int = Field(sa_type=BigInteger)


class GiftFact(SQLModel, table=True):
    """One fact about one gift. A database trigger refuses to update or delete a fact."""

    __tablename__ = "gift_fact"
    __table_args__ = (
        UniqueConstraint("kind", "source_id", name="gift_fact_once"),
        ForeignKeyConstraint(
            ["gift_id", "currency"], ["gift.id", "gift.currency"], name="gift_fact_in_currency"
        ),
        CheckConstraint("amount_minor > 0", name="gift_fact_amount_is_positive"),
        CheckConstraint(
            "(amount_minor IS NULL) = (currency IS NULL)", name="gift_fact_amount_has_currency"
        ),
        Index("gift_fact_of_gift", "gift_id", "kind"),
        Index("gift_fact_newest", "recorded_at"),
        Index("gift_fact_newest_of_kind", "kind", "recorded_at"),
    )

    id: int | None = Field(default=None, sa_column=Column(RowNumber, primary_key=True))
    gift_id: uuid.UUID = Field(foreign_key="gift.id")
    kind: FactKind = Field(sa_type=EnumText(FactKind, 32, "gift_fact.kind"))
    source_id: str = Field(max_length=255)
    amount_minor: int | None = Field(default=None, sa_type=BigInteger)
    currency: str | None = Field(default=None, max_length=3)
    happened_at: datetime = Field(sa_type=UtcDateTime)
    recorded_at: datetime = Field(sa_type=UtcDateTime)
    actor: str = Field(max_length=64)
    evidence: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)

    def as_fact(self) -> Fact:
        """Return this row as a Fact value."""
        return Fact(
            kind=self.kind,
            source_id=self.source_id,
            happened_at=self.happened_at,
            actor=self.actor,
            amount_minor=self.amount_minor,
            currency=self.currency,
            evidence=cast(Evidence, self.evidence),
        )


def plain_facts(rows: Iterable[GiftFact]) -> list[Fact]:
    """Return database rows as Facts, in the same order."""
    return [row.as_fact() for row in rows]
