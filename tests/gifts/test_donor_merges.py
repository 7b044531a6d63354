"""Staff merge two profiles of one donor, undo it, change values and write notes."""

import itertools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import col, select

from donate.errors import Conflict, NotFound
from donate.gifts.audit import differences
from donate.gifts.donor_profiles.editing import add_note, edit_profile, lock_profile
from donate.gifts.donor_profiles.merging import undo_merge
from donate.gifts.donor_profiles.models import (
    DonorEdit,
    DonorKind,
    DonorMerge,
    DonorNote,
    DonorProfile,
)
from donate.gifts.donor_profiles.queries import (
    find_donor_profiles,
    gifts_of_donor,
    group_ids,
    members_of,
    profile_of_gift,
)
from donate.gifts.donor_profiles.rules import DonorDetails
from donate.gifts.models import Gift
from donate.storage.database import Database
from tests.blocking import until_it_waits
from tests.gifts.donors import merge, open_donors, profiles, versions
from tests.gifts.samples import NOW, open_gift_of
from tests.real_parts import Postgres

LATER = NOW + timedelta(days=1)


def undo(database: Database, merge_id: int | None, main: int) -> bool:
    assert merge_id is not None
    with database.writing() as session:
        return undo_merge(session, merge_id, main, actor="staff:2", now=LATER) is not None


def gift_keys(database: Database, main: int) -> list[str]:
    with database.reading() as session:
        profile = session.get_one(DonorProfile, main)
        ids = group_ids(profile, members_of(session, profile))
        return sorted(one.gift.form_key for one in gifts_of_donor(session, ids, limit=50))


def check_audit(database: Database) -> None:
    with database.reading_snapshot() as session:
        assert list(differences(session)) == []


def test_a_merge_joins_gifts_and_destroys_nothing(database: Database) -> None:
    """After a merge the main donor has both gifts; the other profile keeps its values."""
    one, main = open_donors(database, 2)
    before = profiles(database)
    assert merge(database, one, main)
    assert gift_keys(database, main) == ["form-0", "form-1"]
    after = profiles(database)
    assert after == [before[0] | {"merged_into_id": main}, before[1]]
    with database.reading() as session:
        (row,) = session.exec(select(DonorMerge))
        assert (row.profile_id, row.into_id, row.why) == (one, main, "Same person")
        assert (row.merged_by, row.merged_at, row.undone_at) == ("staff:1", NOW, None)
        gift = session.exec(select(Gift).where(Gift.form_key == "form-0")).one()
        assert profile_of_gift(session, gift).id == main
        assert [each.main.id for each in find_donor_profiles(session, "d0@", 9)] == [main]
    check_audit(database)


def test_undoing_a_merge_restores_exactly(database: Database) -> None:
    """After an undo both profiles are as before, and a new gift has the profile of its address."""
    one, main = open_donors(database, 2)
    before = profiles(database)
    merge_id = merge(database, one, main)
    open_gift_of(database, "later", email="d0@example.com")
    assert gift_keys(database, main) == ["form-0", "form-1", "later"]
    assert undo(database, merge_id, main)
    assert profiles(database) == before
    assert gift_keys(database, one) == ["form-0", "later"]
    assert gift_keys(database, main) == ["form-1"]
    assert not undo(database, merge_id, main)
    assert merge(database, one, main) != merge_id
    check_audit(database)


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_merges_of_merged_donors_are_undone_in_any_order(
    database: Database, order: tuple[int, ...]
) -> None:
    """In whatever order three merges are undone, each undo takes back only its own merge."""
    a, b, c, d = open_donors(database, 4)
    before = profiles(database)
    edges = [(a, b), (b, c), (d, c)]
    made = [merge(database, *edge) for edge in edges]
    assert {row["merged_into_id"] for row in profiles(database)} == {c, None}
    left = dict(edges)
    for number in order:
        profile_id = edges[number][0]
        main = {row["id"]: row["merged_into_id"] for row in profiles(database)}[profile_id]
        assert undo(database, made[number], main)
        del left[profile_id]
        for row in profiles(database):
            expected = row["id"]
            while expected in left:
                expected = left[expected]
            assert row["merged_into_id"] == (None if expected == row["id"] else expected)
        check_audit(database)
    assert profiles(database) == before


def test_the_second_of_two_merges_is_told(database: Database) -> None:
    """A merge is refused if a donor changed meanwhile; a merge that is repeated has no effect."""
    a, b, c = open_donors(database, 3)
    seen = versions(database, a, b)
    assert merge(database, a, b)
    assert merge(database, a, b, versions=seen) is None
    with pytest.raises(Conflict, match="merged"):
        merge(database, a, c, versions=(1, 1))
    with pytest.raises(Conflict, match="changed"):
        merge(database, c, b, versions=(1, 1))
    with pytest.raises(Conflict, match="merged"):
        merge(database, c, a, versions=(1, 2))
    for stray in ((a, a), (a, 999), (999, a)):
        with pytest.raises(NotFound):
            merge(database, *stray, versions=(1, 1))


