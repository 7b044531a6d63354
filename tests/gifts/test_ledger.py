"""Each gift is opened once, and each fact recorded once, with the gift's status updated."""

import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, SQLModel, func, select

from donate.errors import DonateError
from donate.gifts.facts import Fact, FactKind
from donate.gifts.ledger import LockedGifts, Outcome, record_facts
from donate.gifts.models import Donor, Gift, GiftFact
from donate.gifts.opening import open_gift
from donate.references import is_reference
from donate.storage.database import Database
from tests.gifts.samples import CANADA, NOW, choose, fact, open_one, paid
from tests.real_parts import Postgres

RECORDED, KNOWN, CONTRADICTED = Outcome.RECORDED, Outcome.KNOWN, Outcome.CONTRADICTED


def count(database: Database, table: type[SQLModel]) -> int:
    with database.reading() as session:
        return session.exec(select(func.count()).select_from(table)).one()


def record(database: Database, *entries: tuple[Gift, Fact]) -> list[Outcome]:
    with database.writing() as session:
        return record_facts(session, [(gift.id, fact) for gift, fact in entries], now=NOW)


def reread(database: Database, gift: Gift) -> Gift:
    with database.reading() as session:
        return session.exec(select(Gift).where(Gift.id == gift.id)).one()


@pytest.fixture
def gift(database: Database) -> Gift:
    with database.writing() as session:
        return open_one(session)


def in_threads(work: Callable[[int], Any], times: int = 20) -> list[Any]:
    with ThreadPoolExecutor(times) as pool:
        return list(pool.map(work, range(times)))


def test_a_new_gift_has_the_donors_choice(database: Database, gift: Gift) -> None:
    """A new gift has the donor's choice, a valid reference and the fact `gift_opened`."""
    row = reread(database, gift)
    assert (row.code, row.mode, row.frequency) == ("LWCAN", "card", "once")
    assert (row.amount_minor, row.currency, row.language) == (5_000, "CAD", "en-CA")
    assert (row.status, row.received_minor, row.net_minor) == ("awaited", 0, 0)
    assert (row.opened_at, row.received_on) == (NOW, None)
    assert is_reference(row.reference)
    assert len(row.link_name) == 22
    assert row.id.version == 7
    with database.reading() as session:
        opened_fact = session.exec(select(GiftFact)).one()
        donor = session.exec(select(Donor)).one()
    assert (opened_fact.kind, opened_fact.source_id, opened_fact.amount_minor) == (
        "gift_opened",
        str(gift.id),
        5_000,
    )
    assert (donor.id, donor.name, donor.country) == (gift.donor_id, "Ann Lee", "CA")


def test_the_same_form_opens_one_gift(database: Database, gift: Gift) -> None:
    """Opening a gift with a form key that was used before returns the earlier gift."""
    with database.writing() as session:
        assert open_one(session, name="Bob").id == gift.id
        assert open_one(session, "form-2").id != gift.id
    assert (count(database, Gift), count(database, Donor), count(database, GiftFact)) == (2, 2, 2)


def test_one_form_sent_twenty_times_at_once_opens_one_gift(database: Database) -> None:
    """Twenty concurrent requests with one form key open one gift with one donor."""

    def send(_: int) -> uuid.UUID:
        with database.writing() as session:
            return open_one(session).id

    assert len(set(in_threads(send))) == 1
    assert (count(database, Gift), count(database, Donor), count(database, GiftFact)) == (1, 1, 1)


class RepeatingRandom(Random):
    """A random generator that repeats its first result several times."""

    def __init__(self, repeats: int) -> None:
        super().__init__(7)
        self.repeats = repeats

    def choices(self, *args: Any, **more: Any) -> list[Any]:
        self.repeats -= 1
        if self.repeats >= 0:
            self.seed(7)
        return super().choices(*args, **more)


def test_a_reference_that_is_taken_is_drawn_again(database: Database) -> None:
    """If a random reference is taken, another is drawn; after many attempts an error is raised."""
    with database.writing() as session:
        first = open_gift(session, choose(), "form-1", now=NOW, random=RepeatingRandom(1))
        second = open_gift(session, choose(), "form-2", now=NOW, random=RepeatingRandom(2))
    assert first.reference != second.reference
    with pytest.raises(DonateError), database.writing() as session:
        open_gift(session, choose(), "form-3", now=NOW, random=RepeatingRandom(99))
    assert (count(database, Gift), count(database, Donor)) == (2, 2)


