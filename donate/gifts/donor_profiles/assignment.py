"""Assigns a donor profile to a gift in the transaction that opens the gift. It never commits."""

from datetime import datetime
from functools import cache
from typing import Any, Final

from sqlalchemy import bindparam, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session

from donate.errors import DonateError
from donate.gifts.donor_profiles.models import DonorKind, DonorNameWord, DonorProfile
from donate.gifts.donor_profiles.rules import email_key, name_words
from donate.gifts.models import Donor
from donate.storage.bulk_writes import table_of

_PROFILE: Final = table_of(DonorProfile)
_BY_KEY: Final = select(_PROFILE.c.id, _PROFILE.c.name).where(
    _PROFILE.c.email_key == bindparam("email_key"), _PROFILE.c.email_key != ""
)
_ATTEMPTS: Final = 3


def assign_profile(
    session: Session,
    donor: Donor,
    *,
    now: datetime,
    chosen: int | None = None,
    kind: DonorKind = DonorKind.UNKNOWN,
) -> int:
    """Return the id of the profile to which a new gift belongs; create the profile if needed.

    A profile with the donor's e-mail address is used if there is one. A gift without an address
    gets the profile `chosen` by staff, or else a new profile of the given `kind`, because nothing
    else shows who gave it.
    """
    key = email_key(donor.email)
    if not key and chosen is not None:
        return chosen
    for _ in range(_ATTEMPTS):
        found = session.execute(_BY_KEY, {"email_key": key}).first() if key else None
        if found is not None:
            if found.name != donor.name:
                add_name_words(session, found.id, donor.name)
            return int(found.id)
        # If another transaction is inserting the same address, this statement waits until that
        # transaction ends, and inserts nothing. The next attempt then finds the row.
        new = session.execute(
            _insert(_dialect(session)), new_profile(donor, now) | {"kind": kind}
        ).first()
        if new is not None:
            add_name_words(session, new.id, donor.name)
            return int(new.id)
    raise DonateError("a donor profile appeared and disappeared again")


def new_profile(donor: Any, now: datetime) -> dict[str, Any]:
    """Return the columns of a new profile, with the values that were typed with its first gift."""
    return {
        "email": donor.email,
        "email_key": email_key(donor.email),
        "name": donor.name,
        "kind": DonorKind.UNKNOWN,
        "first_name": "",
        "initial": "",
        "language": donor.language,
        "street": "",
        "city": "",
        "province": "",
        "postal_code": "",
        "country": donor.country,
        "version": 1,
        "created_at": now,
    }


def add_name_words(session: Session, profile_id: int, name: str) -> None:
    """Store the words of this name, so that searches find the profile by them too."""
    rows = [{"word": word, "profile_id": profile_id} for word in sorted(name_words(name))]
    if rows:
        session.connection().execute(_insert_words(_dialect(session)), rows)


def _dialect(session: Session) -> str:
    return session.get_bind().dialect.name


@cache
def _insert(dialect: str) -> Any:
    insert = (sqlite if dialect == "sqlite" else postgresql).insert(_PROFILE)
    return insert.on_conflict_do_nothing().returning(_PROFILE.c.id)


@cache
def _insert_words(dialect: str) -> Any:
    words = table_of(DonorNameWord)
    return (sqlite if dialect == "sqlite" else postgresql).insert(words).on_conflict_do_nothing()
