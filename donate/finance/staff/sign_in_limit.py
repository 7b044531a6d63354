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
"""For one e-mail address from one network: allows typing errors, but only 480 guesses a day."""
MAX_PER_ADDRESS: Final = 30
"""For one network and any e-mail address: everybody in an office may share one network."""
MAX_PER_EMAIL: Final = 50
"""For one e-mail address from all networks. Further attempts are only delayed, so that strangers
cannot lock out the real person."""
MAX_ROWS: Final = 10_000
"""For all attempts together. Each further attempt is delayed, and none is stored."""


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


def begin_attempt(session: Session, email: str, network: str, *, now: datetime) -> SignInAttempt:
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
    if total >= MAX_ROWS:
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
