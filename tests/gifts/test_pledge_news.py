"""What is new to a donor in facts about their pledge, and that the ledger records it once."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest
from sqlalchemy.exc import IntegrityError
from sqlmodel import select

from donate.gifts.facts import Fact, FactKind
from donate.gifts.ledger import record_facts
from donate.gifts.models import Gift
from donate.gifts.monthly.models import PledgeNews
from donate.gifts.monthly.news import NewsKind, news_between
from donate.gifts.monthly.pledge_state import pledge_of
from donate.money import Money
from donate.storage.database import Database
from tests.stripe_gateway.gifts_and_events import give

K = FactKind
NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
CHOSEN = Money(5_000, "CAD")
MAY, JUNE = (int(datetime(2026, month, 1, tzinfo=UTC).timestamp()) for month in (5, 6))


def started(name: str = "sub_1") -> Fact:
    return Fact(K.PLEDGE_STARTED, name, NOW, "stripe")


def changed(
    source: str, day: float, amount_minor: int = 5_000, name: str = "sub_1", **evidence: object
) -> Fact:
    state: dict[str, object] = {"subscription": name, "status": "active", "paused": False}
    at = NOW + timedelta(days=day)
    about = state | evidence
    return Fact(K.PLEDGE_CHANGED, source, at, "stripe", amount_minor, "CAD", about)  # type: ignore[arg-type]


def news(before: Iterable[Fact], *new: Fact) -> list[str]:
    before = list(before)
    return list(news_between(pledge_of(before, CHOSEN), pledge_of([*before, *new], CHOSEN)))


RUNS = changed("evt_0", 0, payment_method="pm_1")
PAUSED = changed("evt_1", 1, paused=True)
UNTIL_MAY = changed("evt_1", 1, paused=True, resumes_at=MAY)


@pytest.mark.parametrize(
    ("before", "new", "expected"),
    [
        pytest.param([], RUNS, [], id="the beginning"),
        pytest.param([started(), RUNS], changed("evt_9", 2), [], id="a new month"),
        pytest.param([started(), RUNS], changed("evt_9", 2, 6_000), ["amount"], id="amount"),
        pytest.param([started(), RUNS], PAUSED, ["paused"], id="paused"),
        pytest.param([started(), PAUSED], UNTIL_MAY, ["paused"], id="paused until a date"),
        pytest.param(
            [started(), UNTIL_MAY],
            changed("evt_9", 2, paused=True, resumes_at=JUNE),
            ["paused"],
            id="paused until another date",
        ),
        pytest.param([started(), PAUSED], changed("evt_9", 2), ["resumed"], id="resumed"),
        pytest.param(
            [started(), UNTIL_MAY], changed("evt_9", 2), ["resumed"], id="resumed before the date"
        ),
        pytest.param([started(), UNTIL_MAY], changed("evt_9", 61), [], id="the pause is over"),
        pytest.param(
            [started(), RUNS], changed("evt_9", 2, payment_method="pm_2"), ["payment_method"]
        ),
        pytest.param(
            [started(), RUNS],
            changed("evt_9", 2, 7_000, paused=True, payment_method="pm_2"),
            ["amount", "paused", "payment_method"],
            id="all at once",
        ),
        pytest.param(
            [started(), PAUSED], Fact(K.PLEDGE_ENDED, "sub_1", NOW, "stripe"), [], id="the end"
        ),
        pytest.param(
            [started(), changed("evt_9", 2, 6_000)], changed("evt_1", 1), [], id="a late event"
        ),
    ],
)
def test_what_is_new_to_the_donor(before: list[Fact], new: Fact, expected: list[str]) -> None:
    """Only what differs from what the donor knows is news; a pause that ends in time is not."""
    assert news(before, new) == expected


def test_another_subscription_is_no_news() -> None:
    """If a second subscription begins after the first one ended, its first amount is no change."""
    ended = [started(), Fact(K.PLEDGE_ENDED, "sub_1", NOW, "stripe")]
    assert news(ended, started("sub_2"), changed("evt_9", 2, 9_000, "sub_2")) == []


def record(database: Database, gift: Gift, *facts: Fact) -> list[tuple[NewsKind, str]]:
    """Record each fact on its own; return all news so far, oldest first."""
    for fact in facts:
        with database.writing() as session:
            record_facts(session, [(gift.id, fact)], now=NOW)
    with database.reading() as session:
        rows = session.exec(select(PledgeNews).where(PledgeNews.gift_id == gift.id))
        return [(row.kind, row.source_id) for row in sorted(rows, key=lambda row: row.id or 0)]


def test_the_ledger_records_each_change_once(database: Database) -> None:
    """In any order of Stripe's answer and its two events, a pause is recorded once."""
    for number, order in enumerate(permutations(range(3))):
        gift, name = give(database, frequency="monthly"), f"sub_{number}"
        tellings = [
            changed(f"{source}_{number}", day, name=name, paused=True)
            for source, day in (("asked", 1.0), ("evt_a", 0.9), ("evt_b", 1.1))
        ]
        begun = [started(name), changed(f"begun_{number}", 0, name=name)]
        found = record(database, gift, *begun, *(tellings[each] for each in order))
        assert [kind for kind, _ in found] == [NewsKind.PAUSED]
        assert found == record(database, gift, *tellings)


def test_a_change_in_the_first_batch_is_no_news(database: Database) -> None:
    """Facts about the beginning and an older change that come together cause no news."""
    gift = give(database, frequency="monthly")
    with database.writing() as session:
        facts = [started(), RUNS, UNTIL_MAY]
        record_facts(session, [(gift.id, fact) for fact in facts], now=NOW)
    assert record(database, gift) == []


@pytest.mark.parametrize("kind", ["paused", "ended"])
def test_the_database_guards_the_news(database: Database, kind: str) -> None:
    """The database refuses the same news twice, and kinds that it does not know."""
    gift = give(database, frequency="monthly")
    record(database, gift, started(), RUNS, PAUSED)
    statement = (
        "INSERT INTO pledge_news (gift_id, kind, source_id, happened_at, recorded_at) "
        f"SELECT gift_id, '{kind}', source_id, happened_at, recorded_at FROM pledge_news"
    )
    with pytest.raises(IntegrityError), database.writing() as session:
        session.connection().exec_driver_sql(statement)
