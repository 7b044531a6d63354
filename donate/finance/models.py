"""The tables for staff: accounts, sessions, second factors, failed sign-ins, and the trail."""

from datetime import datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    UniqueConstraint,
    text,
)
from sqlmodel import Field, SQLModel

from donate.finance.roles import Role
from donate.storage.column_types import EnumText, RowNumber, UtcDateTime


class Staff(SQLModel, table=True):
    """A member of staff.

    `password_hash` is empty until the person has set a password. `version` is increased whenever an
    admin changes the account, so that one admin cannot overwrite what another has just changed.
    """

    __table_args__ = (CheckConstraint("email = lower(email)", name="staff_email_is_lower_case"),)

    id: int | None = Field(default=None, sa_column=Column(RowNumber, primary_key=True))
    email: str = Field(max_length=254, unique=True)
    name: str = Field(max_length=200)
    role: Role = Field(sa_type=EnumText(Role, 16, "staff.role"))
    language: str = Field(
        default="en-CA", max_length=16, sa_column_kwargs={"server_default": text("'en-CA'")}
    )
    password_hash: str = Field(max_length=500)
    added_at: datetime = Field(sa_type=UtcDateTime)
    disabled_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    signed_in_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    version: int = Field(default=1, sa_column_kwargs={"server_default": text("1")})


class StaffSession(SQLModel, table=True):
    """A session of a signed-in browser. Only the hash of its cookie is stored.

    `second_factor_at` is the time when the person proved their second factor in this session, or
    None. `proved_at` is the time when they last proved all that signing in needs, or None.
    """

    __tablename__ = "staff_session"

    token_hash: str = Field(primary_key=True, max_length=64)
    staff_id: int = Field(foreign_key="staff.id", sa_type=BigInteger, index=True)
    csrf_token: str = Field(max_length=64)
    signed_in_at: datetime = Field(sa_type=UtcDateTime)
    last_seen_at: datetime = Field(sa_type=UtcDateTime)
    expires_at: datetime = Field(sa_type=UtcDateTime)
    second_factor_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    proved_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    address: str = Field(default="", max_length=64, sa_column_kwargs={"server_default": text("''")})
    browser: str = Field(default="", max_length=64, sa_column_kwargs={"server_default": text("''")})


class StaffDevice(SQLModel, table=True):
    """A browser in which a person signed in. Only the hash of its cookie is stored.

    It gives no access. Guesses from elsewhere do not slow down a sign-in from such a browser.
    """

    __tablename__ = "staff_device"
    __table_args__ = (Index("staff_device_ends", "expires_at"),)

    token_hash: str = Field(primary_key=True, max_length=64)
    staff_id: int = Field(
        sa_column=Column(
            BigInteger, ForeignKey("staff.id"), primary_key=True, autoincrement=False, index=True
        )
    )
    expires_at: datetime = Field(sa_type=UtcDateTime)


class StaffToken(SQLModel, table=True):
    """A token with which a program may read gifts on behalf of a member of staff.

    Only its hash is stored.
    """

    __tablename__ = "staff_token"

    token_hash: str = Field(primary_key=True, max_length=64)
    staff_id: int = Field(foreign_key="staff.id", sa_type=BigInteger, index=True)
    added_at: datetime = Field(sa_type=UtcDateTime)


class StaffInvitation(SQLModel, table=True):
    """A link with which a person sets their password. Only a hash of its token is stored."""

    __tablename__ = "staff_invitation"

    token_hash: str = Field(primary_key=True, max_length=64)
    staff_id: int = Field(foreign_key="staff.id", sa_type=BigInteger, index=True)
    expires_at: datetime = Field(sa_type=UtcDateTime)


class SecondFactor(SQLModel, table=True):
    """The encrypted secret from which a person's app computes codes.

    The second factor is required only once a first code has confirmed it. `last_step` is the time
    step of the last accepted code. Codes from that step and from earlier steps are refused.
    """

    __tablename__ = "second_factor"

    staff_id: int = Field(
        sa_column=Column(BigInteger, ForeignKey("staff.id"), primary_key=True, autoincrement=False)
    )
    secret: str = Field(max_length=300)
    confirmed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    last_step: int = Field(default=0, sa_type=BigInteger)


