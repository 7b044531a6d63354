"""The tables of donor profiles, and of staff's edits, notes and merges.

A profile has the gifts of one e-mail address. The table `donor` keeps what was typed with each
gift. If a person used two addresses, staff merge the two profiles. A row of `donor_merge` records
this, and both profiles keep their gifts and their own values.
"""

from datetime import datetime
from enum import StrEnum
from typing import Final

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, String, text
from sqlmodel import Field, SQLModel

from donate.storage.column_types import EnumText, RowNumber, UtcDateTime

MAX_WORD: Final = 64
MAX_NOTE_TEXT: Final = 2_000

_HAS_EMAIL = text("email_key <> ''")
_IS_MAIN = text("merged_into_id IS NULL")
_IS_IN_FORCE = text("undone_at IS NULL")


def _sorted_by_bytes(length: int) -> String:
    """Return a type for text columns that every database sorts by code point.

    A search for texts with a given beginning reads a range of an index. By default, PostgreSQL
    sorts by the rules of a language, and then some of these texts would be outside of the range.
    """
    return String(length).with_variant(String(length, collation="C"), "postgresql")


class DonorKind(StrEnum):
    """Whether a donor is a person, an organisation and so on. Tax rules treat these differently."""

    UNKNOWN = "unknown"  # The kind is not decided yet. A typed name does not show it.
    PERSON = "person"
    ORGANISATION = "organisation"
    CHARITY = "charity"  # The donor is itself a registered charity, or a government.
    ANONYMOUS = "anonymous"


class DonorProfile(SQLModel, table=True):
    """A donor as staff know them. New profiles have the values typed with the first gift."""

    __tablename__ = "donor_profile"
    __table_args__ = (
        Index(
            "donor_profile_email",
            "email_key",
            unique=True,
            sqlite_where=_HAS_EMAIL,
            postgresql_where=_HAS_EMAIL,
        ),
        Index("donor_profile_merged", "merged_into_id"),
        Index("donor_profile_newest", "id", sqlite_where=_IS_MAIN, postgresql_where=_IS_MAIN),
        CheckConstraint("merged_into_id <> id", name="donor_profile_is_not_in_itself"),
        CheckConstraint("version > 0", name="donor_profile_version_is_positive"),
    )

    id: int | None = Field(default=None, sa_column=Column(RowNumber, primary_key=True))
    # The e-mail address as it was first typed, and in the form that rules.email_key returns for
    # comparing addresses. Both may be empty.
    email: str = Field(max_length=254)
    email_key: str = Field(sa_type=_sorted_by_bytes(254))
    name: str = Field(max_length=200)
    kind: DonorKind = Field(sa_type=EnumText(DonorKind, 16, "donor_profile.kind"))
    first_name: str = Field(default="", max_length=100)
    initial: str = Field(default="", max_length=10)
    language: str = Field(max_length=16)
    street: str = Field(default="", max_length=200)
    city: str = Field(default="", max_length=100)
    province: str = Field(default="", max_length=100)
    postal_code: str = Field(default="", max_length=20)
    country: str = Field(max_length=2)
    # The main profile of the group into which staff merged this one; None for a main profile.
    merged_into_id: int | None = Field(
        default=None, foreign_key="donor_profile.id", sa_type=BigInteger
    )
    # Increases with each change by staff. A form that shows an older version is refused.
    version: int = 1
    created_at: datetime = Field(sa_type=UtcDateTime)
    # When the donor's data were erased, if they were.
    erased_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class DonorNameWord(SQLModel, table=True):
    """A word of a name that donors typed or staff entered, in lower case and without accents."""

    __tablename__ = "donor_name_word"
    # A search for several words finds profiles by one word, then uses this index to check whether
    # they have the other words too.
    __table_args__ = (Index("donor_name_word_of_profile", "profile_id", "word"),)

    word: str = Field(
        sa_column=Column(_sorted_by_bytes(MAX_WORD), primary_key=True, nullable=False)
    )
    profile_id: int = Field(primary_key=True, foreign_key="donor_profile.id", sa_type=BigInteger)


class DonorEdit(SQLModel, table=True):
    """A change of one field of a profile by staff, with the old and the new value."""

    __tablename__ = "donor_edit"
    __table_args__ = (Index("donor_edit_of_profile", "profile_id", "id"),)

    id: int | None = Field(default=None, sa_column=Column(RowNumber, primary_key=True))
    profile_id: int = Field(foreign_key="donor_profile.id", sa_type=BigInteger)
    # The version of the profile that this edit made.
    version: int
    field: str = Field(max_length=32)
    old: str = Field(max_length=254)
    new: str = Field(max_length=254)
    edited_by: str = Field(max_length=64)
    edited_at: datetime = Field(sa_type=UtcDateTime)


class DonorNote(SQLModel, table=True):
    """A note of staff about a donor. It is never changed; another note corrects it."""

    __tablename__ = "donor_note"
    __table_args__ = (
        CheckConstraint(f"length(text) <= {MAX_NOTE_TEXT}", name="donor_note_is_short"),
        Index("donor_note_of_profile", "profile_id", "id"),
    )

    id: int | None = Field(default=None, sa_column=Column(RowNumber, primary_key=True))
    profile_id: int = Field(foreign_key="donor_profile.id", sa_type=BigInteger)
    form_key: str = Field(max_length=64, unique=True)
    text: str = Field(max_length=MAX_NOTE_TEXT)
    # A note has at most one correction. The correction may itself be corrected.
    corrects_id: int | None = Field(
        default=None, foreign_key="donor_note.id", sa_type=BigInteger, unique=True
    )
    written_by: str = Field(max_length=64)
    written_at: datetime = Field(sa_type=UtcDateTime)


class DonorMerge(SQLModel, table=True):
    """A merge: staff found that two profiles are the same donor. It can be undone."""

    __tablename__ = "donor_merge"
    __table_args__ = (
        Index(
            "donor_merge_in_force",
            "profile_id",
            unique=True,
            sqlite_where=_IS_IN_FORCE,
            postgresql_where=_IS_IN_FORCE,
        ),
        Index("donor_merge_of_profile", "profile_id"),
        Index("donor_merge_into", "into_id"),
        CheckConstraint("profile_id <> into_id", name="donor_merge_joins_two"),
        CheckConstraint(
            "(undone_at IS NULL) = (undone_by = '')", name="donor_merge_undone_has_a_person"
        ),
    )

    id: int | None = Field(default=None, sa_column=Column(RowNumber, primary_key=True))
    profile_id: int = Field(foreign_key="donor_profile.id", sa_type=BigInteger)
    into_id: int = Field(foreign_key="donor_profile.id", sa_type=BigInteger)
    why: str = Field(max_length=500)
    merged_by: str = Field(max_length=64)
    merged_at: datetime = Field(sa_type=UtcDateTime)
    undone_by: str = Field(default="", max_length=64)
    undone_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
