"""What staff can do with e-mails to donors: list them, send one again, dismiss one."""

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import Final

from sqlalchemy import bindparam
from sqlmodel import Session, col, func, select
from sqlmodel.sql.expression import SelectOfScalar

from donate.errors import N_, Conflict, NotFound
from donate.gifts.links.gift_links import HIDDEN_LINKS
from donate.gifts.models import Gift
from donate.letters.context import is_true, load_context
from donate.letters.held import forget_held, is_held
from donate.letters.kinds import LetterKind
from donate.letters.models import Letter, LetterState, new_letter
from donate.letters.transfers import ARRIVAL_KINDS
from donate.regions.regions import Regions
from donate.storage.bulk_writes import insert_new

# A shorter delay is not shown to staff, because mail servers often accept an e-mail at the second
# or third try.
LATE_AFTER: Final = timedelta(hours=1)
_LATE: Final = (
    select(Letter.id)
    .where(
        Letter.state == LetterState.WAITING,
        Letter.tries > 0,
        col(Letter.written_at) < bindparam("written_before"),
    )
    .limit(1)
)


def letters_of(session: Session, gift_id: uuid.UUID) -> Sequence[Letter]:
    """Return the e-mails about a gift, oldest first."""
    statement = select(Letter).where(Letter.gift_id == gift_id)
    return session.exec(statement.order_by(col(Letter.written_at), col(Letter.id))).all()


def letters_set_aside(session: Session, *, limit: int) -> list[tuple[Letter, Gift]]:
    """Return up to `limit` e-mails that could not be sent, newest first, for staff to decide.

    Those that a daily limit holds back are elsewhere (`held.py`).
    """
    statement = (
        select(Letter, Gift)
        .join(Gift, col(Gift.id) == col(Letter.gift_id))
        .where(Letter.state == LetterState.SET_ASIDE, ~is_held())
        .order_by(col(Letter.due_at).desc(), col(Letter.id).desc())
    )
    return list(session.exec(statement.limit(limit)))


def count_failed_letters(session: Session, *, most: int) -> int:
    """Return how many e-mails could not be sent. Counting stops at `most`."""
    return session.exec(_count_failed(most)).one()


@cache
def _count_failed(most: int) -> SelectOfScalar[int]:
    failed = select(Letter.id).where(Letter.state == LetterState.SET_ASIDE, ~is_held())
    return select(func.count()).select_from(failed.limit(most).subquery())


def is_mail_late(session: Session, now: datetime) -> bool:
    """Whether the mail server has not accepted an e-mail that was written over an hour ago."""
    written_before = {"written_before": now - LATE_AFTER}
    return session.exec(_LATE, params=written_before).first() is not None


def may_be_sent_again(session: Session, letter: Letter, regions: Regions) -> bool:
    """Whether an e-mail is no longer waiting, and what it says would still be true."""
    if letter.state == LetterState.UNTRUE and letter.occasion and letter.kind in ARRIVAL_KINDS:
        return False  # it was not sent because it would have repeated an earlier e-mail
    if letter.state == LetterState.WAITING:
        return False
    if letter.state == LetterState.SENT and letter.kind == LetterKind.UNFINISHED:
        return False  # a donor gets one reminder about an unfinished payment
    row = new_letter(
        letter.gift_id,
        letter.kind,
        letter.occasion,
        now=letter.written_at,
        again=letter.again + 1,
    )
    copy = Letter(**row)
    return is_true(copy, load_context(session, copy, regions, HIDDEN_LINKS))


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
        raise Conflict(
            N_(
                "You can’t send this e-mail again. Either it’s still waiting to go out, or it no "
                "longer applies."
            )
        )
    row = new_letter(gift.id, letter.kind, letter.occasion, now=now, again=again, asked_by=actor)
    if not insert_new(session, Letter, [row]):
        return None
    if letter.state == LetterState.SET_ASIDE:
        letter.state = LetterState.DISMISSED
        forget_held(session, letter)
    return letter


def dismiss_letter(session: Session, gift: Gift, number: int) -> Letter | None:
    """Dismiss an e-mail that was set aside; return None if it was not. Raises NotFound."""
    letter = letter_of(session, gift, number, lock=True)
    if letter.state != LetterState.SET_ASIDE:
        return None
    letter.state = LetterState.DISMISSED
    forget_held(session, letter)
    return letter


def letter_of(session: Session, gift: Gift, number: int, *, lock: bool = False) -> Letter:
    """Return the e-mail with this number about a gift. Raises NotFound."""
    letter = session.get(Letter, number, with_for_update=lock)
    if letter is None or letter.gift_id != gift.id:
        raise NotFound("no such letter")
    return letter