class RecoveryCode(SQLModel, table=True):
    """A code that works once, in place of a code from the app. Only its hash is stored."""

    __tablename__ = "recovery_code"

    code_hash: str = Field(primary_key=True, max_length=64)
    staff_id: int = Field(foreign_key="staff.id", sa_type=BigInteger, index=True)
    used_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class PendingSignIn(SQLModel, table=True):
    """A sign-in that still needs the second factor. Until then it gives no access to anything.

    `proved_at` is the time when the person proved the first factor, or None if it is not known.
    """

    __tablename__ = "pending_sign_in"

    token_hash: str = Field(primary_key=True, max_length=64)
    staff_id: int = Field(foreign_key="staff.id", sa_type=BigInteger, index=True)
    target: str = Field(max_length=500)
    proved_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    expires_at: datetime = Field(sa_type=UtcDateTime)


class ProviderSignIn(SQLModel, table=True):
    """A sign-in that a browser has begun at the identity provider. It is deleted once it is used.

    `browser_hash` is the hash of a cookie, so that only the same browser can finish the sign-in.
    `fresh_since` is set if the person has to sign in there anew, and not earlier than then.
    """

    __tablename__ = "provider_sign_in"
    __table_args__ = (Index("provider_sign_in_by_address", "address", "expires_at"),)

    state_hash: str = Field(primary_key=True, max_length=64)
    browser_hash: str = Field(max_length=64)
    nonce: str = Field(max_length=64)
    code_verifier: str = Field(max_length=64)
    target: str = Field(max_length=500)
    address: str = Field(max_length=64)
    fresh_since: datetime | None = Field(default=None, sa_type=UtcDateTime)
    expires_at: datetime = Field(sa_type=UtcDateTime)


class ProviderAccount(SQLModel, table=True):
    """Whose an account at the identity provider is. `subject` is the `sub` of its ID tokens.

    A person has one account at each issuer. Another account there is not theirs, even if it has
    their e-mail address.
    """

    __tablename__ = "provider_account"
    __table_args__ = (
        CheckConstraint("issuer <> '' AND subject <> ''", name="provider_account_is_named"),
        UniqueConstraint("staff_id", "issuer", name="provider_account_of_a_person"),
    )

    issuer: str = Field(primary_key=True, max_length=500)
    subject: str = Field(primary_key=True, max_length=255)
    staff_id: int = Field(foreign_key="staff.id", sa_type=BigInteger)
    tied_at: datetime = Field(sa_type=UtcDateTime)


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


def _done(name: str, *columns: str) -> Index:
    is_done = text("act <> 'refused'")
    return Index(name, *columns, sqlite_where=is_done, postgresql_where=is_done)


class StaffAct(SQLModel, table=True):
    """A trail entry: an action of a member of staff, or a refused request.

    Entries are only added.
    """

    __tablename__ = "staff_act"
    __table_args__ = (
        Index("staff_act_by_kind", "act", "happened_at", "id"),
        Index("staff_act_by_person_and_kind", "staff_id", "act", "happened_at", "id"),
        Index("staff_act_by_subject", "about", "happened_at", "id"),
        Index("staff_act_by_address", "address", "happened_at", "id"),
        # These two leave out refused requests, which the activity page lists separately.
        _done("staff_act_done", "happened_at", "id"),
        _done("staff_act_done_by_person", "staff_id", "happened_at", "id"),
    )

    id: int | None = Field(default=None, sa_column=Column(RowNumber, primary_key=True))
    staff_id: int | None = Field(default=None, foreign_key="staff.id", sa_type=BigInteger)
    act: str = Field(max_length=64)
    about: str = Field(default="", max_length=255)
    address: str = Field(default="", max_length=64)
    happened_at: datetime = Field(sa_type=UtcDateTime)
    detail: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)
