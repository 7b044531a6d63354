"""The row of a pledge: its stage, its amount and its days follow from facts in any order."""

from datetime import UTC, date, datetime, timedelta
from itertools import permutations

import pytest
from sqlmodel import Session, select

from donate.gifts.audit import differences
from donate.gifts.evidence import Evidence
from donate.gifts.facts import Fact, FactKind
from donate.gifts.ledger import record_facts
from donate.gifts.monthly.models import PledgeRow
from donate.gifts.monthly.pledge_copy import PledgeCopy, PledgeStage, copy_of_pledge
from donate.gifts.monthly.schedule import monthly_from
from donate.gifts.movements.models import Subject
from donate.gifts.movements.totals import PeriodTotal, TotalFilter, add_up
from donate.gifts.status import StatusName
from donate.money import Money
from donate.storage.database import Database
from tests.gifts.samples import case_id
from tests.stripe_gateway.gifts_and_events import give

START = datetime(2026, 1, 31, 15, 0, tzinfo=UTC)
CHOSEN = Money(5_000, "CAD")
K = FactKind


def seconds(moment: datetime) -> int:
    return int(moment.timestamp())


def started(at: datetime = START) -> Fact:
    return Fact(K.PLEDGE_STARTED, "sub_1", at, "stripe")


def changed(at: datetime, amount_minor: int | None = None, **evidence: object) -> Fact:
    evidence = {"subscription": "sub_1", "status": "active"} | evidence
    currency = "CAD" if amount_minor else None
    source = f"evt_{seconds(at)}"
    kind = K.PLEDGE_CHANGED
    return Fact(kind, source, at, "stripe", amount_minor, currency, Evidence(**evidence))  # type: ignore[typeddict-item]


def ended(at: datetime) -> Fact:
    return Fact(K.PLEDGE_ENDED, "sub_1", at, "stripe")


FEBRUARY = datetime(2026, 2, 28, 15, 0, tzinfo=UTC)
MARCH = datetime(2026, 3, 31, 15, 0, tzinfo=UTC)
DAY = timedelta(days=1)
RENEWED = changed(FEBRUARY, 5_000, month_ends_at=seconds(MARCH))


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ([], ("not_begun", 5_000, None, None, None)),
        # Facts of earlier versions lack `month_ends_at`; the next day then follows from January 31.
        ([started()], ("active", 5_000, date(2026, 2, 28), None, None)),
        ([started(), changed(FEBRUARY)], ("active", 5_000, date(2026, 3, 31), None, None)),
        ([started(), RENEWED], ("active", 5_000, date(2026, 3, 31), None, None)),
        (
            [started(), RENEWED, changed(FEBRUARY + DAY, 7_000, status="past_due")],
            ("past_due", 7_000, date(2026, 3, 31), None, None),
        ),
        (
            [started(), RENEWED, changed(FEBRUARY + DAY, status="unpaid")],
            ("unpaid", 5_000, None, None, None),
        ),
        (
            [started(), RENEWED, changed(FEBRUARY + DAY, paused=True)],
            ("paused", 5_000, None, None, None),
        ),
        (
            [
                started(),
                RENEWED,
                changed(FEBRUARY + DAY, paused=True, resumes_at=seconds(MARCH + DAY)),
            ],
            ("paused", 5_000, date(2026, 4, 30), date(2026, 4, 1), None),
        ),
        (
            [started(), RENEWED, changed(FEBRUARY + DAY, ends_at=seconds(MARCH))],
            ("ending", 5_000, None, None, date(2026, 3, 31)),
        ),
        (
            [started(), RENEWED, changed(FEBRUARY + DAY, ends_with_the_month=True)],
            ("ending", 5_000, None, None, None),
        ),
        (
            [started(), RENEWED, changed(FEBRUARY + DAY, ends_at=seconds(MARCH + 2 * DAY))],
            ("ending", 5_000, date(2026, 3, 31), None, date(2026, 4, 2)),
        ),
        ([started(), RENEWED, ended(MARCH)], ("ended", 5_000, None, None, date(2026, 3, 31))),
    ],
    ids=case_id,
)
def test_the_row_follows_from_the_facts(facts: list[Fact], expected: tuple[object, ...]) -> None:
    """A pledge's row depends on when facts happened, not on when they were recorded."""
    stage, *rest = expected
    for order in permutations(facts):
        copy = copy_of_pledge(order, CHOSEN, "America/Toronto", StatusName.CONFIRMED)
        assert copy == PledgeCopy(PledgeStage(str(stage)), *rest)  # type: ignore[arg-type]


