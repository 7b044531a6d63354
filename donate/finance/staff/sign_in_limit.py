"""Slows down password guessing: counts sign-in attempts in a sliding window."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from sqlalchemy import text
from sqlmodel import Session, col, delete, func, select

from donate.finance.models import SignInFailure

WINDOW: Final = timedelta(minutes=15)
MAX_PER_PAIR: Final = 5
"""The most attempts for one e-mail address from one network within WINDOW: enough for typing
errors, but only 480 guesses a day."""
MAX_PER_ADDRESS: Final = 30
"""The most attempts from one network for all e-mail addresses: a whole office may share one."""
MAX_PER_EMAIL: Final = 50
"""The most attempts for one e-mail address from all networks. Further attempts are only delayed,
so that strangers cannot lock out the real person."""
MAX_ROWS: Final = 10_000
"""The most attempts that are stored. Each further attempt is delayed, and not stored."""


class SignInPace(StrEnum):
    """What happens to a sign-in attempt: it goes on, is delayed, or is refused."""

    GO = "go"
    SLOWLY = "slowly"
    STOP = "stop"


@dataclass(frozen=True, slots=True)
class SignInAttempt:
    """An attempt to sign in. `row` is the id of its row in the database."""

    pace: SignInPace
    retry_after_s: int = 0
    row: int | None = None


def begin_code_attempt(
    session: Session, staff_id: int, network: str, *, now: datetime
) -> SignInAttempt:
    """Count an attempt to enter a code, before the code is checked.

    Whoever enters a code has already entered the password, so a stranger cannot use up these
    attempts. That is why the limit from all networks refuses here, and does not only delay.
    """
    return begin_attempt(session, code_key(staff_id), network, now=now, knows_password=True)


def code_key(staff_id: int) -> str:
    """Return the text that is stored as `email` for an attempt to enter a code."""
    return f"code of {staff_id}"


def begin_attempt(
    session: Session, email: str, network: str, *, now: datetime, knows_password: bool = False
) -> SignInAttempt:
    """Count an attempt before the password is checked, so that parallel attempts all count."""
    if session.get_bind().dialect.name == "postgresql":
        # Take a lock. Without it, two processes that count at the same time could both allow an
        # attempt.
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
            # The next attempt is allowed when the oldest attempt is no longer in the sliding
            # window.
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
    """Delete the failed attempts of an e-mail address and a network after a successful sign-in."""
    session.execute(
        delete(SignInFailure).where(
            col(SignInFailure.email) == email, col(SignInFailure.address) == network
        )
    )
