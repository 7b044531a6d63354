"""The table of saved views."""

from datetime import datetime

from sqlalchemy import BigInteger, Column, UniqueConstraint
from sqlmodel import Field, SQLModel

from donate.storage.column_types import RowNumber, UtcDateTime


class SavedView(SQLModel, table=True):
    """The filters, order and columns of the gift list, saved by a member of staff."""

    __tablename__ = "saved_view"
    __table_args__ = (UniqueConstraint("staff_id", "name", name="saved_view_name_once"),)

    id: int | None = Field(default=None, sa_column=Column(RowNumber, primary_key=True))
    staff_id: int = Field(foreign_key="staff.id", sa_type=BigInteger)
    name: str = Field(max_length=60)
    # The query string of the gift list, without the question mark.
    query: str = Field(max_length=4000)
    # Increased by each change, so that a form with an older version is detected.
    version: int = 1
    changed_at: datetime = Field(sa_type=UtcDateTime)
