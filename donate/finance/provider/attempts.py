"""Unfinished sign-ins at the identity provider. The caller commits."""

import base64
import hashlib
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from sqlmodel import Session, col, delete, func, select

from donate.errors import Unavailable
from donate.finance.models import ProviderSignIn
from donate.web.secret_tokens import hash_of

ATTEMPT_LIMIT: Final = timedelta(minutes=10)
# Maximum number of unfinished sign-ins. If a network reaches its limit, its oldest unfinished
# sign-in is deleted. If all networks together reach theirs, new sign-ins are refused.
MAX_PER_NETWORK: Final = 50
MAX_IN_ALL: Final = 10_000


@dataclass(frozen=True, slots=True)
class ProviderAttempt:
    """The secrets for one sign-in at the identity provider.

    `browser` is the value of the browser's cookie.
    """

    state: str = field(repr=False)
    browser: str = field(repr=False)
    nonce: str = field(repr=False)
    code_verifier: str = field(repr=False)

    @property
    def challenge(self) -> str:
        """The code challenge that is computed from the code verifier (RFC 7636, S256)."""
        digest = hashlib.sha256(self.code_verifier.encode()).digest()
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def store_attempt(
    session: Session, target: str, network: str, *, now: datetime, must_be_fresh: bool = False
) -> ProviderAttempt:
    """Store a new unfinished sign-in and return its secrets.

    If `must_be_fresh`, the person has to sign in there anew. Raises Unavailable if there are too
    many unfinished sign-ins.
    """
    session.execute(delete(ProviderSignIn).where(col(ProviderSignIn.expires_at) <= now))
    total = session.exec(select(func.count()).select_from(ProviderSignIn)).one()
    if total >= MAX_IN_ALL:
        raise Unavailable("too many sign-ins have begun at the identity provider")
    of_network = (
        select(ProviderSignIn.state_hash)
        .where(ProviderSignIn.address == network)
        .order_by(col(ProviderSignIn.expires_at).desc())
        .offset(MAX_PER_NETWORK - 1)
        .limit(MAX_PER_NETWORK)
    )
    oldest = list(session.exec(of_network))
    session.execute(delete(ProviderSignIn).where(col(ProviderSignIn.state_hash).in_(oldest)))
    attempt = ProviderAttempt(*(secrets.token_urlsafe(32) for _ in range(4)))
    session.add(
        ProviderSignIn(
            state_hash=hash_of(attempt.state),
            browser_hash=hash_of(attempt.browser),
            nonce=attempt.nonce,
            code_verifier=attempt.code_verifier,
            target=target,
            address=network,
            fresh_since=now if must_be_fresh else None,
            expires_at=now + ATTEMPT_LIMIT,
        )
    )
    return attempt


def take_attempt(
    session: Session, state: str, browser: str, *, now: datetime
) -> ProviderSignIn | None:
    """Delete and return the unfinished sign-in with this state, begun in this browser.

    Returns None if there is no such sign-in, or if it has expired.
    """
    row = session.get(ProviderSignIn, hash_of(state), with_for_update=True)
    if row is None or row.browser_hash != hash_of(browser) or row.expires_at <= now:
        return None
    session.delete(row)
    return row
