"""What staff can do with e-mails to donors: list them, send one again, dismiss one."""

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from sqlmodel import Session, col, func, select

from donate.errors import N_, Conflict, NotFound
from donate.gifts.models import Gift
from donate.letters.context import is_true, load_context
from donate.letters.models import Letter, LetterState, new_letter
from donate.letters.transfers import ARRIVAL_KINDS
from donate.regions.regions import Regions
from donate.storage.bulk_writes import insert_new

# A shorter delay is not shown to staff, because mail servers often accept an e-mail at the second
# or third try.
LATE_AFTER: Final = timedelta(hours=1)


def letters_of(session: Session, gift_id: uuid.UUID) -> Sequence[Letter]:
    """Return the e-mails about a gift, oldest first."""
    statement = select(Letter).where(Letter.gift_id == gift_id)
    return session.exec(statement.order_by(col(Letter.written_at), col(Letter.id))).all()


def letters_set_aside(session: Session, *, limit: int) -> list[tuple[Letter, Gift]]:
    """Return up to `limit` e-mails that were set aside for staff to decide, newest first."""
    statement = (
        select(Letter, Gift)
        .join(Gift, col(Gift.id) == col(Letter.gift_id))
        .where(Letter.state == LetterState.SET_ASIDE)
        .order_by(col(Letter.due_at).desc(), col(Letter.id).desc())
    )
    return list(session.exec(statement.limit(limit)))


def count_failed_letters(session: Session, *, most: int) -> int:
    """Return how many e-mails were set aside for staff to decide. Counting stops at `most`."""
    failed = select(Letter.id).where(Letter.state == LetterState.SET_ASIDE).limit(most).subquery()
    return session.exec(select(func.count()).select_from(failed)).one()


def is_mail_late(session: Session, now: datetime) -> bool:
    """Whether the mail server has not accepted an e-mail that was written over an hour ago."""
    late = select(Letter.id).where(
        Letter.state == LetterState.WAITING,
        Letter.tries > 0,
        Letter.written_at < now - LATE_AFTER,
    )
    return session.exec(late.limit(1)).first() is not None


def may_be_sent_again(session: Session, letter: Letter, regions: Regions) -> bool:
    """Whether an e-mail is no longer waiting, and would still be true if it were sent again."""
    if letter.state == LetterState.UNTRUE and letter.occasion and letter.kind in ARRIVAL_KINDS:
        return False  # the e-mail was not sent because it would have said nothing new
    if letter.state == LetterState.WAITING:
        return False
    row = new_letter(
        letter.gift_id,
        letter.kind,
        letter.occasion,
        now=letter.written_at,
        again=letter.again + 1,
    )
    copy = Letter(**row)
    return is_true(copy, load_context(session, copy, regions, public_url=""))


def send_again(
    session: Session,
    gift: Gift,
    number: int,
    again: int,
    *,
    regions: Regions,
    actor: str,
    now: datetime,
) -> Letter | None:
    """Queue an e-mail again, as repeat number `again`; return None if that repeat already exists.

    Raises NotFound, or Conflict if the e-mail is waiting or no longer true.
    """
    letter = letter_of(session, gift, number, lock=True)
    if not 0 < again <= letter.again + 1:
        raise NotFound("no such letter")
    if again == letter.again + 1 and not may_be_sent_again(session, letter, regions):
        raise Conflict(N_("This e-mail is waiting to be sent, or what it says is no longer true."))
    row = new_letter(gift.id, letter.kind, letter.occasion, now=now, again=again, asked_by=actor)
    if not insert_new(session, Letter, [row]):
        return None
    if letter.state == LetterState.SET_ASIDE:
        letter.state = LetterState.DISMISSED
    return letter


def dismiss_letter(session: Session, gift: Gift, number: int) -> Letter | None:
    """Dismiss an e-mail that was set aside; return None if it was not. Raises NotFound."""
    letter = letter_of(session, gift, number, lock=True)
    if letter.state != LetterState.SET_ASIDE:
        return None
    letter.state = LetterState.DISMISSED
    return letter


def letter_of(session: Session, gift: Gift, number: int, *, lock: bool = False) -> Letter:
    """Return the e-mail with this number about a gift. Raises NotFound."""
    letter = session.get(Letter, number, with_for_update=lock)
    if letter is None or letter.gift_id != gift.id:
        raise NotFound("no such letter")
    return letter
