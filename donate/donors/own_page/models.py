"""The tables of requests for one-time links, and of the links and the sessions that they begin.

No token is stored, only its hash. A request is deleted as soon as it is dealt with, so the address
of somebody who never gave is kept for seconds.
"""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, Column, Index
from sqlmodel import Field, SQLModel

from donate.storage.column_types import RowNumber, UtcDateTime


class DonorLinkRequest(SQLModel, table=True):
    """A request to send a one-time link to an e-mail address, whether or not somebody gave there.

    The worker deals with it at `due_at`.
    """

    __tablename__ = "donor_link_request"
    __table_args__ = (
        CheckConstraint("tries >= 0", name="donor_link_request_tries_are_counted"),
        Index("donor_link_request_due", "due_at", "id"),
    )

    id: int | None = Field(default=None, sa_column=Column(RowNumber, primary_key=True))
    email: str = Field(max_length=254)
    # The language of the page on which the link was requested.
    language: str = Field(max_length=16)
    due_at: datetime = Field(sa_type=UtcDateTime)
    tries: int = 0


class DonorLink(SQLModel, table=True):
    """A one-time link to the gifts of one address. Using it begins a session, in the same row."""

    __tablename__ = "donor_link"
    __table_args__ = (
        CheckConstraint("expires_at > made_at", name="donor_link_expires_later"),
        CheckConstraint(
            "(used_at IS NULL) = (session_hash IS NULL) "
            "AND (used_at IS NULL) = (session_ends_at IS NULL)",
            name="donor_link_used_has_a_session",
        ),
        CheckConstraint("used_at < expires_at", name="donor_link_used_in_time"),
        Index("donor_link_of_mailbox", "mailbox", "made_at"),
        Index("donor_link_made", "made_at"),
    )

    id: int | None = Field(default=None, sa_column=Column(RowNumber, primary_key=True))
    token_hash: str = Field(max_length=64, unique=True)
    # The profile whose own address got the link.
    profile_id: int = Field(foreign_key="donor_profile.id", sa_type=BigInteger)
    # The mailbox of the address, as `mailboxes.folded_mailbox` returns it, to limit links to it.
    mailbox: str = Field(max_length=254)
    made_at: datetime = Field(sa_type=UtcDateTime)
    expires_at: datetime = Field(sa_type=UtcDateTime)
    used_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    session_hash: str | None = Field(default=None, max_length=64, unique=True)
    session_ends_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
