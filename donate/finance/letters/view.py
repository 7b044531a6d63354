"""The letters about a gift, as staff read them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from donate.finance.words import LETTERS, actor_name, letter_status, letter_time
from donate.gifts.models import Gift
from donate.letters.desk import letters_of, may_be_sent_again
from donate.letters.models import Letter, LetterState
from donate.regions.regions import Regions


@dataclass(frozen=True, slots=True)
class LetterRow:
    """A letter as staff read it. `again` counts the one that may be sent in its place, if any."""

    letter: Letter
    kind: str
    status: str
    at: datetime
    by: str
    again: int | None
    may_be_dismissed: bool


def letter_rows(
    session: Session, gift: Gift, names: Mapping[str, str], regions: Regions
) -> list[LetterRow]:
    """Say of each letter about a gift what became of it, and what may be done."""
    letters = letters_of(session, gift.id)
    return [_sent(session, letter, letters, names, regions) for letter in letters]


def _sent(
    session: Session,
    letter: Letter,
    letters: Sequence[Letter],
    names: Mapping[str, str],
    regions: Regions,
) -> LetterRow:
    alike = [x for x in letters if (x.kind, x.occasion) == (letter.kind, letter.occasion)]
    is_last = letter.again == max(x.again for x in alike)
    may_go = is_last and may_be_sent_again(session, letter, regions)
    return LetterRow(
        letter=letter,
        kind=LETTERS[letter.kind],
        status=letter_status(letter),
        at=letter_time(letter),
        by=actor_name(letter.asked_by, names) if letter.again else "",
        again=letter.again + 1 if may_go else None,
        may_be_dismissed=letter.state == LetterState.SET_ASIDE,
    )
