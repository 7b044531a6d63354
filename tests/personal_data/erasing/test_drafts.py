"""Erasing a donor whose cheque is not a gift yet, or never became one."""

from datetime import date

import pytest
import sqlalchemy as sa

from donate.errors import Conflict
from donate.gifts.donor_profiles.models import DonorProfile
from donate.gifts.models import Gift
from donate.gifts.offline.batches import add_draft, remove_draft, start_batch
from donate.gifts.offline.models import OfflineEntry
from donate.gifts.offline.rules import EnteredGift
from donate.money import Money
from donate.personal_data.collecting import held_rows
from donate.personal_data.donor_scope import scope_for_staff
from donate.regions.modes import Mode
from donate.storage.database import Database
from tests.gifts.samples import open_gift_of
from tests.personal_data.erasing.carrying_out import EMAIL, NAME, erase
from tests.retention.pruned import record_newest
from tests.stripe_gateway.gifts_and_events import NOW
from tests.upgrading import as_before, upgrade_to

ENTERED = EnteredGift(
    code="LWCAN",
    mode=Mode.CHEQUE,
    fund="",
    amount=Money(15_000, "CAD"),
    received_on=date(2026, 3, 1),
    profile_id=None,
    donor_name=NAME,
    donor_email=EMAIL,
    donor_address="Zeisigweg 3",
    language="en-CA",
    sends_thanks=False,
    cheque_number="0042",
    cheque_day=None,
    bank_name="",
    note="From Kanaria",
)


def draft_of(database: Database) -> OfflineEntry:
    with database.writing() as session:
        batch, _ = start_batch(
            session, "Sunday", date(2026, 3, 1), {"CAD": (1, 15_000)}, "b" * 24, actor="", now=NOW
        )
        assert batch.id
        return add_draft(session, batch.id, ENTERED, "e" * 24, actor="staff:1", now=NOW).entry


def held_entries(database: Database, gift: Gift) -> int:
    with database.reading() as session:
        main = session.get_one(DonorProfile, gift.profile_id)
        return len(held_rows(session, scope_for_staff(session, main))["offline_entry"])


def texts_of(database: Database, number: int | None) -> set[str]:
    with database.reading() as session:
        entry = session.get_one(OfflineEntry, number)
        return {entry.donor_name, entry.donor_email, entry.donor_address, entry.note}


def test_an_open_draft_comes_first(database: Database) -> None:
    """A draft with the donor's address is found. It is removed or becomes a gift before erasing."""
    gift = open_gift_of(database, "canary", name=NAME, email=EMAIL)
    draft = draft_of(database)
    assert held_entries(database, gift) == 1
    record_newest(database)
    with pytest.raises(Conflict, match="has an entry of this donor"):
        erase(database, gift)
    with database.writing() as session:
        remove_draft(session, draft.batch_id or 0, draft.id or 0)
    assert texts_of(database, draft.id) == {""}
    erase(database, gift)


def test_migration_0047_empties_removed_drafts(database: Database) -> None:
    """Migration 0047 takes the donor's texts out of drafts that were removed before it."""
    draft = draft_of(database)
    with database.writing() as session:
        remove_draft(session, draft.batch_id or 0, draft.id or 0)
    with database.writing() as session:
        for statement in (
            "UPDATE offline_entry SET donor_name = 'Ann', donor_email = 'a@b.ca', note = 'x'",
            "DROP INDEX stripe_event_tied",
            as_before("0047"),
        ):
            session.execute(sa.text(statement))
    upgrade_to("0047", database)
    assert texts_of(database, draft.id) == {""}
