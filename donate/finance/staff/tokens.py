"""Staff tokens, with which programs may read any gift. Only their hashes are stored."""

import secrets
from datetime import datetime
from typing import Final

from sqlmodel import Session, col, select

from donate.finance.activity.trail import record_act
from donate.finance.models import Staff, StaffToken
from donate.finance.staff.accounts import staff_by_email
from donate.web.secret_tokens import hash_of

PREFIX: Final = "staff_"


def add_token(session: Session, email: str, *, now: datetime) -> str:
    """Create a token for a member of staff and return it. Only its hash is stored.

    Raises NotFound if no account has this e-mail address.
    """
    staff = staff_by_email(session, email)
    assert staff.id is not None
    token = PREFIX + secrets.token_urlsafe(32)
    session.add(StaffToken(token_hash=hash_of(token), staff_id=staff.id, added_at=now))
    session.flush()
    record_act(session, "token_added", about=staff.email, now=now)
    return token


def is_staff_token(session: Session, token: str) -> bool:
    """Return whether this token belongs to a member of staff whose account is enabled."""
    if not token.startswith(PREFIX):
        return False
    statement = (
        select(StaffToken)
        .join(Staff, col(Staff.id) == col(StaffToken.staff_id))
        .where(StaffToken.token_hash == hash_of(token), col(Staff.disabled_at).is_(None))
    )
    return session.exec(statement).first() is not None
