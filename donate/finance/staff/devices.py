"""Knows the browsers in which people signed in, by a cookie.

Guesses are slowed down for each network and each account. A sign-in from a known browser of the
account has limits of its own, so nobody who guesses keeps the real person out.
Source: OWASP, "Slow Down Online Guessing Attacks with Device Cookies".
"""

import secrets
from datetime import datetime, timedelta
from typing import Final

from sqlmodel import Session, col, delete, select

from donate.finance.models import Staff, StaffDevice
from donate.mail_server import address_spellings
from donate.web.secret_tokens import hash_of

KEPT: Final = timedelta(days=180)


def device_key(session: Session, token: str, email: str, *, now: datetime) -> str:
    """Return the key under which sign-in attempts in this browser are counted.

    `token` is the browser's cookie. Returns "" if nobody has signed in to this account with it.
    """
    if not token:
        return ""
    statement = (
        select(StaffDevice.token_hash)
        .join(Staff, col(Staff.id) == col(StaffDevice.staff_id))
        .where(
            StaffDevice.token_hash == hash_of(token),
            StaffDevice.expires_at > now,
            col(Staff.email).in_(address_spellings(email)),
        )
    )
    known = session.exec(statement).first()
    return f"device {known[:40]}" if known else ""


def remember_device(session: Session, token: str, staff_id: int, *, now: datetime) -> str:
    """Store that a person signed in with this browser; return the token for its cookie.

    `token` is the browser's current cookie. It is returned unchanged if it is known, so that
    several people can use one browser.
    """
    session.execute(delete(StaffDevice).where(col(StaffDevice.expires_at) <= now))
    is_known = select(StaffDevice.staff_id).where(StaffDevice.token_hash == hash_of(token))
    if not token or session.exec(is_known).first() is None:
        token = secrets.token_urlsafe(32)
    device = StaffDevice(token_hash=hash_of(token), staff_id=staff_id, expires_at=now + KEPT)
    session.merge(device)
    return token
