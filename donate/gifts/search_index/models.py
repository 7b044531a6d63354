"""The tables of the search index. Both are computed from gifts, donors, wishes and facts."""

import uuid
from enum import StrEnum

from sqlalchemy import Column, Index, String, Text, text
from sqlalchemy.dialects.postgresql import TSVECTOR
from sqlmodel import Field, SQLModel

from donate.storage.column_types import EnumText, RowNumber


class SearchDocument(SQLModel, table=True):
    """Words by which a gift is found. A gift has one row, and one more for each note of staff.

    On SQLite, a trigger copies each new row into the FTS5 table `search_words`.
    """

    __tablename__ = "search_document"
    __table_args__ = (
        # On SQLite this index is empty, because the FTS5 table is searched instead.
        Index("search_document_words", "words", postgresql_using="gin", sqlite_where=text("false")),
        Index("search_document_by_gift", "gift_id"),
    )

    # Newer rows have higher numbers, and searches return the highest numbers first.
    id: int | None = Field(default=None, sa_column=Column(RowNumber, primary_key=True))
    gift_id: uuid.UUID
    # Words with spaces between them. Each begins with the letter of its WordKind.
    words: str = Field(
        sa_column=Column(Text().with_variant(TSVECTOR(), "postgresql"), nullable=False)
    )


class WordKind(StrEnum):
    """What a word belongs to. The value is the letter with which the stored word begins."""

    NAME = "n"
    EMAIL = "e"
    REFERENCE = "r"
    TRIBUTE = "t"
    NOTE = "o"


class KeyKind(StrEnum):
    """The kinds of search key."""

    AMOUNT = "amount"
    BANK = "bank"  # The bank's reference of a transfer: only its letters and digits.
    CARD = "card"  # The last four digits of a card or bank account.
    STRIPE = "stripe"  # The id of an object at Stripe.


# PostgreSQL compares texts by the rules of a language unless the collation is C. Only with C do all
# texts with the same beginning stand together in the index.
_KEY = String(255).with_variant(String(255, collation="C"), "postgresql")


class SearchKey(SQLModel, table=True):
    """A search key that a fact adds to its gift. The primary key is the index that searches use.

    Gift ids begin with the time, so the last gift with a key is the newest.
    """

    __tablename__ = "search_key"
    __table_args__ = ({"sqlite_with_rowid": False},)

    kind: KeyKind = Field(
        sa_column=Column(EnumText(KeyKind, 16, "search_key.kind"), primary_key=True)
    )
    key: str = Field(sa_column=Column(_KEY, primary_key=True))
    gift_id: uuid.UUID = Field(primary_key=True)
