"""The e-mails about a gift, in the form in which its page shows them to staff."""

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
    """An e-mail in the form in which the gift's page shows it to staff.

    `again` is the number of the next repeat, from 1; None if staff may not send the e-mail again.
    """

    letter: Letter
    kind: str
    status: str
    at: datetime
    by: str
    again: int | None
    may_be_dismissed: bool


def letter_rows(
    session: Session, gift: Gift, names: Mapping[str, str], regions: Regions, language: str
) -> list[LetterRow]:
    """Return the e-mails about a gift, each with its state and the actions that staff may take."""
    letters = letters_of(session, gift.id)
    return [
        LetterRow(
            letter=letter,
            kind=LETTERS[letter.kind],
            status=letter_status(letter, language),
            at=letter_time(letter),
            by=actor_name(letter.asked_by, names, language) if letter.again else "",
            again=_next_repeat(session, letter, letters, regions),
            may_be_dismissed=letter.state == LetterState.SET_ASIDE,
        )
        for letter in letters
    ]


def _next_repeat(
    session: Session, letter: Letter, letters: Sequence[Letter], regions: Regions
) -> int | None:
    """Return the number for the next repeat of an e-mail; None if staff may not repeat it."""
    repeats = [x for x in letters if (x.kind, x.occasion) == (letter.kind, letter.occasion)]
    is_last = letter.again == max(x.again for x in repeats)
    may_repeat = is_last and may_be_sent_again(session, letter, regions)
    return letter.again + 1 if may_repeat else None
