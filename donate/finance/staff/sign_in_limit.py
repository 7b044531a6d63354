"""Slows down guessing at passwords. Counts tries in a window; what is older is forgotten."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from sqlalchemy import text
from sqlmodel import Session, col, delete, func, select

from donate.finance.models import SignInFailure

WINDOW: Final = timedelta(minutes=15)
MAX_PER_PAIR: Final = 5
"""For one e-mail from one address: a person who mistypes gets in; a guesser gets 480 a day."""
MAX_PER_ADDRESS: Final = 30
"""For one address with any e-mail: an office shares one."""
MAX_PER_EMAIL: Final = 50
"""For one e-mail from all addresses; beyond it a try is only delayed, so that the real person,
who comes from elsewhere, is never locked out by strangers."""
MAX_ROWS: Final = 10_000
"""Beyond this many tries in the window, from whomever, nothing is stored and each is delayed."""


class SignInPace(StrEnum):
    """How a try at signing in may go on."""

    GO = "go"
    SLOWLY = "slowly"
    STOP = "stop"


@dataclass(frozen=True, slots=True)
class SignInAttempt:
    """One try that was let through or stopped; `row` is what counts it until it succeeds."""

    pace: SignInPace
    retry_after_s: int = 0
    row: int | None = None


def begin_attempt(session: Session, email: str, network: str, *, now: datetime) -> SignInAttempt:
    """Count a try *before* its password is looked at, so that many at once cannot slip through."""
    if session.get_bind().dialect.name == "postgresql":
        # Two processes that count at the same moment would both find room for one more.
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
            # It is enough to wait until the oldest is forgotten.
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
    """Forget the failures of somebody who has now signed in."""
    session.execute(
        delete(SignInFailure).where(
            col(SignInFailure.email) == email, col(SignInFailure.address) == network
        )
    )
