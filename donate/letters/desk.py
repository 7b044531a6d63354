"""What staff see of letters, and what they may do: send one again, or let one be."""

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from sqlmodel import Session, col, func, select

from donate.errors import Conflict, NotFound
from donate.gifts.models import Gift
from donate.letters.context import is_true, load_context
from donate.letters.models import Letter, LetterState, new_letter
from donate.letters.transfers import ARRIVAL_KINDS
from donate.regions.regions import Regions
from donate.storage.bulk_writes import insert_new

# A letter that is taken at the second or third try is nothing to tell anybody about.
LATE_AFTER: Final = timedelta(hours=1)


def letters_of(session: Session, gift_id: uuid.UUID) -> Sequence[Letter]:
    """Return the letters about a gift, the oldest first."""
    mine = select(Letter).where(Letter.gift_id == gift_id)
    return session.exec(mine.order_by(col(Letter.written_at), col(Letter.id))).all()


def letters_set_aside(session: Session, *, limit: int) -> list[tuple[Letter, Gift]]:
    """Return up to `limit` letters that staff have to decide about, the newest first."""
    aside = (
        select(Letter, Gift)
        .join(Gift, col(Gift.id) == col(Letter.gift_id))
        .where(Letter.state == LetterState.SET_ASIDE)
        .order_by(col(Letter.due_at).desc(), col(Letter.id).desc())
    )
    return list(session.exec(aside.limit(limit)))


def count_failed_letters(session: Session, *, most: int) -> int:
    """Return how many letters staff have to decide about; `most` stands for that many or more."""
    some = select(Letter.id).where(Letter.state == LetterState.SET_ASIDE).limit(most).subquery()
    return session.exec(select(func.count()).select_from(some)).one()


def is_mail_late(session: Session, now: datetime) -> bool:
    """Tell whether a letter waits that the mail server has not taken for an hour."""
    late = select(Letter.id).where(
        Letter.state == LetterState.WAITING,
        Letter.tries > 0,
        Letter.written_at < now - LATE_AFTER,
    )
    return session.exec(late.limit(1)).first() is not None


def may_be_sent_again(session: Session, letter: Letter, regions: Regions) -> bool:
    """Tell whether a letter is done with, and the outbox would still find it true."""
    if letter.state == LetterState.UNTRUE and letter.occasion and letter.kind in ARRIVAL_KINDS:
        return False  # another letter said it, or there was nothing to say
    if letter.state == LetterState.WAITING:
        return False
    row = new_letter(
        letter.gift_id,
        letter.kind,
        letter.occasion,
        now=letter.written_at,
        again=letter.again + 1,
    )
    once_more = Letter(**row)
    return is_true(once_more, load_context(session, once_more, regions, public_url=""))


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
    """Have a letter sent once more, as the `again`th; None when that was asked for before.

    Raises NotFound, and Conflict where the letter would no longer say what is so.
    """
    letter = letter_of(session, gift, number, lock=True)
    if not 0 < again <= letter.again + 1:
        raise NotFound("no such letter")
    if again == letter.again + 1 and not may_be_sent_again(session, letter, regions):
        raise Conflict("This letter waits to be sent, or would no longer say what is so.")
    row = new_letter(gift.id, letter.kind, letter.occasion, now=now, again=again, asked_by=actor)
    if not insert_new(session, Letter, [row]):
        return None
    if letter.state == LetterState.SET_ASIDE:
        letter.state = LetterState.DISMISSED
    return letter


def dismiss_letter(session: Session, gift: Gift, number: int) -> Letter | None:
    """Let a letter be that was set aside; None when that was decided before. Raises NotFound."""
    letter = letter_of(session, gift, number, lock=True)
    if letter.state != LetterState.SET_ASIDE:
        return None
    letter.state = LetterState.DISMISSED
    return letter


def letter_of(session: Session, gift: Gift, number: int, *, lock: bool = False) -> Letter:
    """Return one letter about a gift. Raises NotFound."""
    letter = session.get(Letter, number, with_for_update=lock)
    if letter is None or letter.gift_id != gift.id:
        raise NotFound("no such letter")
    return letter
