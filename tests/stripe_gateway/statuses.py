"""A helper that reads the status and the amounts of a gift."""

from donate.gifts.audit import differences
from donate.gifts.models import Gift
from donate.storage.database import Database
from tests.stripe_gateway.gifts_and_events import gift_now

COMPLETED = "checkout.session.completed"


def status_of(database: Database, gift: Gift) -> tuple[str, int, int, str]:
    """Audit all facts, and return the gift's status, received amount, net and flags."""
    with database.reading_snapshot() as session:
        assert list(differences(session)) == []
    now = gift_now(database, gift)
    return now.status, now.received_minor, now.net_minor, now.flags
