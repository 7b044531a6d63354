"""A migration gives the gifts of old databases their donor profiles."""

from datetime import timedelta

import sqlalchemy as sa
from sqlmodel import col, select

from donate.gifts.audit import differences
from donate.gifts.donor_profiles.models import DonorProfile
from donate.gifts.donor_profiles.queries import find_donor_profiles
from donate.gifts.facts import FactKind
from donate.gifts.models import Gift
from donate.storage.database import Database
from tests.gifts.samples import open_one
from tests.letters.facts import tell
from tests.stripe_gateway.gifts_and_events import NOW
from tests.upgrading import as_before, upgrade_to, without_profiles


def test_migration_0014_gives_each_gift_its_donor_profile(database: Database) -> None:
    """Migration 0014 gives all gifts of one address one profile, whatever the case of its letters.

    The audit agrees. The profile has the values of the first gift, and is found by each name that
    was typed.
    """
    people = [("Ann Lee", "ann@example.com"), ("Zoë", "zoe@example.com")]
    people += [("A. Côté", "Ann@Example.com"), ("Ann Lee", "ann+1@example.com")]
    gifts = []
    for number, (name, email) in enumerate(people):
        with database.writing() as session:
            opened_at = NOW + timedelta(minutes=number)
            of_donor = {"name": name, "email": email, "mode": "interac"}
            gifts.append(open_one(session, f"form-{number}", now=opened_at, **of_donor))
        tell(database, gifts[-1], FactKind.TRANSFER_RECEIVED, f"C{number}")
    with database.writing() as session:
        for statement in (
            *without_profiles(database),
            as_before("0014"),
        ):
            session.execute(sa.text(statement))
    upgrade_to("0014", database)
    # A later migration adds this column, which the model reads.
    with database.writing() as session:
        session.execute(sa.text("ALTER TABLE donor_profile ADD COLUMN erased_at TIMESTAMP NULL"))
    with database.reading_snapshot() as session:
        assert list(differences(session)) == []
        profiles = session.exec(select(DonorProfile).order_by(col(DonorProfile.id))).all()
        assert [(one.email_key, one.name, one.kind) for one in profiles] == [
            ("ann@example.com", "Ann Lee", "unknown"),
            ("zoe@example.com", "Zoë", "unknown"),
            ("ann+1@example.com", "Ann Lee", "unknown"),
        ]
        first, _, third, _ = (session.get_one(Gift, gift.id).profile_id for gift in gifts)
        assert first == third == profiles[0].id
        for typed, found in (("cote", 1), ("lee ann", 2), ("zo", 1), ("ann@", 1)):
            assert len(find_donor_profiles(session, typed, 9)) == found, typed
