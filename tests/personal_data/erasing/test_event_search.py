"""The events that name a donor are found before the erasure locks anything."""

from collections.abc import Callable

import pytest

from donate.errors import Conflict
from donate.gifts.donor_profiles.models import DonorProfile
from donate.personal_data.erasing import event_search, request
from donate.personal_data.erasing.event_search import FoundEvents, find_events
from donate.personal_data.erasing.traces import Traces
from donate.storage.database import Database
from tests.gifts.samples import open_gift_of
from tests.personal_data.erasing.carrying_out import EMAIL, NAME, erase
from tests.retention.pruned import record_newest
from tests.stripe_gateway.gifts_and_events import event, event_now, settle

Meanwhile = Callable[[Callable[[], None]], None]


@pytest.fixture
def meanwhile(monkeypatch: pytest.MonkeyPatch) -> Meanwhile:
    """Return a function that lets something happen while events are searched."""

    def happens(act: Callable[[], None]) -> None:
        def find(database: Database, traces: Traces) -> FoundEvents:
            act()
            return find_events(database, traces)

        monkeypatch.setattr(request, "find_events", find)

    return happens


def test_every_range_of_ids_is_read(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Events are found wherever their ids begin and end, and each by its address alone."""
    monkeypatch.setattr(event_search, "_IDS_AT_A_TIME", 2)
    named = [event("customer.created", {"id": f"cus_{n}", "email": EMAIL}) for n in range(5)]
    others = [event("customer.created", {"id": f"cus_x{n}", "name": NAME}) for n in range(5)]
    for pair in zip(named, others, strict=True):
        settle(database, *pair)
    found = find_events(database, Traces([EMAIL], [NAME]))
    assert found.ids == {event_now(database, each).id for each in named}


def test_others_write_while_events_are_searched(database: Database, meanwhile: Meanwhile) -> None:
    """The search holds no lock. What arrives meanwhile for the donor's gift is erased, too."""
    gift = open_gift_of(database, "canary", name=NAME, email=EMAIL)
    late = event("customer.created", {"id": "cus_1", "phone": "4242123"})

    def arrive() -> None:
        settle(database, late)
        with database.writing() as session:
            session.merge(event_now(database, late)).gift_id = gift.id

    meanwhile(arrive)
    record_newest(database)
    erase(database, gift)
    assert b"4242123" not in bytes(event_now(database, late).payload)


def test_a_new_name_meanwhile_stops_the_erasure(database: Database, meanwhile: Meanwhile) -> None:
    """If the donor's address changes during the search, nothing is erased."""
    gift = open_gift_of(database, "canary", name=NAME, email=EMAIL)

    def change() -> None:
        with database.writing() as session:
            session.get_one(DonorProfile, gift.profile_id).email = "other@example.com"

    meanwhile(change)
    record_newest(database)
    with pytest.raises(Conflict, match="a moment ago"):
        erase(database, gift)
    with database.reading() as session:
        assert session.get_one(DonorProfile, gift.profile_id).name == NAME
