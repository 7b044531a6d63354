"""Gifts of one e-mail address share a donor profile, which searches find."""

import threading
from concurrent.futures import Future, ThreadPoolExecutor

import pytest
import sqlalchemy as sa
from sqlmodel import Session, col, select

from donate.gifts.audit import differences
from donate.gifts.donor_profiles.assignment import assign_profile
from donate.gifts.donor_profiles.models import DonorNameWord, DonorProfile
from donate.gifts.donor_profiles.queries import find_donor_profiles
from donate.gifts.donor_profiles.rules import email_key, name_words
from donate.gifts.models import Donor, Gift
from donate.gifts.opening import open_month
from donate.money import Money
from donate.storage.database import Database
from tests.blocking import until_it_waits
from tests.gifts.samples import NOW, open_gift_of, open_one, paid, record
from tests.real_parts import Postgres
from tests.rows import donor


def profiles(database: Database) -> list[DonorProfile]:
    with database.reading() as session:
        return list(session.exec(select(DonorProfile).order_by(col(DonorProfile.id))))


def profile_ids(database: Database) -> list[int | None]:
    with database.reading() as session:
        return list(session.exec(select(Gift.profile_id).order_by(col(Gift.form_key))))


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        pytest.param("ann@example.com", "ANN@EXAMPLE.COM", True, id="case"),
        pytest.param("ann@example.com", "ann+gifts@example.com", False, id="plus tag"),
        pytest.param("ann.lee@gmail.com", "annlee@gmail.com", False, id="dots"),
        pytest.param("ann@fass.example", "ann@faß.example", False, id="sharp s in the domain"),
    ],
)
def test_addresses_are_compared_in_lower_case_only(one: str, other: str, same: bool) -> None:
    """Two addresses are the same donor's if they differ in case, and in nothing else."""
    assert (email_key(one) == email_key(other)) is same


def test_gifts_of_one_address_have_one_profile(database: Database) -> None:
    """Gifts of one address share a profile, which keeps the values of the first gift."""
    for key, name, email in (
        ("a", "Ann Lee", "Ann@Example.com"),
        ("b", "A. Côté", "ann@example.com"),
        ("c", "Ann Lee", "ann+1@example.com"),
    ):
        open_gift_of(database, key, name=name, email=email)
    first, other = profiles(database)
    assert profile_ids(database) == [first.id, first.id, other.id]
    assert (first.name, first.email, first.kind) == ("Ann Lee", "Ann@example.com", "unknown")
    with database.reading() as session:
        assert {row.name for row in session.exec(select(Donor))} == {"Ann Lee", "A. Côté"}
        assert list(differences(session)) == []


def test_a_month_belongs_to_the_donor_of_its_pledge(database: Database) -> None:
    """Each later month of a monthly gift has the profile of the first month."""
    with database.writing() as session:
        first = open_one(session, frequency="monthly")
        amount = Money(5_000, "CAD")
        month = open_month(session, first.id, "in_2", amount, invoiced_at=NOW, now=NOW)
    assert month.profile_id == first.profile_id is not None


def test_simultaneous_first_gifts_give_one_profile(database: Database) -> None:
    """If eight first gifts of one address are opened at once, all get the same profile."""
    together = threading.Barrier(8)

    def give(number: int) -> Gift:
        together.wait()
        return open_gift_of(database, f"form-{number}", email="new@example.com")

    with ThreadPoolExecutor(8) as threads:
        gifts = list(threads.map(give, range(8)))
    (profile,) = profiles(database)
    assert {gift.profile_id for gift in gifts} == {profile.id}


@pytest.mark.parametrize("ends", ["commits", "rolls back"])
def test_a_first_gift_waits_for_one_of_the_same_address(postgres: Postgres, ends: str) -> None:
    """On PostgreSQL, a donor's first gift waits for a simultaneous one, and gets a profile."""
    database = Database(postgres.fresh_url())

    def give() -> Gift:
        return open_gift_of(database, "second", email="new@example.com")

    first: Gift | None = None
    second: Future[Gift] | None = None
    with ThreadPoolExecutor(1) as threads:
        try:
            with database.writing() as session:
                first = open_one(session, "first", email="new@example.com")
                second = threads.submit(give)
                until_it_waits(database, second)
                assert not second.done()
                if ends == "rolls back":
                    raise InterruptedError
        except InterruptedError:
            pass
        assert first
        assert second
        profile_id = second.result().profile_id
    (profile,) = profiles(database)
    assert profile.id == profile_id
    assert (first.profile_id == profile_id) is (ends == "commits")
    database.close()


