"""The table of learned shapes."""

from datetime import datetime

from sqlalchemy import CheckConstraint, Column, Index, text
from sqlmodel import Field, SQLModel

from donate.storage.column_types import RowNumber, UtcDateTime

_IN_FORCE = text("forgotten_at IS NULL")


class LearnedShape(SQLModel, table=True):
    """A mapping of a file's columns, made by a person. A forgotten one is kept but no longer used.

    `name` identifies it on the command line and in imported files, and never changes. `mapping` is
    the shape as `shape_to_json` returns it; its title may be outdated. `fingerprint` recognises the
    files.
    """

    __tablename__ = "learned_shape"
    __table_args__ = (
        CheckConstraint(
            "(forgotten_at IS NULL) = (forgotten_by = '')",
            name="learned_shape_forgotten_by_somebody",
        ),
        Index(
            "learned_shape_by_name",
            "name",
            unique=True,
            sqlite_where=_IN_FORCE,
            postgresql_where=_IN_FORCE,
        ),
        Index(
            "learned_shape_by_fingerprint",
            "fingerprint",
            unique=True,
            sqlite_where=_IN_FORCE,
            postgresql_where=_IN_FORCE,
        ),
    )

    id: int | None = Field(default=None, sa_column=Column(RowNumber, primary_key=True))
    name: str = Field(max_length=60)
    title: str = Field(max_length=100)
    fingerprint: str = Field(max_length=64)
    mapping: str
    learned_by: str = Field(max_length=64)
    learned_at: datetime = Field(sa_type=UtcDateTime)
    forgotten_by: str = Field(default="", max_length=64)
    forgotten_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
