"""The table of the texts that staff write for e-mails."""

from datetime import datetime
from typing import Final

from sqlalchemy import CheckConstraint, Column, UniqueConstraint
from sqlmodel import Field, SQLModel

from donate.letters.kinds import LetterKind
from donate.storage.column_types import EnumText, RowNumber, UtcDateTime

MAX_LINE: Final = 150
"""The most characters of a subject or a headline."""
MAX_PART: Final = 2_000
"""The most characters of the opening or the closing sentences."""


class LetterText(SQLModel, table=True):
    """What staff wrote for one kind of e-mail, in one region and language. Rows are only added.

    The row with the highest `number` is in force. If `is_standard` is true, staff went back to the
    standard text, and the row has no text of its own.
    """

    __tablename__ = "letter_text"
    __table_args__ = (
        # Two people who change the same text at once would both write the next number.
        UniqueConstraint("code", "language", "kind", "number", name="letter_text_once"),
        CheckConstraint("number >= 1", name="letter_text_number_counts"),
        CheckConstraint(
            "(is_standard AND subject = '' AND headline = '' AND opening = '' AND closing = '') "
            "OR (NOT is_standard AND subject <> '' AND headline <> '')",
            name="letter_text_has_words",
        ),
        CheckConstraint(
            f"length(subject) <= {MAX_LINE} AND length(headline) <= {MAX_LINE} "
            f"AND length(opening) <= {MAX_PART} AND length(closing) <= {MAX_PART}",
            name="letter_text_is_short",
        ),
    )

    id: int | None = Field(default=None, sa_column=Column(RowNumber, primary_key=True))
    code: str = Field(max_length=16)
    language: str = Field(max_length=16)
    kind: LetterKind = Field(sa_type=EnumText(LetterKind, 32, "letter_text.kind"))
    number: int
    is_standard: bool
    subject: str = Field(max_length=MAX_LINE)
    headline: str = Field(max_length=MAX_LINE)
    opening: str = Field(max_length=MAX_PART)
    closing: str = Field(max_length=MAX_PART)
    written_by: str = Field(max_length=64)
    written_at: datetime = Field(sa_type=UtcDateTime)
