"""Regions that remind donors, and gifts whose payment page the donor left."""

from datetime import datetime
from typing import Any

from sqlalchemy import update

from donate.gifts.facts import FactKind
from donate.gifts.models import Gift
from donate.regions.regions import Region, Regions, load_regions
from donate.regions.terms import PublicName, Reminder
from donate.storage.database import Database
from tests.letters.facts import tell
from tests.stripe_gateway.gifts_and_events import NOW, give


def reminding(after_hours: int = 24, region: Region | None = None) -> Regions:
    """Return a region that reminds donors after this many hours."""
    region = region or load_regions()["LWCAN"]
    who = {"name": PublicName(en="Roof Fund", fr="Roof Fund"), "address": "1 Main St, Ottawa"}
    organisation = region.organisation.model_copy(update=who)
    more = {"organisation": organisation, "reminder": Reminder(after_hours=after_hours)}
    return Regions({region.code: region.model_copy(update=more)})


def leave(
    database: Database, email: str = "ann@example.com", at: datetime = NOW, **options: Any
) -> Gift:
    """Open a gift, open Stripe's page and leave it, until the session expires."""
    gift = give(database, email=email, **options)
    session_id = f"cs_{gift.id}"
    tell(database, gift, FactKind.CHECKOUT_OPENED, session_id)
    tell(database, gift, FactKind.CHECKOUT_EXPIRED, session_id)
    with database.writing() as session:
        opened = {"opened_at": at, "opened_on": at.date()}
        session.execute(update(Gift).where(Gift.id == gift.id).values(opened))  # type: ignore[arg-type]
    return gift