def test_a_fact_is_recorded_once(database: Database, gift: Gift) -> None:
    """A fact that was recorded before, even in the same call, is not recorded again."""
    assert record(database, (gift, paid()), (gift, paid())) == [RECORDED, KNOWN]
    assert record(database, (gift, paid(happened_at=NOW + timedelta(1)))) == [KNOWN]
    row = reread(database, gift)
    assert (row.status, row.received_minor, row.net_minor) == ("confirmed", 5_000, 5_000)
    assert (count(database, GiftFact), row.received_on) == (2, date(2026, 3, 1))
    assert record(database) == []


def test_one_fact_from_twenty_threads_is_recorded_once(database: Database, gift: Gift) -> None:
    """If twenty threads record the same fact at once, it is recorded once."""
    outcomes = in_threads(lambda _: record(database, (gift, paid()))[0])
    assert sorted(outcomes) == sorted([RECORDED] + [KNOWN] * 19)
    assert reread(database, gift).received_minor == 5_000


def test_a_locked_gift_knows_facts_of_its_transaction(database: Database, gift: Gift) -> None:
    """A transaction that locked a gift sees the facts that it has recorded about the gift since."""
    with database.writing() as session:
        locked = LockedGifts(session)
        locked.lock([gift.id])
        entries = [(gift.id, paid())]
        outcomes = [record_facts(session, entries, now=NOW, locked=locked)[0] for _ in range(2)]
        locked.lock([gift.id])
        kinds = {kind for kind, _ in locked[gift.id].facts}
    assert outcomes == [Outcome.RECORDED, Outcome.KNOWN]
    assert kinds == {"gift_opened", "payment_succeeded"}
    assert reread(database, gift).received_minor == 5_000


def test_facts_of_one_gift_from_twenty_threads_all_count(database: Database, gift: Gift) -> None:
    """If twenty threads record different payments of one gift, its amount counts all of them."""
    in_threads(lambda n: record(database, (gift, paid(f"pi_{n}", 100))))
    assert reread(database, gift).received_minor == 2_000


def test_one_fact_about_two_gifts_counts_for_one(database: Database, gift: Gift) -> None:
    """If threads record one payment for two gifts at once, it counts for one of them only."""
    with database.writing() as session:
        other = open_one(session, "form-2")
    outcomes = in_threads(lambda n: record(database, ((gift, other)[n % 2], paid()))[0])
    assert outcomes.count(RECORDED) == 1
    assert sorted(outcomes) == sorted([RECORDED] + [KNOWN] * 9 + [CONTRADICTED] * 10)
    assert reread(database, gift).received_minor + reread(database, other).received_minor == 5_000


def test_recording_a_fact_reads_the_gift_again(postgres: Postgres) -> None:
    """Recording a fact reads the gift again, with the facts that others committed meanwhile."""
    database = Database(postgres.fresh_url())
    received = fact(FactKind.TRANSFER_RECEIVED, "C1AB", 5_000)
    with database.writing() as session:
        gift = open_one(session)
    with database.writing() as session:
        stale = session.exec(select(Gift)).one()
        record(database, (gift, received))
        assert stale.status == "awaited"
        undone = replace(received, kind=FactKind.TRANSFER_UNDONE)
        record_facts(session, [(gift.id, undone)], now=NOW)
    assert reread(database, gift).status == "awaited"
    database.close()


@pytest.mark.parametrize(
    "other",
    [
        paid(amount_minor=4_999),
        paid(amount_minor=5_000, currency="USD"),
        paid(amount_minor=None),
    ],
    ids=["another amount", "another currency", "no amount"],
)
def test_another_amount_contradicts(database: Database, gift: Gift, other: Fact) -> None:
    """A fact that is recorded again with another amount or currency is a contradiction."""
    assert record(database, (gift, paid())) == [RECORDED]
    assert record(database, (gift, other)) == [CONTRADICTED]
    assert reread(database, gift).received_minor == 5_000
    assert count(database, GiftFact) == 2


def test_another_amount_in_the_same_batch_contradicts(database: Database, gift: Gift) -> None:
    """If two facts in one call contradict each other, the first is recorded."""
    outcomes = record(database, (gift, paid()), (gift, paid(amount_minor=1)), (gift, paid()))
    assert outcomes == [RECORDED, CONTRADICTED, KNOWN]
    assert reread(database, gift).received_minor == 5_000


