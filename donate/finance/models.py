"""The tables of staff: accounts, sessions, tokens, failed sign-ins, and the trail."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, BigInteger, CheckConstraint, Column, Index
from sqlmodel import Field, SQLModel

from donate.storage.column_types import EnumText, RowNumber, UtcDateTime


class Role(StrEnum):
    """The role of a member of staff, which decides what they may do."""

    VIEWER = "viewer"  # A viewer sees gifts.
    FINANCE = "finance"  # Finance staff also mark transfers, refund gifts and decide about events.


class Staff(SQLModel, table=True):
    """A member of staff."""

    __table_args__ = (CheckConstraint("email = lower(email)", name="staff_email_is_lower_case"),)

    id: int | None = Field(default=None, sa_column=Column(RowNumber, primary_key=True))
    email: str = Field(max_length=254, unique=True)
    name: str = Field(max_length=200)
    role: Role = Field(sa_type=EnumText(Role, 16, "staff.role"))
    password_hash: str = Field(max_length=500)
    added_at: datetime = Field(sa_type=UtcDateTime)
    disabled_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class StaffSession(SQLModel, table=True):
    """The session of a signed-in browser. Only a hash of its cookie is stored."""

    __tablename__ = "staff_session"

    token_hash: str = Field(primary_key=True, max_length=64)
    staff_id: int = Field(foreign_key="staff.id", sa_type=BigInteger, index=True)
    csrf_token: str = Field(max_length=64)
    signed_in_at: datetime = Field(sa_type=UtcDateTime)
    last_seen_at: datetime = Field(sa_type=UtcDateTime)
    expires_at: datetime = Field(sa_type=UtcDateTime)


class StaffToken(SQLModel, table=True):
    """A token with which a program reads gifts as a member of staff. Only its hash is stored."""

    __tablename__ = "staff_token"

    token_hash: str = Field(primary_key=True, max_length=64)
    staff_id: int = Field(foreign_key="staff.id", sa_type=BigInteger, index=True)
    added_at: datetime = Field(sa_type=UtcDateTime)


class SignInFailure(SQLModel, table=True):
    """A failed sign-in. It is kept for a while, to slow down password guessing."""

    __tablename__ = "sign_in_failure"
    __table_args__ = (
        Index("sign_in_failure_by_email", "email", "address", "failed_at"),
        Index("sign_in_failure_by_address", "address", "failed_at"),
    )

    id: int | None = Field(default=None, sa_column=Column(RowNumber, primary_key=True))
    email: str = Field(max_length=254)
    address: str = Field(max_length=64)
    failed_at: datetime = Field(sa_type=UtcDateTime)


class StaffAct(SQLModel, table=True):
    """A trail entry: an action by staff or a refused request. Entries are only added."""

    __tablename__ = "staff_act"
    __table_args__ = (Index("staff_act_newest", "happened_at"),)

    id: int | None = Field(default=None, sa_column=Column(RowNumber, primary_key=True))
    staff_id: int | None = Field(default=None, foreign_key="staff.id", sa_type=BigInteger)
    act: str = Field(max_length=64)
    about: str = Field(default="", max_length=255)
    address: str = Field(default="", max_length=64)
    happened_at: datetime = Field(sa_type=UtcDateTime)
    detail: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)
