"""Movements of money, and what the audit says about them and about the totals."""

from datetime import UTC, date, datetime
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from donate.gifts.audit import differences
from donate.gifts.facts import Fact, FactKind
from donate.gifts.models import Gift
from donate.gifts.movements.models import GiftMovement
from donate.gifts.movements.rules import movements_of
from donate.storage.database import Database
from tests.gifts.samples import fact, open_gift_of, paid, record

K = FactKind
ZONE = "America/Toronto"
JANUARY = datetime(2026, 1, 31, 23, 30, tzinfo=UTC)
FEBRUARY = datetime(2026, 2, 28, 12, 0, tzinfo=UTC)
MARCH = datetime(2026, 3, 31, 12, 0, tzinfo=UTC)


def moves(*facts: Fact) -> list[tuple[str, int, date]]:
    """Return the movements of these facts as kind, amount and day, in order of time."""
    found = sorted(movements_of(facts, ZONE), key=lambda one: (one.happened_at, one.kind))
    return [(str(one.kind), one.amount_minor, one.day) for one in found]


def disputed(kind: FactKind, source_id: str, at: datetime, amount_minor: int = 5_000) -> Fact:
    return fact(kind, source_id, amount_minor, happened_at=at)


CASES = {
    "a payment late at night": (
        [paid(happened_at=datetime(2026, 2, 1, 3, 0, tzinfo=UTC))],
        [("payment", 5_000, date(2026, 1, 31))],
    ),
    "a refund in a later month": (
        [
            paid(happened_at=JANUARY),
            fact(K.REFUND_SUCCEEDED, "re_1", 2_000, happened_at=MARCH),
        ],
        [("payment", 5_000, date(2026, 1, 31)), ("refund", -2_000, date(2026, 3, 31))],
    ),
    "a refund that fails after it succeeded": (
        [
            fact(K.REFUND_SUCCEEDED, "re_1", 2_000, happened_at=FEBRUARY),
            fact(K.REFUND_FAILED, "re_1", 2_000, happened_at=MARCH),
        ],
        [("refund", -2_000, date(2026, 2, 28)), ("refund_returned", 2_000, date(2026, 3, 31))],
    ),
    "a refund that fails before it succeeded": (
        [
            fact(K.REFUND_STARTED, "re_1", 2_000),
            fact(K.REFUND_FAILED, "re_1", 2_000),
        ],
        [],
    ),
    "a transfer that is undone": (
        [
            fact(K.TRANSFER_RECEIVED, "bank-1", 5_000, happened_at=FEBRUARY),
            fact(K.TRANSFER_UNDONE, "bank-1", happened_at=MARCH),
        ],
        [("transfer", 5_000, date(2026, 2, 28)), ("transfer_undone", -5_000, date(2026, 3, 31))],
    ),
    "an undoing of nothing": ([fact(K.TRANSFER_UNDONE, "bank-1")], []),
    "a dispute that is won": (
        [disputed(K.DISPUTE_OPENED, "dp_1", FEBRUARY), disputed(K.DISPUTE_WON, "dp_1", MARCH)],
        [("dispute", -5_000, date(2026, 2, 28)), ("dispute_returned", 5_000, date(2026, 3, 31))],
    ),
    "a dispute that is lost": (
        [disputed(K.DISPUTE_OPENED, "dp_1", FEBRUARY), disputed(K.DISPUTE_LOST, "dp_1", MARCH)],
        [("dispute", -5_000, date(2026, 2, 28))],
    ),
    "a loss without an opening": (
        [disputed(K.DISPUTE_LOST, "dp_1", MARCH)],
        [("dispute", -5_000, date(2026, 3, 31))],
    ),
    "a loss of less than was taken": (
        [
            disputed(K.DISPUTE_OPENED, "dp_1", FEBRUARY),
            disputed(K.DISPUTE_LOST, "dp_1", MARCH, 3_000),
        ],
        [("dispute", -5_000, date(2026, 2, 28)), ("dispute_returned", 2_000, date(2026, 3, 31))],
    ),
    "a dispute that is won, then lost again": (
        [
            disputed(K.DISPUTE_OPENED, "dp_1", JANUARY),
            disputed(K.DISPUTE_WON, "dp_1", FEBRUARY),
            disputed(K.DISPUTE_LOST, "dp_1:2", MARCH),
        ],
        [
            ("dispute", -5_000, date(2026, 1, 31)),
            ("dispute_returned", 5_000, date(2026, 2, 28)),
            ("dispute", -5_000, date(2026, 3, 31)),
        ],
    ),
    "a win without a loss": ([disputed(K.DISPUTE_WON, "dp_1", MARCH)], []),
    "a chargeback that was only an inquiry": (
        [
            disputed(K.DISPUTE_OPENED, "dp_1", FEBRUARY),
            fact(K.INQUIRY_CLOSED, "dp_1", happened_at=MARCH),
        ],
        [],
    ),
}


