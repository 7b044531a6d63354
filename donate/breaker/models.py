"""The tables of the breaker: counts for each minute, the switch, and the log of attacks."""

from datetime import datetime
from enum import IntEnum, StrEnum

from sqlalchemy import CheckConstraint, Column, Index, Integer, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from donate.storage.column_types import EnumText, RowNumber, UtcDateTime

_IS_OPEN = text("ended_at IS NULL")


class Lane(StrEnum):
    """Gifts that share limits: those paid through Stripe, and those paid in another way."""

    STRIPE = "stripe"
    OTHER = "other"


class Level(IntEnum):
    """How the breaker treats gifts. A higher level is stricter."""

    CALM = 0
    CHALLENGED = 1
    PAUSED = 2


class SwitchPosition(StrEnum):
    """The positions of the staff's switch: decide automatically, or stay at one level."""

    AUTOMATIC = "automatic"
    PAUSE = "pause"
    CALM = "calm"


class AttemptCount(SQLModel, table=True):
    """How often something happened within one minute; `counters.py` has the names."""

    __tablename__ = "attempt_count"
    __table_args__ = (
        Index("attempt_count_old", "minute"),
        CheckConstraint("count > 0", name="attempt_count_counts"),
    )

    name: str = Field(primary_key=True, max_length=100)
    minute: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    count: int


class BreakerSwitch(SQLModel, table=True):
    """One time that the switch was set. The newest row is in force.

    `set_by` is `staff:<id>`, or `shell` for the command line.
    """

    __tablename__ = "breaker_switch"
    __table_args__ = (
        CheckConstraint("position IN ('automatic', 'pause', 'calm')", name="switch_is_known"),
    )

    id: int | None = Field(default=None, sa_column=Column(RowNumber, primary_key=True))
    position: SwitchPosition = Field(
        sa_type=EnumText(SwitchPosition, 16, "breaker_switch.position")
    )
    set_by: str = Field(max_length=64)
    set_at: datetime = Field(sa_type=UtcDateTime)


class Attack(SQLModel, table=True):
    """A time during which a lane was not calm, or many attempts in it were refused.

    `level` is the lane's newest level. `opened`, `asked` (challenged) and `refused` count attempts;
    AttackNetwork has the same counts for each network.
    """

    __tablename__ = "attack"
    __table_args__ = (
        Index("attack_open", "ended_at", "id"),
        # If two processes notice an attack at once, only one of them can insert it.
        Index(
            "attack_one_at_a_time",
            "lane",
            unique=True,
            sqlite_where=_IS_OPEN,
            postgresql_where=_IS_OPEN,
        ),
        CheckConstraint("level BETWEEN 0 AND 2", name="attack_level_is_known"),
        CheckConstraint("ended_at >= began_at", name="attack_ends_after_it_began"),
    )

    id: int | None = Field(default=None, sa_column=Column(RowNumber, primary_key=True))
    lane: Lane = Field(sa_type=EnumText(Lane, 16, "attack.lane"))
    level: int
    began_at: datetime = Field(sa_type=UtcDateTime)
    ended_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    opened: int = 0
    asked: int = 0
    refused: int = 0


class AttackStep(SQLModel, table=True):
    """A change of level during an attack, and the counts of ten minutes that caused it.

    The counts are those of `levels.Pressure`.
    """

    __tablename__ = "attack_step"

    id: int | None = Field(default=None, sa_column=Column(RowNumber, primary_key=True))
    attack_id: int = Field(foreign_key="attack.id", index=True, sa_type=RowNumber)
    at: datetime = Field(sa_type=UtcDateTime)
    level: int
    unpaid: int
    declined: int
    asked: int
    refused: int


class AttackNetwork(SQLModel, table=True):
    """The attempts of one network during an attack.

    `minute` is the last minute in which it was challenged, counted from 1970.
    """

    __tablename__ = "attack_network"
    __table_args__ = (UniqueConstraint("attack_id", "network", name="attack_network_once"),)

    id: int | None = Field(default=None, sa_column=Column(RowNumber, primary_key=True))
    attack_id: int = Field(foreign_key="attack.id", sa_type=RowNumber)
    network: str = Field(max_length=64)
    minute: int = 0
    opened: int = 0
    asked: int = 0
    refused: int = 0
