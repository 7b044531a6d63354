"""Slows down password guessing. It counts the failed sign-in attempts in a sliding window.

A network that guesses slows down itself. A known browser of the account (`devices.py`) counts
alone, so neither its network nor anybody else slows it down.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from sqlalchemy import ColumnElement, text
from sqlmodel import Session, col, delete, func, select

from donate.finance.models import SignInFailure

WINDOW: Final = timedelta(minutes=15)
MAX_PER_PAIR: Final = 5
"""Maximum number of attempts within WINDOW for one e-mail address from one network.

It allows for typing errors, but for only 480 guesses a day.
"""
MAX_PER_ADDRESS: Final = 30
"""Maximum number of attempts from one network for all addresses. An office may share a network."""
MAX_PER_DEVICE: Final = 10
"""Maximum number of attempts for one account in a known browser.

Further attempts count like those from an unknown browser.
"""
MAX_PER_EMAIL: Final = 50
"""Maximum number of attempts for one e-mail address from all networks.

Further attempts are delayed if their network has failed before. They are not refused, so that
strangers cannot lock out the real person.
"""
MAX_ROWS: Final = 10_000
"""Maximum number of stored attempts. Further attempts are delayed, and not stored."""


class SignInPace(StrEnum):
    """How to treat a sign-in attempt: let it go on, delay it, or refuse it."""

    GO = "go"
    SLOWLY = "slowly"
    STOP = "stop"


@dataclass(frozen=True, slots=True)
class SignInAttempt:
    """A counted attempt to sign in, and how to treat it.

    `row` is the id of its database row, if it has one.
    """

    pace: SignInPace
    retry_after_s: int = 0
    row: int | None = None


def begin_code_attempt(
    session: Session, staff_id: int, network: str, *, now: datetime, device: str = ""
) -> SignInAttempt:
    """Count an attempt to enter a code, before the code is checked.

    Only somebody who has entered the password can enter a code, so strangers cannot use up these
    attempts. That is why attempts beyond the limit for all networks are refused here, not only
    delayed.
    """
    return begin_attempt(
        *(session, code_key(staff_id), network), now=now, device=device, knows_password=True
    )


def code_key(staff_id: int) -> str:
    """Return the text that is stored instead of an e-mail address for attempts to enter a code.

    Addresses are stored in lower case, so nobody can type this text as an address.
    """
    return f"CODE OF {staff_id}"


def begin_attempt(
    session: Session,
    email: str,
    network: str,
    *,
    now: datetime,
    device: str = "",
    knows_password: bool = False,
) -> SignInAttempt:
    """Count an attempt to sign in, and return how to treat it.

    It is counted before the password is checked, so that parallel attempts all count. `device` is
    the key of a known browser of the account. If `knows_password` is true, too many attempts are
    refused where those of strangers would only be delayed.
    """
    if session.get_bind().dialect.name == "postgresql":
        # Take a lock. Without it, two processes that count at the same time could both allow the
        # last attempt.
        session.execute(text("SELECT pg_advisory_xact_lock(7237847)"))
    since = now - WINDOW
    session.execute(delete(SignInFailure).where(col(SignInFailure.failed_at) <= since))
    is_of_email = col(SignInFailure.email) == email
    if device and _count(session, is_of_email, col(SignInFailure.address) == device) < (
        MAX_PER_DEVICE
    ):
        return _stored(session, email, device, now, SignInPace.GO)
    here = col(SignInFailure.address) == network
    for most, conditions in (
        (MAX_PER_PAIR, [here, is_of_email]),
        (MAX_PER_ADDRESS, [here]),
    ):
        count, oldest = session.exec(
            select(func.count(), func.min(SignInFailure.failed_at)).where(*conditions)
        ).one()
        if count >= most:
            # Another attempt is allowed once the oldest attempt is outside the sliding window.
            return SignInAttempt(
                SignInPace.STOP, max(1, int((oldest + WINDOW - now).total_seconds()) + 1)
            )
    by_email = _count(session, is_of_email)
    if knows_password and by_email >= MAX_PER_EMAIL:
        return SignInAttempt(SignInPace.STOP, int(WINDOW.total_seconds()))
    if _count(session) >= MAX_ROWS and not knows_password:
        return SignInAttempt(SignInPace.SLOWLY)
    failed_before = _count(session, here) > 0
    pace = SignInPace.SLOWLY if by_email >= MAX_PER_EMAIL and failed_before else SignInPace.GO
    return _stored(session, email, network, now, pace)


def _count(session: Session, *conditions: ColumnElement[bool]) -> int:
    counted = select(func.count()).select_from(SignInFailure).where(*conditions)
    return session.exec(counted).one()


def _stored(
    session: Session, email: str, address: str, now: datetime, pace: SignInPace
) -> SignInAttempt:
    row = SignInFailure(email=email, address=address, failed_at=now)
    session.add(row)
    session.flush()
    return SignInAttempt(pace, row=row.id)


def forget_attempts(session: Session, email: str, network: str, device: str = "") -> None:
    """After a success, delete the attempts for this e-mail address from this network and device."""
    session.execute(
        delete(SignInFailure).where(
            col(SignInFailure.email) == email, col(SignInFailure.address).in_((network, device))
        )
    )
