"""What staff can do with e-mails that a daily limit holds back: count, list, send, dismiss them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache

from sqlalchemy import ColumnElement, exists, update
from sqlmodel import Session, col, delete, func, select
from sqlmodel.sql.expression import SelectOfScalar

from donate.letters.models import Letter, LetterShare, LetterState, ShareLimit
from donate.storage.bulk_writes import count_changed

_OPEN = (LetterState.WAITING, LetterState.SET_ASIDE)


@dataclass(frozen=True, slots=True)
class HeldLetters:
    """The e-mails that one limit holds back, about gifts that one network opened.

    `network` is empty if it is not known any more.
    """

    held_by: ShareLimit
    network: str
    letters: int
    oldest_at: datetime


def is_held() -> ColumnElement[bool]:
    """Return the SQL condition that a limit holds back an e-mail."""
    is_its = col(LetterShare.letter_id) == col(Letter.id)
    return exists().where(is_its, col(LetterShare.held_by).is_not(None)).correlate(Letter)


def held_letters(session: Session, *, limit: int) -> list[HeldLetters]:
    """Return up to `limit` groups of e-mails that are held back, the largest first."""
    count = func.count()
    statement = (
        select(LetterShare.held_by, LetterShare.network, count, func.min(Letter.written_at))
        .join(Letter, col(Letter.id) == col(LetterShare.letter_id))
        .where(col(LetterShare.held_by).is_not(None), col(Letter.state).in_(_OPEN))
        .group_by(col(LetterShare.held_by), col(LetterShare.network))
        .order_by(count.desc(), col(LetterShare.network))
    )
    return [
        HeldLetters(ShareLimit(held_by), network, letters, oldest_at)
        for held_by, network, letters, oldest_at in session.exec(statement.limit(limit))
        if held_by
    ]


def count_held_letters(session: Session, *, most: int) -> int:
    """Return how many e-mails are held back. Counting stops at `most`."""
    return session.exec(_count_held(most)).one()


@cache
def _count_held(most: int) -> SelectOfScalar[int]:
    held = (
        select(LetterShare.letter_id)
        .join(Letter, col(Letter.id) == col(LetterShare.letter_id))
        .where(col(LetterShare.held_by).is_not(None), col(Letter.state).in_(_OPEN))
        .limit(most)
        .subquery()
    )
    return select(func.count()).select_from(held)


def send_held(session: Session, held_by: ShareLimit, network: str, *, now: datetime) -> int:
    """Send the e-mails of one group in spite of the limit; return how many."""
    letters = _lock_group(session, held_by, network)
    for letter in letters:
        letter.state, letter.due_at, letter.reason = LetterState.WAITING, now, ""
    _shares_of(session, letters, taken_at=now)
    return len(letters)


def dismiss_held(session: Session, held_by: ShareLimit, network: str) -> int:
    """Never send the e-mails of one group; return how many."""
    letters = _lock_group(session, held_by, network)
    for letter in letters:
        letter.state = LetterState.DISMISSED
    _shares_of(session, letters, taken_at=None)
    return len(letters)


def forget_held(session: Session, letter: Letter) -> None:
    """Delete the record that a limit held back this e-mail, because staff have decided about it."""
    is_its = (col(LetterShare.letter_id) == letter.id, col(LetterShare.held_by).is_not(None))
    session.execute(delete(LetterShare).where(*is_its))


def _lock_group(session: Session, held_by: ShareLimit, network: str) -> Sequence[Letter]:
    statement = (
        select(Letter)
        .join(LetterShare, col(Letter.id) == col(LetterShare.letter_id))
        .where(
            LetterShare.held_by == held_by,
            LetterShare.network == network,
            col(Letter.state).in_(_OPEN),
        )
        .order_by(col(Letter.id))
    )
    return session.exec(statement.with_for_update(of=Letter)).all()


def _shares_of(session: Session, letters: Sequence[Letter], *, taken_at: datetime | None) -> None:
    """Count these e-mails for the limits as sent at `taken_at`; if it is None, not at all."""
    are_theirs = col(LetterShare.letter_id).in_([letter.id for letter in letters])
    session.flush()
    if taken_at is None:
        count_changed(session, delete(LetterShare).where(are_theirs))
    else:
        taken = update(LetterShare).where(are_theirs).values(taken_at=taken_at, held_by=None)
        count_changed(session, taken)
