"""Reads the e-mails about a donor's gifts."""

import uuid
from collections import defaultdict
from collections.abc import Sequence

from sqlmodel import Session, col, select

from donate.letters.models import Letter


def letters_by_gift(
    session: Session, gift_ids: Sequence[uuid.UUID]
) -> dict[uuid.UUID, list[Letter]]:
    """Return the e-mails about each of these gifts, oldest first."""
    letters: defaultdict[uuid.UUID, list[Letter]] = defaultdict(list)
    statement = select(Letter).where(col(Letter.gift_id).in_(gift_ids))
    for letter in session.exec(statement.order_by(col(Letter.written_at), col(Letter.id))):
        letters[letter.gift_id].append(letter)
    return dict(letters)
