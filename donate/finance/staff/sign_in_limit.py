"""Slows down password guessing. It counts the failed sign-in attempts in a sliding window."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from sqlalchemy import text
from sqlmodel import Session, col, delete, func, select

from donate.finance.models import SignInFailure

WINDOW: Final = timedelta(minutes=15)
MAX_PER_PAIR: Final = 5
"""Maximum number of attempts within WINDOW for one e-mail address from one network.

It allows for typing errors, but for only 480 guesses a day.
"""
MAX_PER_ADDRESS: Final = 30
"""Maximum number of attempts from one network for all addresses. A whole office may share one."""
MAX_PER_EMAIL: Final = 50
"""Maximum number of attempts for one e-mail address from all networks.

Further attempts are only delayed, so that strangers cannot lock out the real person.
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
    session: Session, staff_id: int, network: str, *, now: datetime
) -> SignInAttempt:
    """Count an attempt to enter a code, before the code is checked.

    Only somebody who has entered the password can enter a code, so strangers cannot use up these
    attempts. That is why attempts beyond the limit for all networks are refused here, not only
    delayed.
    """
    return begin_attempt(session, code_key(staff_id), network, now=now, knows_password=True)


def code_key(staff_id: int) -> str:
    """Return the text that is stored instead of an e-mail address for attempts to enter a code."""
    return f"code of {staff_id}"


def begin_attempt(
    session: Session, email: str, network: str, *, now: datetime, knows_password: bool = False
) -> SignInAttempt:
    """Count an attempt to sign in, and return how to treat it.

    It is counted before the password is checked, so that parallel attempts all count.
    """
    if session.get_bind().dialect.name == "postgresql":
        # Take a lock. Without it, two processes that count at the same time could both allow the
        # last attempt.
        session.execute(text("SELECT pg_advisory_xact_lock(7237847)"))
    since = now - WINDOW
    session.execute(delete(SignInFailure).where(col(SignInFailure.failed_at) <= since))
    here = col(SignInFailure.address) == network
    for most, conditions in (
        (MAX_PER_PAIR, [here, col(SignInFailure.email) == email]),
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
    by_email = session.exec(
        select(func.count()).select_from(SignInFailure).where(SignInFailure.email == email)
    ).one()
    total = session.exec(select(func.count()).select_from(SignInFailure)).one()
    if knows_password and by_email >= MAX_PER_EMAIL:
        return SignInAttempt(SignInPace.STOP, int(WINDOW.total_seconds()))
    if total >= MAX_ROWS and not knows_password:
        return SignInAttempt(SignInPace.SLOWLY)
    row = SignInFailure(email=email, address=network, failed_at=now)
    session.add(row)
    session.flush()
    return SignInAttempt(
        SignInPace.SLOWLY if by_email >= MAX_PER_EMAIL else SignInPace.GO, row=row.id
    )


def forget_attempts(session: Session, email: str, network: str) -> None:
    """After a successful sign-in, delete the attempts for this e-mail address from this network."""
    session.execute(
        delete(SignInFailure).where(
            col(SignInFailure.email) == email, col(SignInFailure.address) == network
        )
    )
