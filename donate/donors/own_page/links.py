"""Makes one-time links, and starts a session when one is used. The caller commits."""

import secrets
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import delete, func, update
from sqlmodel import Session, col, select

from donate.donors.own_page.models import DonorLink
from donate.gifts.donor_profiles.mailboxes import folded_mailbox
from donate.gifts.donor_profiles.models import DonorProfile
from donate.storage.bulk_writes import count_changed
from donate.web.secret_tokens import hash_of

SESSION_COOKIE: Final = "donate_my_gifts"
"""The name of the cookie with a session's token, without the prefix of `TokenCookies`."""
LINK_LIFE: Final = timedelta(minutes=20)
SESSION_LIFE: Final = timedelta(minutes=20)
# How many links one mailbox gets at most in each of these periods. Strangers can request links for
# any address.
MOST_LINKS: Final = ((timedelta(hours=1), 3), (timedelta(days=1), 10))
# Links are deleted after this time. Until then they count for MOST_LINKS.
KEPT: Final = timedelta(days=1)


def begin_link(session: Session, profile: DonorProfile, *, now: datetime) -> str | None:
    """Make a link to the gifts of a profile's address; return its token, which is not stored.

    Returns None if the mailbox has already got its maximum of links. Two workers that run at the
    same time may exceed it by one.
    """
    session.execute(delete(DonorLink).where(col(DonorLink.made_at) <= now - KEPT))
    mailbox = folded_mailbox(profile.email_key)
    for period, most in MOST_LINKS:
        made = select(func.count()).where(
            DonorLink.mailbox == mailbox, col(DonorLink.made_at) > now - period
        )
        if session.exec(made).one() >= most:
            return None
    assert profile.id is not None
    token = secrets.token_urlsafe(32)
    session.add(
        DonorLink(
            token_hash=hash_of(token),
            profile_id=profile.id,
            mailbox=mailbox,
            made_at=now,
            expires_at=now + LINK_LIFE,
        )
    )
    return token


def withdraw_link(session: Session, token: str) -> None:
    """Delete a link that was not sent, so that it does not count."""
    session.execute(delete(DonorLink).where(col(DonorLink.token_hash) == hash_of(token)))


def is_usable(session: Session, token: str, *, now: datetime) -> bool:
    """Return whether a link has neither been used nor expired. This changes nothing."""
    statement = select(DonorLink.id).where(
        DonorLink.token_hash == hash_of(token),
        col(DonorLink.used_at).is_(None),
        DonorLink.expires_at > now,
    )
    return session.exec(statement).first() is not None


def use_link(session: Session, token: str, *, now: datetime) -> str | None:
    """Use up a link, and begin a session; return the session's token, which is not stored.

    Returns None if the link does not exist, has expired, or was used before. If two requests use it
    at the same time, only one gets a session.
    """
    session_token = secrets.token_urlsafe(32)
    statement = (
        update(DonorLink)
        .where(
            col(DonorLink.token_hash) == hash_of(token),
            col(DonorLink.used_at).is_(None),
            col(DonorLink.expires_at) > now,
        )
        .values(
            used_at=now,
            session_hash=hash_of(session_token),
            session_ends_at=now + SESSION_LIFE,
        )
    )
    return session_token if count_changed(session, statement) else None


def is_session_of(session: Session, session_token: str, link_token: str, *, now: datetime) -> bool:
    """Return whether this link started this session, and the session has not ended."""
    link = _running(session, session_token, now)
    return link is not None and link.token_hash == hash_of(link_token)


def profile_of_session(session: Session, session_token: str, *, now: datetime) -> int | None:
    """Return the id of the donor profile whose gifts a session may see; None if it has ended."""
    link = _running(session, session_token, now)
    return link.profile_id if link else None


def end_donor_session(session: Session, session_token: str, *, now: datetime) -> None:
    """End a session. Its link cannot be used again. Does nothing if the session has ended."""
    link = _running(session, session_token, now)
    if link:
        link.session_ends_at = now


def _running(session: Session, session_token: str, now: datetime) -> DonorLink | None:
    if not session_token:
        return None
    statement = select(DonorLink).where(
        DonorLink.session_hash == hash_of(session_token), col(DonorLink.session_ends_at) > now
    )
    return session.exec(statement).one_or_none()