def test_a_first_debit_under_way_waits_for_the_bank() -> None:
    """While a bank processes the first debit, a pledge's stage is AWAITS_BANK, begun or not."""
    for facts in ([], [started()]):
        copy = copy_of_pledge(facts, CHOSEN, "America/Toronto", StatusName.PROCESSING)
        assert copy.stage is PledgeStage.AWAITS_BANK


@pytest.mark.parametrize(
    ("until", "expected"),
    [
        (START - 9 * DAY, START),
        (START, START),
        (START + DAY, FEBRUARY),
        (FEBRUARY, FEBRUARY),
        (FEBRUARY + DAY, MARCH),
        (datetime(2027, 1, 31, 15, 1, tzinfo=UTC), datetime(2027, 2, 28, 15, 0, tzinfo=UTC)),
    ],
)
def test_a_month_later_is_the_same_day_or_the_last(until: datetime, expected: datetime) -> None:
    """A time some months later is on the same day, or on the last day of a shorter month."""
    assert monthly_from(START, until) == expected


def record(session: Session, gift_id: object, *facts: Fact) -> None:
    record_facts(session, [(gift_id, fact) for fact in facts], now=MARCH)  # type: ignore[misc]


def totals(session: Session) -> list[PeriodTotal]:
    return add_up(session, TotalFilter(Subject.PLEDGE), by=("kind",))


def test_the_ledger_keeps_the_row_and_the_total(database: Database) -> None:
    """Recording a fact updates the pledge's row and the totals of stages, and the audit agrees."""
    gift = give(database, frequency="monthly")
    give(database)
    with database.reading() as session:
        (row,) = session.exec(select(PledgeRow)).all()
        assert (row.id, row.stage, row.amount_minor) == (gift.id, PledgeStage.NOT_BEGUN, 5_000)
        assert (row.mode, row.code, row.fund, row.started_at) == (
            *(gift.mode, gift.code, gift.fund),
            gift.opened_at,
        )
    with database.writing() as session:
        record(session, gift.id, changed(FEBRUARY + DAY, 7_000, status="past_due"))
    with database.writing() as session:
        record(session, gift.id, started(), RENEWED)
        assert list(differences(session)) == []
    with database.reading() as session:
        (row,) = session.exec(select(PledgeRow)).all()
        assert (row.stage, row.amount_minor) == (PledgeStage.PAST_DUE, 7_000)
        assert row.next_on == date(2026, 3, 31)
        assert totals(session) == [PeriodTotal(("past_due",), "CAD", 1, 7_000)]


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("stage", PledgeStage.PAUSED),
        ("amount_minor", 1),
        ("next_on", date(2026, 1, 1)),
        ("fund", "roof"),
    ],
)
def test_the_audit_finds_a_row_that_differs(database: Database, column: str, value: object) -> None:
    """The audit names each column of a pledge's row that the facts do not give."""
    gift = give(database, frequency="monthly")
    with database.writing() as session:
        setattr(session.get_one(PledgeRow, gift.id), column, value)
    with database.reading_snapshot() as session:
        (line,) = differences(session)
    assert line.startswith(f"{gift.reference}: {column} of its pledge is ")


def test_the_audit_finds_a_missing_row(database: Database) -> None:
    """The audit names a pledge without a row."""
    gift = give(database, frequency="monthly")
    with database.writing() as session:
        session.delete(session.get_one(PledgeRow, gift.id))
    with database.reading_snapshot() as session:
        assert list(differences(session)) == [f"{gift.reference}: the row of its pledge is missing"]
