"""A gift that is opened while its donor is erased is erased too, or belongs to a new donor."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest

from donate.errors import Conflict
from donate.gifts.donor_profiles.merging import merge_profiles
from donate.gifts.donor_profiles.models import DonorProfile
from donate.gifts.models import Gift
from donate.gifts.queries import donor_of
from donate.personal_data.erasing import request
from donate.personal_data.erasing.erasing import erase_donor
from donate.storage.database import Database
from tests.blocking import until_it_waits
from tests.gifts.samples import open_gift_of, open_one
from tests.personal_data.erasing.carrying_out import EMAIL, NAME, erase
from tests.real_parts import Postgres
from tests.retention.pruned import record_newest
from tests.stripe_gateway.gifts_and_events import NOW

OTHER_EMAIL = "k.vogel@example.com"


@pytest.fixture
def database(postgres: Postgres) -> Iterator[Database]:
    database = Database(postgres.fresh_url())
    yield database
    database.close()


@pytest.fixture
def gift(database: Database) -> Gift:
    """Return a gift of a donor with two addresses, whose profiles staff have merged."""
    first = open_gift_of(database, "first", name=NAME, email=EMAIL)
    other = open_gift_of(database, "other", name=NAME, email=OTHER_EMAIL)
    with database.writing() as session:
        merged, main = sorted(each.profile_id or 0 for each in (first, other))
        merge_profiles(session, merged, main, versions=(1, 1), why="", actor="staff:1", now=NOW)
    record_newest(database)
    return first


@pytest.mark.parametrize("email", [EMAIL, OTHER_EMAIL])
def test_a_gift_that_comes_later_is_of_a_new_donor(
    monkeypatch: pytest.MonkeyPatch, database: Database, gift: Gift, email: str
) -> None:
    """It waits until the donor is erased, and then finds no profile with its address."""
    work: list[Future[Gift]] = []
    with ThreadPoolExecutor(1) as pool:

        def erase_meanwhile(*arguments: Any, **more: Any) -> int:
            work.append(pool.submit(open_gift_of, database, "later", name=NAME, email=email))
            until_it_waits(database, work[0])
            return erase_donor(*arguments, **more)

        monkeypatch.setattr(request, "erase_donor", erase_meanwhile)
        erase(database, gift)
        later = work[0].result()
    with database.reading() as session:
        profile = session.get_one(DonorProfile, later.profile_id)
        assert (profile.name, profile.erased_at, profile.merged_into_id) == (NAME, None, None)


@pytest.mark.parametrize("email", [EMAIL, OTHER_EMAIL])
def test_a_gift_that_comes_first_is_erased_too(database: Database, gift: Gift, email: str) -> None:
    """Erasing waits until the gift is there, and then erases it or asks to try again."""
    with ThreadPoolExecutor(1) as pool:
        with database.writing() as session:
            first = open_one(session, "at once", name=NAME, email=email)
            erasing = pool.submit(erase, database, gift)
            until_it_waits(database, erasing)
        try:
            erasing.result()
        except Conflict:  # the gift is so new that the hash chain does not cover it
            record_newest(database)
            erase(database, gift)
    with database.reading() as session:
        assert NAME not in str(donor_of(session, first).model_dump())
