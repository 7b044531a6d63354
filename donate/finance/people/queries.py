"""Reads the accounts of staff and their sessions and second factors, for the pages about people."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlmodel import Session, col, func, select

from donate.errors import NotFound
from donate.finance.models import ProviderAccount, SecondFactor, Staff, StaffSession
from donate.finance.people.invitations import open_invitations
from donate.finance.roles import Role
from donate.finance.sessions import IDLE_LIMIT

SESSION_NAME: Final = 16
"""A form identifies a session by this many characters from the start of the session's hash."""


@dataclass(frozen=True, slots=True)
class Person:
    """An account of a member of staff, with the details that pages show."""

    staff: Staff
    has_second_factor: bool
    sessions: int
    is_invited: bool
    provider_tied_at: datetime | None
    """When an account at the identity provider became theirs; None if none did."""


def people_after(session: Session, email: str, limit: int, *, now: datetime) -> list[Person]:
    """Return the next people after this e-mail address, sorted by e-mail address."""
    statement = select(Staff).where(Staff.email > email).order_by(Staff.email).limit(limit)
    return _with_details(session, list(session.exec(statement)), now)


def load_person(session: Session, number: int, *, now: datetime) -> Person:
    """Return the person with this id. Raises NotFound."""
    staff = session.get(Staff, number)
    if staff is None:
        raise NotFound("no such person")
    return _with_details(session, [staff], now)[0]


def own_sessions(session: Session, staff_id: int, *, now: datetime) -> Sequence[StaffSession]:
    """Return a person's open sessions, the most recently used first."""
    rows = session.exec(select(StaffSession).where(StaffSession.staff_id == staff_id))
    running = [row for row in rows if _is_running(row, now)]
    return sorted(running, key=lambda row: row.last_seen_at, reverse=True)


def _is_running(row: StaffSession, now: datetime) -> bool:
    return row.expires_at > now and row.last_seen_at > now - IDLE_LIMIT


def _with_details(session: Session, staff: list[Staff], now: datetime) -> list[Person]:
    numbers = [person.id for person in staff if person.id is not None]
    factors = set(
        session.exec(
            select(SecondFactor.staff_id).where(
                col(SecondFactor.staff_id).in_(numbers), col(SecondFactor.confirmed_at).is_not(None)
            )
        )
    )
    counts = dict(
        session.exec(
            select(StaffSession.staff_id, func.count())
            .where(
                col(StaffSession.staff_id).in_(numbers),
                StaffSession.expires_at > now,
                StaffSession.last_seen_at > now - IDLE_LIMIT,
            )
            .group_by(col(StaffSession.staff_id))
        ).all()
    )
    invited = open_invitations(session, numbers, now=now)
    tied = dict(
        session.exec(
            select(ProviderAccount.staff_id, func.max(ProviderAccount.tied_at))
            .where(col(ProviderAccount.staff_id).in_(numbers))
            .group_by(col(ProviderAccount.staff_id))
        ).all()
    )
    return [
        Person(
            person,
            has_second_factor=person.id in factors,
            sessions=counts.get(person.id or 0, 0),
            is_invited=person.id in invited,
            provider_tied_at=tied.get(person.id or 0),
        )
        for person in staff
    ]


def has_password(session: Session, staff_id: int) -> bool:
    """Return whether a person has a password.

    People without one sign in only at the identity provider.
    """
    return bool(session.get_one(Staff, staff_id).password_hash)


def end_own_sessions(session: Session, staff_id: int, *, keep: str, only: str | None) -> int:
    """Delete all of a person's sessions except `keep`, and return how many were deleted.

    If `only` is given, delete only the session whose hash starts with `only`.
    """
    rows = session.exec(select(StaffSession).where(StaffSession.staff_id == staff_id)).all()
    ended = [
        row
        for row in rows
        if row.token_hash != keep and (only is None or row.token_hash[:SESSION_NAME] == only)
    ]
    for row in ended:
        session.delete(row)
    return len(ended)


def prove_second_factor(session: Session, token_hash: str, *, now: datetime) -> None:
    """Record that the person in this session has proved their second factor."""
    row = session.get(StaffSession, token_hash)
    if row:
        row.second_factor_at = now


def has_admin(session: Session) -> bool:
    """Return whether there is an admin whose account is enabled."""
    admins = select(Staff.id).where(Staff.role == Role.ADMIN, col(Staff.disabled_at).is_(None))
    return session.exec(admins.limit(1)).first() is not None


def has_any_second_factor(session: Session) -> bool:
    """Return whether anybody has a second factor."""
    return session.exec(select(SecondFactor.staff_id).limit(1)).first() is not None
