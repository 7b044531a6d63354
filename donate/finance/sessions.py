"""The sessions of staff. A cookie has a random token; the database stores only the token's hash."""

import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import bindparam
from sqlmodel import Session, col, delete, or_, select, update

from donate.errors import Unavailable
from donate.finance.models import Staff, StaffSession
from donate.finance.roles import Role
from donate.storage.bulk_writes import count_changed
from donate.web.languages import LANGUAGES, language_for
from donate.web.secret_tokens import hash_of

IDLE_LIMIT: Final = timedelta(minutes=60)
ABSOLUTE_LIMIT: Final = timedelta(hours=12)
# `last_seen_at` is updated at most this often. So an idle session may end this much too early.
SEEN_EVERY: Final = timedelta(minutes=1)
FRESH_FOR: Final = timedelta(minutes=5)
"""For how long a proof of who somebody is allows changes of how people sign in."""
_BY_TOKEN: Final = (
    select(StaffSession, Staff)
    .join(Staff, col(Staff.id) == col(StaffSession.staff_id))
    .where(
        StaffSession.token_hash == bindparam("token_hash"),
        col(StaffSession.expires_at) > bindparam("now"),
        col(StaffSession.last_seen_at) > bindparam("seen_after"),
        col(Staff.disabled_at).is_(None),
    )
)


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A member of staff who is signed in, with the details of their session.

    `page` is the URL of the page in the browser: the one that was requested, or the one whose form
    was sent.
    """

    staff_id: int
    name: str
    email: str
    role: Role
    csrf_token: str = field(repr=False)
    token_hash: str = field(repr=False)
    last_seen_at: datetime
    language: str = LANGUAGES[0]
    page: str = "/finance"
    second_factor_at: datetime | None = None
    proved_at: datetime | None = None

    @property
    def actor(self) -> str:
        """The name of this person in the recorded facts, such as `staff:7`."""
        return f"staff:{self.staff_id}"

    def may(self, needed: Role) -> bool:
        """Return whether this person's role includes the permissions of the role `needed`."""
        return self.role.may(needed)

    def has_fresh_proof(self, now: datetime) -> bool:
        """Return whether this person has proved a short while ago who they are."""
        return self.proved_at is not None and now - self.proved_at < FRESH_FOR


def start_session(
    session: Session,
    staff_id: int,
    *,
    now: datetime,
    second_factor_at: datetime | None = None,
    proved_at: datetime | None = None,
    address: str = "",
    browser: str = "",
) -> str:
    """Start a session, and delete expired sessions.

    `proved_at` is when the person proved all that signing in needs; None if it is not known.
    Returns the session's token, which is not stored itself.
    """
    session.execute(
        delete(StaffSession).where(
            or_(
                col(StaffSession.expires_at) <= now,
                col(StaffSession.last_seen_at) <= now - IDLE_LIMIT,
            )
        )
    )
    token = secrets.token_urlsafe(32)
    session.add(
        StaffSession(
            token_hash=hash_of(token),
            staff_id=staff_id,
            csrf_token=secrets.token_urlsafe(32),
            signed_in_at=now,
            last_seen_at=now,
            expires_at=now + ABSOLUTE_LIMIT,
            second_factor_at=second_factor_at,
            proved_at=proved_at,
            address=address,
            browser=browser,
        )
    )
    return token


def find_session(session: Session, token: str, *, now: datetime) -> SignedIn | None:
    """Return the member of staff whose session has this token.

    Returns None if the session has expired or the member of staff is disabled.
    """
    if not token:
        return None
    sought = {"token_hash": hash_of(token), "now": now, "seen_after": now - IDLE_LIMIT}
    match = session.exec(_BY_TOKEN, params=sought).one_or_none()
    if match is None:
        return None
    row, staff = match
    return SignedIn(
        staff_id=row.staff_id,
        name=staff.name,
        email=staff.email,
        role=staff.role,
        csrf_token=row.csrf_token,
        token_hash=row.token_hash,
        last_seen_at=row.last_seen_at,
        language=language_for(staff.language, None, LANGUAGES),
        second_factor_at=row.second_factor_at,
        proved_at=row.proved_at,
    )


def mark_seen(session: Session, token_hash: str, *, now: datetime) -> None:
    """Record that a session has just been used, so that its idle time starts again."""
    row = session.get(StaffSession, token_hash)
    if row:
        row.last_seen_at = max(row.last_seen_at, now)


def renew_session(
    session: Session, me: SignedIn, *, now: datetime, with_second_factor: bool
) -> str:
    """Record that this person has just proved who they are. Return the session's new token.

    The old token ends. Raises Unavailable if the session ended meanwhile.
    """
    token = secrets.token_urlsafe(32)
    changes: dict[str, object] = {"token_hash": hash_of(token), "proved_at": now}
    if with_second_factor:
        changes["second_factor_at"] = now
    renew = (
        update(StaffSession)
        .where(col(StaffSession.token_hash) == me.token_hash)
        .values(changes)
        .execution_options(synchronize_session=False)
    )
    if not count_changed(session, renew):
        raise Unavailable("the session ended meanwhile")
    return token


def end_session(session: Session, token: str) -> None:
    """Delete the session with this token, if there is one."""
    session.execute(delete(StaffSession).where(col(StaffSession.token_hash) == hash_of(token)))
