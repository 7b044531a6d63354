"""The totals of days: what they count, how they are merged, and that nothing is lost."""

import threading
from datetime import UTC, date, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlmodel import select

from donate.gifts.audit import differences
from donate.gifts.facts import FactKind
from donate.gifts.ledger import record_facts
from donate.gifts.models import Gift
from donate.gifts.movements.models import DayTotal, Subject
from donate.gifts.movements.totals import TotalFilter, TotalsMerger, add_up
from donate.gifts.opening import open_month
from donate.money import Money
from donate.storage.database import Database
from tests.gifts.samples import NOW, fact, open_gift_of, open_one, paid, record
from tests.upgrading import as_before, let_totals_count, upgrade_to

K = FactKind
JANUARY = datetime(2026, 1, 31, 23, 30, tzinfo=UTC)
FEBRUARY = datetime(2026, 2, 28, 12, 0, tzinfo=UTC)
MARCH = datetime(2026, 3, 31, 12, 0, tzinfo=UTC)


def totals(
    database: Database, *by: str, subject: Subject = Subject.MOVEMENT, **more: Any
) -> list[tuple[Any, ...]]:
    with database.reading() as session:
        found = add_up(session, TotalFilter(subject, **more), by=by)
    return [(*one.group, one.count, one.amount_minor) for one in found]


def test_a_later_refund_leaves_the_earlier_month_alone(database: Database) -> None:
    """A refund in March of a gift from January changes the total of March only."""
    gift = open_gift_of(database)
    record(database, gift, paid(happened_at=JANUARY))
    january = totals(database, "month", "kind", last_day=date(2026, 1, 31))
    assert january == [("2026-01", "payment", 1, 5_000)]
    record(database, gift, fact(K.REFUND_SUCCEEDED, "re_1", 2_000, happened_at=MARCH))
    assert totals(database, "month", "kind", last_day=date(2026, 1, 31)) == january
    assert totals(database, "month") == [("2026-01", 1, 5_000), ("2026-03", 1, -2_000)]


def test_movements_of_monthly_gifts_have_totals_of_their_own(database: Database) -> None:
    """Money of a monthly gift counts twice: among all movements, and among the monthly ones."""
    record(database, open_gift_of(database), paid(happened_at=JANUARY))
    monthly = open_gift_of(database, "form-2", frequency="monthly")
    record(database, monthly, paid("pi_2", happened_at=JANUARY))
    record(database, monthly, fact(K.REFUND_SUCCEEDED, "re_1", 2_000, happened_at=MARCH))
    assert totals(database, "month", subject=Subject.MONTHLY) == [
        ("2026-01", 1, 5_000),
        ("2026-03", 1, -2_000),
    ]
    assert totals(database, "month") == [("2026-01", 2, 10_000), ("2026-03", 1, -2_000)]


def test_migration_0044_fills_the_totals_of_monthly_gifts(database: Database) -> None:
    """The migration counts what older versions recorded, so that the audit finds no difference."""
    record(database, open_gift_of(database), paid())
    monthly = open_gift_of(database, "form-2", frequency="monthly")
    record(database, monthly, paid("pi_2"), fact(K.REFUND_SUCCEEDED, "re_1", 2_000))
    before = totals(database, "day", "kind", "mode", subject=Subject.MONTHLY)
    with database.writing() as session:
        session.execute(sa.text("DELETE FROM day_total WHERE subject = 'monthly'"))
        session.execute(sa.text("CREATE INDEX gift_paid_months ON gift (received_on)"))
        session.execute(sa.text(as_before("0044")))
        let_totals_count(session, "gift", "movement", "pledge")
    upgrade_to("0044", database)
    assert totals(database, "day", "kind", "mode", subject=Subject.MONTHLY) == before
    assert len(before) == 2
    with database.reading_snapshot() as session:
        assert list(differences(session)) == []


def test_a_gift_is_counted_under_its_status(database: Database) -> None:
    """The totals of gifts follow the status and keep the day on which the gift was chosen."""
    first, second = open_gift_of(database), open_gift_of(database, "form-2", mode="interac")
    by_status = ("kind", "mode")
    assert totals(database, *by_status, subject=Subject.GIFT) == [
        ("awaited", "card", 1, 5_000),
        ("awaited", "interac", 1, 5_000),
    ]
    record(database, first, paid(), paid("pi_2"))
    record(database, second, fact(K.TRANSFER_ANNOUNCED, str(second.id)))
    assert totals(database, *by_status, subject=Subject.GIFT) == [
        ("awaited", "interac", 1, 5_000),
        ("confirmed", "card", 1, 5_000),
    ]
    assert totals(database, "day", subject=Subject.GIFT) == [("2026-03-01", 2, 10_000)]


