"""Failed payouts that the bank still has, and top-ups without a line, are open items."""

import pytest

from donate.bank.reconciliation.deciding import PayoutPart, TopUpPart
from donate.books.months.open_items import Hurdle, OpenItem, OpenKind
from donate.money import Money
from donate.storage.database import Database
from tests.bank.reconciliation.stripe_rows import balance_row, failed_payout
from tests.books.months.month_world import draft, record_lines, record_march


@pytest.fixture
def march(database: Database) -> Database:
    """Return a database with a March in which nothing is open."""
    record_march(database)
    return database


def open_in(database: Database) -> dict[OpenKind, OpenItem]:
    return {item.kind: item for item in draft(database).items}


def test_a_failed_payout_is_open_until_the_bank_took_it_back(march: Database) -> None:
    """Stripe and the bank both have its money, so staff tie the debit or write a reason."""
    number = failed_payout(march, 700, arrives=5, fails=9)
    assert OpenKind.PAYOUT_NOT_RETURNED not in open_in(march)
    record_lines(march, [(5, 700, "STRIPE", PayoutPart(number, 700))])
    item = open_in(march)[OpenKind.PAYOUT_NOT_RETURNED]
    assert (item.names, item.amounts) == (("po_700_5",), (Money(700, "CAD"),))
    assert item.kind.hurdle is Hurdle.NEEDS_REASON
    record_lines(march, [(12, -700, "STRIPE", PayoutPart(number, -700))])
    assert OpenKind.PAYOUT_NOT_RETURNED not in open_in(march)


def test_a_top_up_is_open_until_it_is_tied(march: Database) -> None:
    """A top-up of March without a bank line is named, with what left the bank."""
    number = balance_row(march, 5_000, "topup", 6, source="tu_1")
    item = open_in(march)[OpenKind.TOP_UP_NOT_TIED]
    assert (item.names, item.amounts) == (("tu_1",), (Money(-5_000, "CAD"),))
    record_lines(march, [(7, -5_000, "STRIPE", TopUpPart(number, -5_000))])
    assert OpenKind.TOP_UP_NOT_TIED not in open_in(march)
