"""Links for setting a password, for new people and for people who forgot their password."""

import hmac
from datetime import datetime, timedelta
from typing import Final

from sqlmodel import Session, col, delete, select

from donate.finance.models import Staff, StaffInvitation
from donate.storage.bulk_writes import count_changed
from donate.web.secret_tokens import hash_of

INVITATION_LIMIT: Final = timedelta(days=3)


def derive_token(secret: str, form_key: str, email: str) -> str:
    """Return the token of an invitation, computed from the key of the form that requested it.

    So a double click shows the same link both times. `secret` is known only to the admin's session.
    """
    identity = f"invitation\0{form_key}\0{email}"
    return hmac.digest(secret.encode(), identity.encode(), "sha256").hex()


def store_invitation(session: Session, staff: Staff, token: str, *, now: datetime) -> None:
    """Store an invitation for a person, and delete their earlier invitations."""
    assert staff.id is not None
    session.execute(delete(StaffInvitation).where(col(StaffInvitation.staff_id) == staff.id))
    session.add(
        StaffInvitation(
            token_hash=hash_of(token), staff_id=staff.id, expires_at=now + INVITATION_LIMIT
        )
    )
    session.flush()


def is_invitation_stored(session: Session, token: str) -> bool:
    """Return whether there is an invitation with this token."""
    return session.get(StaffInvitation, hash_of(token)) is not None


def find_invited(session: Session, token: str, *, now: datetime) -> Staff | None:
    """Return the person who was invited with this token.

    Returns None if the invitation was used or has expired, or if the person's account is disabled.
    """
    return session.exec(
        select(Staff)
        .join(StaffInvitation, col(StaffInvitation.staff_id) == col(Staff.id))
        .where(
            StaffInvitation.token_hash == hash_of(token),
            StaffInvitation.expires_at > now,
            col(Staff.disabled_at).is_(None),
        )
    ).one_or_none()


def end_invitation(session: Session, token: str) -> bool:
    """Delete the invitation with this token. Return whether it existed."""
    statement = delete(StaffInvitation).where(col(StaffInvitation.token_hash) == hash_of(token))
    return count_changed(session, statement) > 0


def open_invitations(session: Session, staff_ids: list[int], *, now: datetime) -> set[int]:
    """Return the ids of those people in `staff_ids` who have an invitation that still works."""
    statement = select(StaffInvitation.staff_id).where(
        col(StaffInvitation.staff_id).in_(staff_ids), StaffInvitation.expires_at > now
    )
    return set(session.exec(statement))