@pytest.mark.parametrize(("facts", "expected"), CASES.values(), ids=CASES)
def test_each_amount_moves_on_its_own_day(
    facts: list[Fact], expected: list[tuple[str, int, date]]
) -> None:
    """Each amount that comes in or goes out has the day of its fact, in the region's time zone."""
    assert moves(*facts) == expected
    assert moves(*reversed(facts)) == expected


TAMPERING = {
    "a status that does not exist": (
        "UPDATE gift SET status = 'nonsense'",
        "gift.status holds 'nonsense', which is no StatusName; nothing after it was compared",
    ),
    "a kind of movement that does not exist": (
        "UPDATE gift_movement SET kind = 'nonsense' WHERE kind = 'refund'",
        "gift_movement.kind holds 'nonsense', which is no MovementKind",
    ),
    "a deleted movement": (
        "DELETE FROM gift_movement WHERE kind = 'refund'",
        "the refund of -2000 on 2026-03-31 is missing",
    ),
    "an edited amount": (
        "UPDATE gift_movement SET amount_minor = 4999 WHERE kind = 'payment'",
        "the payment of 4999 on 2026-01-31 has no fact",
    ),
    "an edited day": (
        "UPDATE gift_movement SET day = '2026-02-01' WHERE kind = 'payment'",
        "the payment of 5000 on 2026-01-31 is missing",
    ),
    "an edited total": (
        "UPDATE day_total SET amount_minor = 4999 WHERE kind = 'payment'",
        (
            "total of 2026-01-31 LWCAN card payment in CAD: 1 movements of 4999 in all, "
            "but the gifts give 1 of 5000"
        ),
    ),
    "a deleted total": (
        "DELETE FROM day_total WHERE kind = 'refund'",
        (
            "total of 2026-03-31 LWCAN card refund in CAD: 0 movements of 0 in all, "
            "but the gifts give 1 of -2000"
        ),
    ),
    "a total of a status that no gift has": (
        "UPDATE day_total SET kind = 'lapsed' WHERE kind = 'partly_refunded'",
        (
            "total of 2026-03-01 LWCAN card lapsed in CAD: 1 gifts of 5000 in all, "
            "but the gifts give 0 of 0"
        ),
    ),
}


@pytest.mark.parametrize(("statement", "line"), TAMPERING.values(), ids=TAMPERING)
def test_the_audit_finds_tampering(database: Database, statement: str, line: str) -> None:
    """The audit names each movement and each total that does not follow from the facts."""
    gift = open_gift_of(database)
    refund = fact(K.REFUND_SUCCEEDED, "re_1", 2_000, happened_at=MARCH)
    record(database, gift, paid(happened_at=JANUARY), refund)
    with database.reading_snapshot() as session:
        assert list(differences(session)) == []
    with database.writing() as session:
        assert session.execute(sa.text(statement)).rowcount  # type: ignore[attr-defined]
    with database.reading_snapshot() as session:
        assert any(line in found for found in differences(session))


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "refund"},
        {"amount_minor": -5_000},
        {"amount_minor": 0},
        {"source_id": "pi_2"},
        {"cause": "refund_succeeded"},
        {"currency": "USD"},
    ],
    ids=str,
)
def test_the_database_refuses_a_wrong_movement(database: Database, change: dict[str, Any]) -> None:
    """A movement needs a fact, its gift's currency, and a sign that fits its kind."""
    record(database, open_gift_of(database), paid())
    with pytest.raises(IntegrityError), database.writing() as session:
        session.execute(sa.update(GiftMovement).values(**change))


def test_the_audit_reads_more_than_one_page(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The audit reads gifts in pages and compares every one of them."""
    monkeypatch.setattr("donate.gifts.audit._GIFTS_AT_A_TIME", 2)
    gifts = [open_gift_of(database, f"form-{number}") for number in range(5)]
    with database.writing() as session:
        session.execute(sa.update(Gift).values(received_minor=1, net_minor=1))
    with database.reading_snapshot() as session:
        lines = list(differences(session))
    for gift in gifts:
        assert f"{gift.reference}: net_minor is 1, but its facts give 0" in lines
