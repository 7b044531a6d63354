"""Reads the texts that staff wrote for e-mails."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlmodel import Session, col, func, select

from donate.letters.kinds import LetterKind
from donate.letters.texts.models import LetterText
from donate.letters.texts.rules import TextParts

MOST_SHOWN: Final = 20


@dataclass(frozen=True, slots=True)
class TextPlace:
    """Where a text is used: the giving code of a region, one of its languages, a kind of e-mail."""

    code: str
    language: str
    kind: LetterKind


def text_versions(
    session: Session, place: TextPlace, *, most: int = MOST_SHOWN
) -> Sequence[LetterText]:
    """Return the rows for one text, at most `most`, newest first. The first one is in force."""
    statement = (
        select(LetterText)
        .where(
            LetterText.code == place.code,
            LetterText.language == place.language,
            LetterText.kind == place.kind,
        )
        .order_by(col(LetterText.number).desc())
    )
    return session.exec(statement.limit(most)).all()


def own_text_for(session: Session, place: TextPlace) -> TextParts | None:
    """Return the text that staff wrote; None if the standard text is in force."""
    versions = text_versions(session, place, most=1)
    return parts_of_row(versions[0]) if versions else None


def parts_of_row(row: LetterText) -> TextParts | None:
    """Return the text of a row; None if the row stands for the standard text."""
    if row.is_standard:
        return None
    return TextParts(row.subject, row.headline, row.opening, row.closing)


def texts_in_force(session: Session) -> dict[TextPlace, LetterText]:
    """Return the row in force for each text that staff have ever changed."""
    newest = select(func.max(LetterText.id)).group_by(
        LetterText.code, LetterText.language, col(LetterText.kind)
    )
    rows = session.exec(select(LetterText).where(col(LetterText.id).in_(newest)))
    return {TextPlace(row.code, row.language, row.kind): row for row in rows}
