"""The ledger: gifts are opened once, facts recorded once, and the cached status follows."""

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
from donate.gifts.ledger import Outcome, open_gift, record_facts
from donate.gifts.locked_gifts import LockedGifts
from donate.gifts.models import Donor, Gift, GiftFact
from donate.references import is_reference
from donate.storage.database import Database
from tests.gifts.given import CANADA, NOW, choose, fact, open_one, paid
from tests.real_parts import Postgres

RECORDED, KNOWN, CONTRADICTED = Outcome.RECORDED, Outcome.KNOWN, Outcome.CONTRADICTED


def count(database: Database, table: type[SQLModel]) -> int:
    with database.reading() as session:
        return session.exec(select(func.count()).select_from(table)).one()


def record(database: Database, *entries: tuple[Gift, Fact]) -> list[Outcome]:
    with database.writing() as session:
        return record_facts(session, [(gift.id, fact) for gift, fact in entries], now=NOW)


def again(database: Database, gift: Gift) -> Gift:
    with database.reading() as session:
        return session.exec(select(Gift).where(Gift.id == gift.id)).one()


@pytest.fixture
def gift(database: Database) -> Gift:
    with database.writing() as session:
        return open_one(session)


def at_once(work: Callable[[int], Any], times: int = 20) -> list[Any]:
    with ThreadPoolExecutor(times) as pool:
        return list(pool.map(work, range(times)))


def test_a_gift_is_what_was_chosen(database: Database, gift: Gift) -> None:
    """An opened gift holds the choice, a reference that checks, and the fact that it was opened."""
    kept = again(database, gift)
    assert (kept.code, kept.mode, kept.frequency) == ("LWCAN", "card", "once")
    assert (kept.amount_minor, kept.currency, kept.language) == (5_000, "CAD", "en-CA")
    assert (kept.status, kept.received_minor, kept.net_minor) == ("awaited", 0, 0)
    assert (kept.opened_at, kept.received_on) == (NOW, None)
    assert is_reference(kept.reference)
    assert len(kept.token) >= 20
    assert kept.id.version == 7
    with database.reading() as session:
        opened = session.exec(select(GiftFact)).one()
        donor = session.exec(select(Donor)).one()
    assert (opened.kind, opened.source_id, opened.amount_minor) == (
        "gift_opened",
        str(gift.id),
        5_000,
    )
    assert (donor.id, donor.name, donor.country) == (gift.donor_id, "Ann Lee", "CA")


def test_the_same_form_opens_one_gift(database: Database, gift: Gift) -> None:
    """The same form key again returns the gift that it opened before, whatever else is chosen."""
    with database.writing() as session:
        assert open_one(session, name="Bob").id == gift.id
        assert open_one(session, "form-2").id != gift.id
    assert (count(database, Gift), count(database, Donor), count(database, GiftFact)) == (2, 2, 2)


def test_one_form_sent_twenty_times_at_once_opens_one_gift(database: Database) -> None:
    """Of twenty that send one form at the same instant all get the same gift, of one donor."""

    def send(_: int) -> uuid.UUID:
        with database.writing() as session:
            return open_one(session).id

    assert len(set(at_once(send))) == 1
    assert (count(database, Gift), count(database, Donor), count(database, GiftFact)) == (1, 1, 1)


class Stuck(Random):
    """Dice that fall the same for a while."""

    def __init__(self, throws: int) -> None:
        super().__init__(7)
        self.throws = throws

    def choices(self, *args: Any, **more: Any) -> list[Any]:
        self.throws -= 1
        if self.throws >= 0:
            self.seed(7)
        return super().choices(*args, **more)


def test_a_reference_that_is_taken_is_drawn_again(database: Database) -> None:
    """Two gifts that draw the same reference end with two; stuck dice end with an error."""
    with database.writing() as session:
        first = open_gift(session, choose(), "form-1", now=NOW, random=Stuck(1))
        second = open_gift(session, choose(), "form-2", now=NOW, random=Stuck(2))
    assert first.reference != second.reference
    with pytest.raises(DonateError), database.writing() as session:
        open_gift(session, choose(), "form-3", now=NOW, random=Stuck(99))
    assert (count(database, Gift), count(database, Donor)) == (2, 2)


def test_a_fact_is_recorded_once(database: Database, gift: Gift) -> None:
    """A fact that is known already, in the same batch or before, changes nothing."""
    assert record(database, (gift, paid()), (gift, paid())) == [RECORDED, KNOWN]
    assert record(database, (gift, paid(happened_at=NOW + timedelta(1)))) == [KNOWN]
    kept = again(database, gift)
    assert (kept.status, kept.received_minor, kept.net_minor) == ("confirmed", 5_000, 5_000)
    assert (count(database, GiftFact), kept.received_on) == (2, date(2026, 3, 1))
    assert record(database) == []


def test_one_fact_from_twenty_threads_at_once_is_one(database: Database, gift: Gift) -> None:
    """Of twenty that record one fact at the same instant one records it, and the others know it."""
    outcomes = at_once(lambda _: record(database, (gift, paid()))[0])
    assert sorted(outcomes) == sorted([RECORDED] + [KNOWN] * 19)
    assert again(database, gift).received_minor == 5_000


def test_a_gift_in_hand_knows_what_was_recorded_meanwhile(database: Database, gift: Gift) -> None:
    """What is recorded about a gift in hand counts at once, without reading it again."""
    with database.writing() as session:
        hand = LockedGifts(session)
        hand.lock([gift.id])
        asked = [(gift.id, paid())]
        outcomes = [record_facts(session, asked, now=NOW, locked=hand)[0] for _ in range(2)]
        hand.lock([gift.id])
        known = {kind for kind, _ in hand[gift.id].facts}
    assert outcomes == [Outcome.RECORDED, Outcome.KNOWN]
    assert known == {"gift_opened", "payment_succeeded"}
    assert again(database, gift).received_minor == 5_000


