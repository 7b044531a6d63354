"""Sign-ins that still need the second factor. Each is a database row and expires in ten minutes."""

import secrets
from datetime import datetime, timedelta
from typing import Final

from sqlmodel import Session, col, delete, select

from donate.finance.models import PendingSignIn, Staff
from donate.storage.bulk_writes import count_changed
from donate.web.secret_tokens import hash_of

PENDING_LIMIT: Final = timedelta(minutes=10)


def begin_pending(
    session: Session,
    staff_id: int,
    target: str,
    *,
    now: datetime,
    proved_at: datetime | None = None,
) -> str:
    """Store a sign-in that still needs the second factor. Return the token for its cookie.

    `proved_at` is when the person proved the first factor; None if it is not known.
    """
    session.execute(delete(PendingSignIn).where(col(PendingSignIn.expires_at) <= now))
    token = secrets.token_urlsafe(32)
    session.add(
        PendingSignIn(
            token_hash=hash_of(token),
            staff_id=staff_id,
            target=target,
            proved_at=proved_at,
            expires_at=now + PENDING_LIMIT,
        )
    )
    return token


def find_pending(
    session: Session, token: str, *, now: datetime
) -> tuple[PendingSignIn, Staff] | None:
    """Return the unfinished sign-in with this token, and the person who is signing in.

    Returns None if the sign-in has expired or the person's account is disabled.
    """
    if not token:
        return None
    return session.exec(
        select(PendingSignIn, Staff)
        .join(Staff, col(Staff.id) == col(PendingSignIn.staff_id))
        .where(
            PendingSignIn.token_hash == hash_of(token),
            PendingSignIn.expires_at > now,
            col(Staff.disabled_at).is_(None),
        )
    ).one_or_none()


def end_pending(session: Session, token: str) -> bool:
    """Delete the unfinished sign-in with this token. Return whether it existed."""
    statement = delete(PendingSignIn).where(col(PendingSignIn.token_hash) == hash_of(token))
    return count_changed(session, statement) > 0
