"""The daily limits on e-mails that strangers can cause by typing somebody's address.

There are three limits: for a mailbox, whoever causes the e-mails; for the network from which gifts
are opened; and for all e-mails together, because mail providers block a sender of many unwanted
e-mails. Only networks that caused few e-mails may use the second half of the limit for all. So an
attacker with some networks does not use up what honest donors need.

No e-mail is dropped silently. Above its mailbox's limit, it is set aside for staff (`held.py`).
Above another limit, it first waits up to a day until it can be sent.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import ColumnElement, text
from sqlmodel import Session, col, delete, func, select

from donate.gifts.donor_profiles.mailboxes import folded_mailbox
from donate.gifts.origins import origin_of
from donate.letters.kinds import LetterKind
from donate.letters.models import Letter, LetterShare, ShareLimit

DAY: Final = timedelta(days=1)
MAX_PER_MAILBOX: Final = 10
FEW: Final = 3
"""Only networks that caused fewer e-mails than this may use the second half of `in_all`."""
LOOK_AGAIN: Final = timedelta(hours=1)
# The kinds of e-mail that anyone can cause without paying: a stranger can type any address, and
# anyone with the link to a pledge's page can change the pledge. E-mails about money that came or
# went do not count for the limits.
STRANGERS_KINDS: Final = frozenset(
    {
        LetterKind.INSTRUCTIONS,
        LetterKind.REMINDER,
        LetterKind.UNFINISHED,
        LetterKind.UNDER_WAY,
        LetterKind.CONFIRM_ACCOUNT,
        LetterKind.FAILED,
        LetterKind.PLEDGE_AMOUNT,
        LetterKind.PLEDGE_PAUSED,
        LetterKind.PLEDGE_RESUMED,
        LetterKind.PLEDGE_METHOD,
    }
)
REASONS: Final = {
    ShareLimit.MAILBOX: "Too many e-mails to this address in a day.",
    ShareLimit.NETWORK: "Too many e-mails about gifts from one network in a day.",
    ShareLimit.ALL: "Too many e-mails about gifts without money in a day.",
}
"""The text that is stored as the reason if a limit holds back an e-mail."""


@dataclass(frozen=True, slots=True)
class ShareLimits:
    """How many e-mails strangers may cause in 24 hours, from one network and in all."""

    per_network: int = 100
    in_all: int = 2_000


SHARES: Final = ShareLimits()


def take_share(
    session: Session, letter: Letter, email: str, limits: ShareLimits, *, now: datetime
) -> ShareLimit | None:
    """Count an e-mail that is about to be sent. Return the limit that holds it back, or None.

    An e-mail that is sent again after a failure counts once. The caller commits before it sends.
    """
    if session.get_bind().dialect.name == "postgresql":
        # Take a lock. Without it, two workers could both take the last share.
        session.execute(text("SELECT pg_advisory_xact_lock(7237848)"))
    session.execute(delete(LetterShare).where(col(LetterShare.taken_at) <= now - DAY))
    assert letter.id is not None
    share = session.get(LetterShare, letter.id, populate_existing=True)
    if share and share.taken_at:
        return None
    if share is None:
        share = LetterShare(
            letter_id=letter.id,
            mailbox_hash=hashlib.sha256(folded_mailbox(email).encode()).hexdigest(),
            network=origin_of(session, letter.gift_id),
        )
    share.held_by = _limit_over(session, share, limits)
    share.taken_at = None if share.held_by else now
    session.add(share)
    return share.held_by


def _limit_over(session: Session, share: LetterShare, limits: ShareLimits) -> ShareLimit | None:
    """Return the limit that one more e-mail would exceed."""
    if _count(session, col(LetterShare.mailbox_hash) == share.mailbox_hash) >= MAX_PER_MAILBOX:
        return ShareLimit.MAILBOX
    of_network = 0
    if share.network:
        of_network = _count(session, col(LetterShare.network) == share.network)
    if of_network >= limits.per_network:
        return ShareLimit.NETWORK
    in_all = _count(session)
    if in_all >= (limits.in_all if of_network < FEW else limits.in_all // 2):
        return ShareLimit.ALL
    return None


def _count(session: Session, *conditions: ColumnElement[bool]) -> int:
    taken = select(func.count()).where(col(LetterShare.taken_at).is_not(None), *conditions)
    return session.exec(taken).one()
