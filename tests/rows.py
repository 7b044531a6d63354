"""Makes donors for tests of the database, and counts the stored ones."""

from typing import Any

from sqlmodel import func, select

from donate.gifts.models import Donor
from donate.storage.database import Database


def donor(email: str = "ann@example.com", **more: Any) -> Donor:
    return Donor(**({"name": "Ann", "email": email, "country": "CA", "language": "en-CA"} | more))


def donors(database: Database) -> int:
    with database.reading() as session:
        return session.exec(select(func.count()).select_from(Donor)).one()