def test_totals_are_filtered_by_each_of_their_columns(database: Database) -> None:
    """Day, kind, currency, code, mode and fund each narrow the totals.

    A range of days includes its first and its last day.
    """
    record(database, open_gift_of(database), paid(happened_at=FEBRUARY))
    everything = [(1, 5_000)]
    day = date(2026, 2, 28)
    narrowing: list[tuple[dict[str, Any], dict[str, Any]]] = [
        ({"first_day": day}, {"first_day": day + timedelta(days=1)}),
        ({"last_day": day}, {"last_day": day - timedelta(days=1)}),
        ({"kinds": ["payment"]}, {"kinds": ["refund"]}),
        ({"currencies": ["CAD"]}, {"currencies": ["USD"]}),
        ({"codes": ["LWCAN"]}, {"codes": ["OTHER"]}),
        ({"modes": ["card", "interac"]}, {"modes": ["interac"]}),
        ({"funds": [""]}, {"funds": ["roof"]}),
    ]
    for including, excluding in narrowing:
        assert totals(database, **including) == everything
        assert totals(database, **excluding) == []


def test_a_month_of_a_pledge_has_its_fund(database: Database) -> None:
    """The totals count a later month under the fund of the gift that began the pledge."""
    with database.writing() as session:
        first = open_one(session, frequency="monthly")
        session.execute(sa.update(Gift).values(fund="roof"))
        month = open_month(
            session, first.id, "in_2", Money(5_000, "CAD"), invoiced_at=MARCH, now=NOW
        )
        record_facts(session, [(month.id, paid("in_2"))], now=NOW)
    assert totals(database, "fund") == [("roof", 1, 5_000)]


def rows_of_totals(database: Database) -> int:
    with database.reading() as session:
        return len(session.exec(select(DayTotal)).all())


def test_merging_keeps_every_total(database: Database) -> None:
    """Merging the rows of a day total into one changes no total; a second merge does nothing."""
    merger = TotalsMerger(database, merge_from=10)
    for number in range(4):
        gift = open_gift_of(database, f"form-{number}")
        record(database, gift, paid(f"pi_{number}"))
    before = totals(database, "day", "kind"), totals(database, "kind", subject=Subject.GIFT)
    assert rows_of_totals(database) == 16
    assert merger.merge_due() == 16
    # Two of the three totals are left, because the total of awaited gifts is zero.
    assert rows_of_totals(database) == 2
    after = totals(database, "day", "kind"), totals(database, "kind", subject=Subject.GIFT)
    assert after == before
    assert merger.merge_due() == 0
    record(database, open_gift_of(database, "form-9"), paid("pi_9"))
    assert TotalsMerger(database, merge_from=5).merge_due() == 0
    assert TotalsMerger(database, merge_from=4).merge_due() == 4
    assert totals(database) == [(5, 25_000)]


def test_merging_while_gifts_are_recorded_loses_nothing(database: Database) -> None:
    """If two threads merge totals while three record gifts, the audit finds no difference."""
    stop = threading.Event()
    failures: list[BaseException] = []

    def guarded(work: Any, *arguments: Any) -> None:
        try:
            work(*arguments)
        except BaseException as error:  # noqa: BLE001 -- asserted below
            failures.append(error)

    def merge() -> None:
        while not stop.is_set():
            TotalsMerger(database, merge_from=1).merge_due()

    def give(worker: int) -> None:
        for number in range(15):
            gift = open_gift_of(database, f"form-{worker}-{number}")
            record(database, gift, paid(f"pi_{worker}_{number}"))

    mergers = [threading.Thread(target=guarded, args=(merge,)) for _ in range(2)]
    givers = [threading.Thread(target=guarded, args=(give, worker)) for worker in range(3)]
    for thread in (*mergers, *givers):
        thread.start()
    for thread in givers:
        thread.join()
    stop.set()
    for thread in mergers:
        thread.join()
    assert failures == []
    assert totals(database) == [(45, 225_000)]
    with database.reading_snapshot() as session:
        assert list(differences(session)) == []