def test_a_merge_is_undone_only_where_it_is_shown(database: Database) -> None:
    """A merge is undone only for the donor who is now its main donor; for others it is refused."""
    a, b, c, d = open_donors(database, 4)
    merge_id = merge(database, a, b)
    for main in (c, a, 999):
        with pytest.raises((NotFound, Conflict)):
            undo(database, merge_id, main)
    with pytest.raises(NotFound):
        undo(database, 999, b)
    merge(database, b, d)
    with pytest.raises(Conflict, match="merged"):
        undo(database, merge_id, b)
    assert undo(database, merge_id, d)
    check_audit(database)


def edit(database: Database, profile_id: int, version: int, **more: Any) -> list[str]:
    with database.writing() as session:
        profile = session.get_one(DonorProfile, profile_id)
        fields = DonorDetails.__dataclass_fields__
        values = {name: getattr(profile, name) for name in fields} | more
        return edit_profile(
            session, profile_id, DonorDetails(**values), version=version, actor="staff:1", now=NOW
        )


def test_an_edit_keeps_the_old_value(database: Database) -> None:
    """Each changed field is kept with its old and new value, who changed it, and when."""
    (one,) = open_donors(database, 1)
    changed = edit(database, one, 1, kind=DonorKind.PERSON, name="Ann Roy", city="Québec")
    assert changed == ["name", "kind", "city"]
    with database.reading() as session:
        rows = session.exec(select(DonorEdit).order_by(col(DonorEdit.id))).all()
        assert [(row.field, row.old, row.new, row.version) for row in rows] == [
            ("name", "Ann Lee", "Ann Roy", 2),
            ("kind", "unknown", "person", 2),
            ("city", "", "Québec", 2),
        ]
        assert {(row.edited_by, row.edited_at) for row in rows} == {("staff:1", NOW)}
        for name in ("roy", "lee"):
            assert len(find_donor_profiles(session, name, 9)) == 1
    assert edit(database, one, 1) == []
    with pytest.raises(Conflict, match="Someone"):
        edit(database, one, 1, city="Montréal")


def note(database: Database, about: int, key: str, corrects: int | None = None) -> bool:
    with database.writing() as session:
        return add_note(
            session, about, "Met him", form_key=key, corrects=corrects, actor="staff:1", now=NOW
        )


def test_a_note_is_written_once_and_corrected_once(database: Database) -> None:
    """A note is added once per form and corrected once; both notes are of the same donor."""
    one, other = open_donors(database, 2)
    assert note(database, one, "k1")
    assert not note(database, one, "k1")
    with database.reading() as session:
        first = session.exec(select(DonorNote.id)).one()
    assert note(database, one, "k2", corrects=first)
    assert not note(database, one, "k2", corrects=first)
    with pytest.raises(Conflict, match="corrected"):
        note(database, one, "k3", corrects=first)
    with pytest.raises(NotFound):
        note(database, other, "k4", corrects=first)
    with pytest.raises(NotFound):
        note(database, 999, "k5")


Clerk = Callable[[Database, int, int, str], object]


def edit_city(database: Database, one: int, _: int, city: str) -> object:
    return edit(database, one, 1, city=city)


def merge_into(database: Database, one: int, other: int, _: str) -> object:
    return merge(database, one, other, versions=(1, 1))


@pytest.mark.parametrize("second", [edit_city, merge_into])
@pytest.mark.parametrize("first", [edit_city, merge_into])
def test_of_two_clerks_at_once_the_second_is_told(
    postgres: Postgres, first: Clerk, second: Clerk
) -> None:
    """On PostgreSQL the second clerk waits for the first one's commit, and is then refused."""
    database = Database(postgres.fresh_url())
    one, b, c = open_donors(database, 3)
    with ThreadPoolExecutor(2) as threads:
        with database.writing() as session:
            lock_profile(session, one)
            start = threads.submit(first, database, one, b, "Laval")
            until_it_waits(database, start)
        start.result()
        with pytest.raises(Conflict):
            threads.submit(second, database, one, c, "Gaspé").result()
    check_audit(database)
    database.close()


def test_gifts_are_opened_while_their_donor_is_locked(postgres: Postgres) -> None:
    """A gift is opened at once, even if a clerk's transaction holds the lock of the donor."""
    database = Database(postgres.fresh_url())
    (one,) = open_donors(database, 1)
    with ThreadPoolExecutor(1) as threads, database.writing() as session:
        lock_profile(session, one)
        gift = threads.submit(open_gift_of, database, "new", email="d0@example.com").result(10)
    assert gift.profile_id == one
    database.close()
