"""How donors stop reminders, and change their mind.

Each reminder has a link for this, made for its gift. Mail providers see the link too, in the header
`List-Unsubscribe`. So it opens only the page about reminders, never the page of the gift.
"""

import hashlib
import re
from datetime import datetime
from typing import Final

from sqlmodel import Session, col, select

from donate.gifts.donor_profiles.rules import email_key
from donate.gifts.links.gift_links import GiftLinks
from donate.gifts.models import Gift
from donate.letters.reminders.models import OldStopLink, ReminderChannel, ReminderChoice
from donate.web.secret_tokens import hash_of

_OLD_TOKEN: Final = re.compile(r"[0-9a-f]{64}")


def gift_to_remind(session: Session, links: GiftLinks, token: str) -> Gift | None:
    """Return the gift whose reminder had a link with this token; None if the token is wrong."""
    gift = links.find_gift(session, token, "reminders")
    if gift or not _OLD_TOKEN.fullmatch(token):
        return gift
    old = session.get(OldStopLink, hash_of(token))
    return session.get(Gift, old.gift_id) if old else None


def wants_reminders(session: Session, email: str) -> bool:
    """Whether the donor with this e-mail address has not stopped reminders."""
    statement = (
        select(ReminderChoice.wants_reminders)
        .where(ReminderChoice.address_hash == _address_hash(email))
        .order_by(col(ReminderChoice.id).desc())
    )
    newest = session.exec(statement.limit(1)).first()
    return newest is None or newest


def choose_reminders(
    session: Session,
    gift: Gift,
    email: str,
    *,
    wants: bool,
    channel: ReminderChannel,
    now: datetime,
) -> None:
    """Record whether the donor wants reminders. Repeating a decision records nothing."""
    if wants_reminders(session, email) == wants:
        return
    session.add(
        ReminderChoice(
            address_hash=_address_hash(email),
            wants_reminders=wants,
            gift_id=gift.id,
            channel=channel,
            chosen_at=now,
        )
    )


def _address_hash(email: str) -> str:
    return hashlib.sha256(email_key(email).encode()).hexdigest()