def test_facts_of_one_gift_from_twenty_threads_all_count(database: Database, gift: Gift) -> None:
    """Twenty different payments at the same instant are all in the cached amount."""
    at_once(lambda n: record(database, (gift, paid(f"pi_{n}", 100))))
    assert again(database, gift).received_minor == 2_000


def test_one_fact_about_two_gifts_at_once_is_one(database: Database, gift: Gift) -> None:
    """Of two gifts that claim one payment at the same instant only one gets it."""
    with database.writing() as session:
        other = open_one(session, "form-2")
    outcomes = at_once(lambda n: record(database, ((gift, other)[n % 2], paid()))[0])
    assert outcomes.count(RECORDED) == 1
    assert sorted(outcomes) == sorted([RECORDED] + [KNOWN] * 9 + [CONTRADICTED] * 10)
    assert again(database, gift).received_minor + again(database, other).received_minor == 5_000


def test_a_gift_read_before_is_read_again(postgres: Postgres) -> None:
    """What another process recorded since this one read the gift is in what it writes."""
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
    assert again(database, gift).status == "awaited"
    database.close()


@pytest.mark.parametrize(
    "other",
    [
        paid(amount_minor=4_999),
        paid(amount_minor=5_000, currency="USD"),
        paid(amount_minor=None),
    ],
)
def test_another_amount_contradicts(database: Database, gift: Gift, other: Fact) -> None:
    """The same fact with another amount or currency is told, and nothing of it is written."""
    assert record(database, (gift, paid())) == [RECORDED]
    assert record(database, (gift, other)) == [CONTRADICTED]
    assert again(database, gift).received_minor == 5_000
    assert count(database, GiftFact) == 2


def test_another_amount_in_the_same_batch_contradicts(database: Database, gift: Gift) -> None:
    """Of two that contradict each other in one batch the first is recorded."""
    outcomes = record(database, (gift, paid()), (gift, paid(amount_minor=1)), (gift, paid()))
    assert outcomes == [RECORDED, CONTRADICTED, KNOWN]
    assert again(database, gift).received_minor == 5_000


@pytest.mark.parametrize("together", [True, False])
def test_another_gift_contradicts(database: Database, gift: Gift, together: bool) -> None:
    """A fact that another gift holds is told, and this gift stays as it was."""
    with database.writing() as session:
        other = open_one(session, "form-2")
    entries = [(gift, paid()), (other, paid()), (other, paid("pi_2", 700))]
    batches = [entries] if together else [[entry] for entry in entries]
    outcomes = [outcome for batch in batches for outcome in record(database, *batch)]
    assert outcomes == [RECORDED, CONTRADICTED, RECORDED]
    assert again(database, gift).received_minor == 5_000
    assert again(database, other).received_minor == 700


@pytest.mark.parametrize(
    "wrong",
    [
        paid(currency="USD"),
        paid(amount_minor=0),
        paid(amount_minor=-5_000),
        replace(paid(), currency=None),
        replace(paid(), amount_minor=None, currency="CAD"),
    ],
)
def test_wrong_money_reaches_no_table(database: Database, gift: Gift, wrong: Fact) -> None:
    """Money in another currency than the gift's, or that is none, is refused by the database."""
    with pytest.raises(IntegrityError):
        record(database, (gift, paid("pi_0", 300)), (gift, wrong))
    assert count(database, GiftFact) == 1
    assert again(database, gift).received_minor == 0


def test_an_unknown_gift_is_told(database: Database, gift: Gift) -> None:
    """A fact about a gift that does not exist raises, and its neighbours are not written."""
    stranger = Gift(**gift.model_dump() | {"id": uuid.uuid4()})
    with pytest.raises(LookupError, match=str(stranger.id)):
        record(database, (gift, paid()), (stranger, paid("pi_2")))
    assert count(database, GiftFact) == 1


def test_a_transaction_that_fails_leaves_nothing(database: Database, gift: Gift) -> None:
    """When anything in a transaction fails, its gifts, facts and cached amounts are gone."""

    def fail(session: Session) -> None:
        open_one(session, "form-2")
        record_facts(session, [(gift.id, paid())], now=NOW)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), database.writing() as session:
        fail(session)
    assert (count(database, Gift), count(database, Donor), count(database, GiftFact)) == (1, 1, 1)
    assert again(database, gift).status == "awaited"
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
def test_a_day_is_that_of_the_region(
    database: Database, zone: str, instant: datetime, day: date
) -> None:
    """A gift of the year's last second where the region lives is a gift of that year."""
    choice = replace(choose(), region=CANADA.model_copy(update={"time_zone": zone}))
    with database.writing() as session:
        gift = open_gift(session, choice, "form-1", now=instant)
        received = paid(happened_at=instant)
        record_facts(session, [(gift.id, received)], now=instant + timedelta(days=3))
    kept = again(database, gift)
    assert (kept.opened_on, kept.received_on) == (day, day)


def test_a_transfer_taken_back_takes_its_day_back(database: Database, gift: Gift) -> None:
    """When no money is left that came in, the gift has no day of receiving either."""
    received = fact(FactKind.TRANSFER_RECEIVED, "C1AB", 5_000, actor="staff:1")
    record(database, (gift, received))
    assert again(database, gift).received_on == date(2026, 3, 1)
    record(database, (gift, replace(received, kind=FactKind.TRANSFER_UNDONE)))
    kept = again(database, gift)
    assert (kept.status, kept.received_on, kept.received_minor) == ("awaited", None, 0)