@pytest.mark.parametrize("together", [True, False])
def test_another_gift_contradicts(database: Database, gift: Gift, together: bool) -> None:
    """A fact that is recorded again for another gift is a contradiction."""
    with database.writing() as session:
        other = open_one(session, "form-2")
    entries = [(gift, paid()), (other, paid()), (other, paid("pi_2", 700))]
    batches = [entries] if together else [[entry] for entry in entries]
    outcomes = [outcome for batch in batches for outcome in record(database, *batch)]
    assert outcomes == [RECORDED, CONTRADICTED, RECORDED]
    assert reread(database, gift).received_minor == 5_000
    assert reread(database, other).received_minor == 700


@pytest.mark.parametrize(
    "wrong",
    [
        paid(currency="USD"),
        paid(amount_minor=0),
        paid(amount_minor=-5_000),
        replace(paid(), currency=None),
        replace(paid(), amount_minor=None, currency="CAD"),
    ],
    ids=["another currency", "zero", "negative", "no currency", "no amount"],
)
def test_wrong_money_is_refused(database: Database, gift: Gift, wrong: Fact) -> None:
    """The database refuses a fact with an impossible amount, or not in the gift's currency."""
    with pytest.raises(IntegrityError):
        record(database, (gift, paid("pi_0", 300)), (gift, wrong))
    assert count(database, GiftFact) == 1
    assert reread(database, gift).received_minor == 0


def test_a_fact_about_an_unknown_gift_raises(database: Database, gift: Gift) -> None:
    """A fact about an unknown gift raises LookupError, and no fact of the call is recorded."""
    unknown = Gift(**gift.model_dump() | {"id": uuid.uuid4()})
    with pytest.raises(LookupError, match=str(unknown.id)):
        record(database, (gift, paid()), (unknown, paid("pi_2")))
    assert count(database, GiftFact) == 1


def test_a_transaction_that_fails_leaves_nothing(database: Database, gift: Gift) -> None:
    """A transaction that fails opens no gift, records no fact and changes no cached amount."""

    def fail(session: Session) -> None:
        open_one(session, "form-2")
        record_facts(session, [(gift.id, paid())], now=NOW)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), database.writing() as session:
        fail(session)
    assert (count(database, Gift), count(database, Donor), count(database, GiftFact)) == (1, 1, 1)
    assert reread(database, gift).status == "awaited"
    assert record(database, (gift, paid())) == [RECORDED]


@pytest.mark.parametrize(
    ("zone", "instant", "day"),
    [
        ("America/Vancouver", datetime(2026, 1, 1, 7, 59, 59, tzinfo=UTC), date(2025, 12, 31)),
        ("America/Vancouver", datetime(2026, 1, 1, 8, 0, 0, tzinfo=UTC), date(2026, 1, 1)),
        ("Pacific/Auckland", datetime(2025, 12, 31, 11, 0, 0, tzinfo=UTC), date(2026, 1, 1)),
        ("Pacific/Auckland", datetime(2025, 12, 31, 10, 59, 59, tzinfo=UTC), date(2025, 12, 31)),
        ("America/St_Johns", datetime(2026, 1, 1, 3, 29, 59, tzinfo=UTC), date(2025, 12, 31)),
    ],
)
def test_dates_are_those_of_the_region(
    database: Database, zone: str, instant: datetime, day: date
) -> None:
    """The dates on which a gift was opened and received are those of the region's time zone."""
    choice = replace(choose(), region=CANADA.model_copy(update={"time_zone": zone}))
    with database.writing() as session:
        gift = open_gift(session, choice, "form-1", now=instant)
        received = paid(happened_at=instant)
        record_facts(session, [(gift.id, received)], now=instant + timedelta(days=3))
    row = reread(database, gift)
    assert (row.opened_on, row.received_on) == (day, day)


def test_an_undone_transfer_leaves_no_date(database: Database, gift: Gift) -> None:
    """A gift whose only transfer was undone has no date on which it was received."""
    received = fact(FactKind.TRANSFER_RECEIVED, "C1AB", 5_000, actor="staff:1")
    record(database, (gift, received))
    assert reread(database, gift).received_on == date(2026, 3, 1)
    record(database, (gift, replace(received, kind=FactKind.TRANSFER_UNDONE)))
    row = reread(database, gift)
    assert (row.status, row.received_on, row.received_minor) == ("awaited", None, 0)
