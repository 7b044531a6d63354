"""The sessions of staff. A cookie has a random token; the database stores only the token's hash."""

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlmodel import Session, col, delete, or_, select

from donate.finance.models import Role, Staff, StaffSession
from donate.web.templating import LANGUAGES, language_for

IDLE_LIMIT: Final = timedelta(minutes=60)
ABSOLUTE_LIMIT: Final = timedelta(hours=12)
# `last_seen_at` is updated at most this often. So an idle session may end this much too early.
SEEN_EVERY: Final = timedelta(minutes=1)


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
    csrf_token: str
    token_hash: str
    last_seen_at: datetime
    language: str = LANGUAGES[0]
    page: str = "/finance"
    second_factor_at: datetime | None = None

    @property
    def actor(self) -> str:
        """The name of this person in the recorded facts, such as `staff:7`."""
        return f"staff:{self.staff_id}"

    def may(self, needed: Role) -> bool:
        """Return whether this person's role includes the permissions of the role `needed`."""
        return self.role.may(needed)


def start_session(
    session: Session,
    staff_id: int,
    *,
    now: datetime,
    second_factor_at: datetime | None = None,
    address: str = "",
    browser: str = "",
) -> str:
    """Start a session, and delete expired sessions.

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
    match = session.exec(
        select(StaffSession, Staff)
        .join(Staff, col(Staff.id) == col(StaffSession.staff_id))
        .where(
            StaffSession.token_hash == hash_of(token),
            StaffSession.expires_at > now,
            StaffSession.last_seen_at > now - IDLE_LIMIT,
            col(Staff.disabled_at).is_(None),
        )
    ).one_or_none()
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
    )


def mark_seen(session: Session, token_hash: str, *, now: datetime) -> None:
    """Record that a session has just been used, so that its idle time starts again."""
    row = session.get(StaffSession, token_hash)
    if row:
        row.last_seen_at = max(row.last_seen_at, now)


def change_language(session: Session, staff_id: int, language: str) -> None:
    """Store the language in which a member of staff wants to read pages."""
    session.get_one(Staff, staff_id).language = language


def end_session(session: Session, token: str) -> None:
    """Delete the session with this token, if there is one."""
    session.execute(delete(StaffSession).where(col(StaffSession.token_hash) == hash_of(token)))


def hash_of(token: str) -> str:
    """Return the hash under which a token is stored. Tokens are random, so a fast hash is safe."""
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def same_secret(one: str, other: str) -> bool:
    """Compare two secrets in constant time. Return whether they are equal; empty ones never are."""
    return bool(one) and hmac.compare_digest(one.encode("utf-8", "replace"), other.encode())
