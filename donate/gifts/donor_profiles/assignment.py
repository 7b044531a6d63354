"""Assigns a donor profile to a gift in the transaction that opens the gift. It never commits."""

from collections.abc import Iterable
from dataclasses import dataclass
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
# This takes the lock that the gift's foreign key needs anyway. While the donor is being erased, it
# waits, and then finds no profile with the address.
_BY_KEY: Final = (
    select(_PROFILE.c.id, _PROFILE.c.name)
    .where(_PROFILE.c.email_key == bindparam("email_key"), _PROFILE.c.email_key != "")
    .with_for_update(read=True, key_share=True)
)
_ATTEMPTS: Final = 3


@dataclass(frozen=True, slots=True)
class ProfileWanted:
    """What decides which profile a gift gets; `assign_profile` says how."""

    donor: Donor
    chosen: int | None = None
    kind: DonorKind = DonorKind.UNKNOWN


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
    return assign_profiles(session, [ProfileWanted(donor, chosen, kind)], now=now)[0]


def assign_profiles(
    session: Session, wanted: Iterable[ProfileWanted], *, now: datetime
) -> list[int]:
    """Assign a profile for each gift, like `assign_profile`; return the ids in the same order."""
    assigned: list[int] = []
    new_names: list[tuple[int, str]] = []
    for one in wanted:
        if one.chosen is not None and not email_key(one.donor.email):
            assigned.append(one.chosen)
            continue
        profile_id, stored_name = _find_or_create(session, one, now)
        assigned.append(profile_id)
        if stored_name != one.donor.name:
            new_names.append((profile_id, one.donor.name))
    add_name_words(session, new_names)
    return assigned


def _find_or_create(
    session: Session, wanted: ProfileWanted, now: datetime
) -> tuple[int, str | None]:
    """Return the id of the donor's profile and its name, or None as the name if it is new."""
    key = email_key(wanted.donor.email)
    for _ in range(_ATTEMPTS):
        found = session.execute(_BY_KEY, {"email_key": key}).first() if key else None
        if found is not None:
            return int(found.id), str(found.name)
        # If another transaction is inserting the same address, this statement waits until that
        # transaction ends, and inserts nothing. The next attempt then finds the row.
        values = new_profile(wanted.donor, now) | {"kind": wanted.kind}
        new = session.execute(_insert(_dialect(session)), values).first()
        if new is not None:
            return int(new.id), None
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


def add_name_words(session: Session, names: Iterable[tuple[int, str]]) -> None:
    """Store the words of each profile's name, so that searches find the profile by them."""
    rows = [
        {"word": word, "profile_id": profile_id}
        for profile_id, name in names
        for word in sorted(name_words(name))
    ]
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