def test_a_gift_without_an_address_has_the_chosen_profile_or_a_new_one(database: Database) -> None:
    """A gift without an address gets the profile that staff chose, or else a new profile."""
    with database.writing() as session:
        known = assign_profile(session, donor("ann@example.com"), now=NOW)
        chosen = assign_profile(session, donor(""), now=NOW, chosen=known)
        new = [assign_profile(session, donor(""), now=NOW) for _ in range(2)]
        typed = assign_profile(session, donor("bob@example.com"), now=NOW, chosen=known)
    assert chosen == known
    assert len({known, typed, *new}) == 4


def found(session: Session, typed: str, limit: int = 10) -> list[str]:
    return [one.main.name for one in find_donor_profiles(session, typed, limit)]


@pytest.mark.parametrize(
    ("typed", "names"),
    [
        pytest.param("maya", ["Maya Tremblay"], id="first name"),
        pytest.param("TREM", ["Maya Tremblay", "Trémaux & Fils"], id="beginning, without accents"),
        pytest.param("trem maya", ["Maya Tremblay"], id="two words in any order"),
        pytest.param("maya@", ["Maya Tremblay"], id="address"),
        pytest.param("Zoe@Exam", ["Zoë Roy"], id="address in another case"),
        pytest.param("roy", ["Zoë Roy"], id="part of a name"),
        pytest.param("oy", [], id="not the beginning of a word"),
        pytest.param("%", [], id="wildcard"),
        pytest.param("_aya", [], id="wildcard for one character"),
        pytest.param("", [], id="nothing"),
        pytest.param("maya tremblay extra", [], id="a word too many"),
        pytest.param("王", ["王 小明"], id="Chinese"),
    ],
)
def test_donors_are_found_by_beginnings(database: Database, typed: str, names: list[str]) -> None:
    """A donor is found by the beginning of the address, or by beginnings of words of the name."""
    people = {
        "maya@example.com": "Maya Tremblay",
        "zoe@example.com": "Zoë Roy",
        "info@example.org": "Trémaux & Fils",
        "ming@example.com": "王 小明",
    }
    with database.writing() as session:
        for number, (email, name) in enumerate(people.items()):
            open_one(session, f"form-{number}", email=email, name=name)
    with database.reading() as session:
        assert sorted(found(session, typed)) == sorted(names)


def test_a_donor_is_found_by_every_name_typed(database: Database) -> None:
    """A search finds a donor once, by any name typed with a gift, and lists at most `limit`."""
    for number, name in enumerate(("Ann Annesley", "Anna Roy")):
        open_gift_of(database, f"form-{number}", name=name)
    for number in range(5):
        open_gift_of(database, f"more-{number}", name="Ann Other", email=f"o{number}@example.com")
    with database.reading() as session:
        assert found(session, "roy") == ["Ann Annesley"]
        assert sorted(found(session, "ann")) == ["Ann Annesley", *["Ann Other"] * 5]
        assert len(found(session, "ann", limit=3)) == 3


def test_odd_names_give_words_that_can_be_stored(database: Database) -> None:
    """A name of one long word or of very many words is stored and found."""
    long, many = "x" * 200, " ".join(f"w{number}" for number in range(45))
    open_gift_of(database, "long", name=long, email="long@example.com")
    open_gift_of(database, "many", name=many, email="many@example.com")
    open_gift_of(database, "none", name="!!", email="none@example.com")
    assert len(name_words(many)) == 20
    with database.reading() as session:
        assert found(session, "xxx") == [long]
        assert found(session, "w19") == [many]
        assert max(len(one.word) for one in session.exec(select(DonorNameWord))) == 64


@pytest.mark.parametrize(
    ("statement", "line"),
    [
        ("UPDATE gift SET profile_id = NULL", "has no donor profile"),
        ("UPDATE gift SET profile_id = 2", "its donor profile has another e-mail address"),
        ("UPDATE gift_movement SET profile_id = 2", "a movement has another donor profile"),
        ("UPDATE gift_movement SET fund = 'roof'", "a movement has another donor profile or fund"),
        ("UPDATE donor_profile SET merged_into_id = 1 WHERE id = 2", "its merges lead to None"),
    ],
)
def test_the_audit_finds_a_wrong_profile(database: Database, statement: str, line: str) -> None:
    """The audit reports a gift, a movement or a merge that somebody changed in the database."""
    gift = open_gift_of(database)
    record(database, gift, paid())
    open_gift_of(database, "form-2", email="bob@example.com")
    with database.writing() as session:
        assert list(differences(session)) == []
        session.execute(sa.text(statement))
        assert any(line in found for found in differences(session))
