"""The payouts that are named as on their way are those that the journal has in transit."""

from datetime import datetime, timedelta

import pytest
from sqlmodel import text

from donate.bank.reconciliation.deciding import PayoutPart
from donate.bank.statements.models import RecordedLine
from donate.books.journal.entry import balances_of
from donate.books.journal.roles import AccountKey, AccountRole as Role
from donate.books.months.book_month import BookMonth
from donate.books.months.open_items import OpenKind
from donate.storage.database import Database
from tests.bank.reconciliation.stripe_rows import failed_payout
from tests.books.months.month_world import (
    APRIL_3,
    IN_APRIL,
    IN_MARCH,
    MAY_4,
    close,
    draft,
    explain,
    record_lines,
    record_march,
    stripe_records,
)
from tests.finance.money_samples import MARCH
from tests.stripe_gateway.balance.payouts import of_payout, payout, record, transaction


def at(moment: datetime) -> int:
    return int(moment.timestamp())


def sent(database: Database, amount: int, name: str, **more: object) -> int:
    """Record a payout of March that arrives on its last day, and return the number of its row."""
    dates = {"created": at(MARCH), "arrival_date": at(MARCH + timedelta(days=21))}
    one = payout(amount, id=name, balance_transaction=f"txn_{name}", **dates | more)
    row = record(database, one, is_complete=False)
    stripe_records(database, [of_payout(one) | {"created": at(MARCH)}])
    assert row.id is not None
    return row.id


def in_transit(
    database: Database, month: BookMonth = IN_MARCH
) -> tuple[dict[OpenKind, tuple[str, ...]], int]:
    """Return the open payouts by kind, and what the journal has in transit at the month's end."""
    found = draft(database, month)
    balances = balances_of([*found.records.before, *found.records.entries])
    wanted = (OpenKind.PAYOUT_IN_TRANSIT, OpenKind.PAYOUT_NOT_TIED)
    named = {item.kind: item for item in found.items if item.kind in wanted}
    amounts = sum(item.amounts[0].amount_minor for item in named.values())
    booked = balances[AccountKey(Role.PAYOUTS_IN_TRANSIT, "CAD")]
    assert amounts == booked
    return {kind: item.names for kind, item in named.items()}, booked


def move_to_april(database: Database, line: RecordedLine) -> None:
    with database.writing() as session:
        moved = text("UPDATE bank_line SET day = '2026-04-01' WHERE id = :id")
        session.execute(moved, {"id": line.id})


@pytest.fixture
def march(database: Database) -> Database:
    record_march(database)
    assert in_transit(database) == ({}, 0)
    return database


def test_a_payout_on_a_line_of_the_next_month_is_on_its_way(march: Database) -> None:
    """Stripe says that it arrived on 31 March, and the bank shows it on 1 April."""
    row = sent(march, 700, "po_7")
    assert in_transit(march) == ({OpenKind.PAYOUT_NOT_TIED: ("po_7",)}, 700)
    (line,) = record_lines(march, [(31, 700, "STRIPE", PayoutPart(row, 700))])
    assert in_transit(march) == ({}, 0)
    move_to_april(march, line)
    assert in_transit(march) == ({OpenKind.PAYOUT_IN_TRANSIT: ("po_7",)}, 700)


def test_a_payout_that_the_bank_takes_back_in_the_next_month_is_below_zero(march: Database) -> None:
    """Stripe had its money again on 9 March, and the bank shows the debit on 1 April."""
    row = failed_payout(march, 700, arrives=5, fails=9)
    ways = ((5, 700), (31, -700))
    lines = [(day, minor, "STRIPE", PayoutPart(row, minor)) for day, minor in ways]
    _, back = record_lines(march, lines)
    assert in_transit(march) == ({}, 0)
    move_to_april(march, back)
    assert in_transit(march) == ({OpenKind.PAYOUT_IN_TRANSIT: ("po_700_5",)}, -700)


def test_a_payout_that_fails_in_the_next_month_was_on_its_way(march: Database) -> None:
    """At the end of March nobody knew that it would fail; in April its money is back."""
    back = {"status": "failed", "failure_balance_transaction": "txn_back"}
    sent(march, 500, "po_5", **back)
    failure = transaction(500, 0, kind="payout_failure", id="txn_back", source="po_5")
    failure["reporting_category"] = "payout_reversal"
    stripe_records(march, [failure | {"created": at(APRIL_3)}])
    assert in_transit(march) == ({OpenKind.PAYOUT_IN_TRANSIT: ("po_5",)}, 500)


def test_a_line_explained_after_its_month_was_closed_arrives_then(march: Database) -> None:
    """Until the decision the journal has the payout in transit, and so has the list of April."""
    row = sent(march, 700, "po_7")
    (line,) = record_lines(march, [(31, 700, "STRIPE", None)])
    why = ("line_undecided", "payout_not_tied", "payout_incomplete")
    close(march, reasons=dict.fromkeys(why, "Later"))
    assert in_transit(march, IN_APRIL)[0] == {OpenKind.PAYOUT_NOT_TIED: ("po_7",)}
    with march.writing() as session:
        stored = session.get_one(RecordedLine, line.id)
        explain(session, stored, PayoutPart(row, 700), now=MAY_4)
    assert in_transit(march, IN_APRIL) == ({OpenKind.PAYOUT_IN_TRANSIT: ("po_7",)}, 700)
