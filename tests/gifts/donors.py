"""Opens gifts of some donors, and merges their profiles."""

from typing import Any

from sqlmodel import col, select

from donate.gifts.donor_profiles.merging import merge_profiles
from donate.gifts.donor_profiles.models import DonorProfile
from donate.storage.database import Database
from tests.gifts.samples import NOW, open_gift_of, paid, record


def open_donors(database: Database, how_many: int) -> list[int]:
    """Open a paid gift for each of `how_many` donors, and return the ids of their profiles."""
    for number in range(how_many):
        gift = open_gift_of(database, f"form-{number}", email=f"d{number}@example.com")
        record(database, gift, paid(f"pi_{number}"))
    with database.reading() as session:
        return list(session.exec(select(DonorProfile.id).order_by(col(DonorProfile.id))))  # type: ignore[arg-type]


def profiles(database: Database) -> list[dict[str, Any]]:
    with database.reading() as session:
        rows = session.exec(select(DonorProfile).order_by(col(DonorProfile.id)))
        return [row.model_dump(exclude={"version"}) for row in rows]


def versions(database: Database, *ids: int) -> tuple[int, ...]:
    with database.reading() as session:
        return tuple(session.get_one(DonorProfile, one).version for one in ids)


def merge(database: Database, one: int, into: int, **more: Any) -> int | None:
    seen: Any = more.pop("versions", None) or versions(database, one, into)
    with database.writing() as session:
        merged = merge_profiles(
            session, one, into, versions=seen, why="Same person", actor="staff:1", now=NOW
        )
        return merged.id if merged else None
