"""The page of a payout of 5,000 transactions: fast, complete, and read through indexes."""

import html
import re

import pytest

from donate.finance.payouts.pages import TRANSACTIONS_ON_A_PAGE
from donate.stripe_gateway.balance.parser import read_balance_transaction, read_payout
from donate.stripe_gateway.balance.recorder import record_payout, record_transactions
from tests.finance.finance_site import FinanceSite
from tests.finance.payout_pages import rows_of
from tests.finance.statements import plans, selects
from tests.machine_speed import fastest_seconds
from tests.stripe_gateway.balance.payouts import ASKED, payout, transaction

MANY = 5_000


@pytest.fixture
def big(site_on_each: FinanceSite) -> FinanceSite:
    """Return the staff pages with a payout of 5,000 transactions."""
    rows = [
        read_balance_transaction(
            transaction(1_000 + n % 7, 59) if n % 20 else transaction(-500, 0, kind="refund"), ASKED
        )
        for n in range(MANY)
    ]
    big = payout(sum(row["net_minor"] for row in rows), id="po_big")
    with site_on_each.database.writing() as session:
        stored = record_payout(session, read_payout(big, ASKED), is_complete=True)
        record_transactions(session, rows, stored)
        others = [read_balance_transaction(transaction(), ASKED) for _ in range(MANY)]
        record_transactions(session, others)
    return site_on_each


@pytest.mark.alone
def test_a_big_payout_is_fast(big: FinanceSite) -> None:
    """The page of a payout of 5,000 transactions takes less than 100 ms, and adds up."""
    browser = big.signed_in()
    assert "Adds up to the cent." in browser.get("/finance/payouts/po_big").text
    assert fastest_seconds(lambda: browser.get("/finance/payouts/po_big")) < 0.1


def test_all_transactions_of_a_big_payout_are_shown(big: FinanceSite) -> None:
    """The pages of a payout's transactions lead through all of them, each shown once."""
    browser = big.signed_in()
    found: list[str] = []
    address: str | None = "/finance/payouts/po_big?kind=refund"
    while address:
        page = browser.get(address).text
        rows = rows_of(page, "Transactions of this payout")
        assert len(rows) <= TRANSACTIONS_ON_A_PAGE
        found += (row[1] for row in rows)
        link = re.search(r'rel="next" href="([^"#]+)', page)
        address = html.unescape(link[1]) if link else None
    assert len(found) == len(set(found)) == MANY // 20


def test_the_pages_use_indexes(big: FinanceSite) -> None:
    """No statement of the payouts' pages reads a whole table."""
    browser = big.signed_in()
    with selects() as found:
        browser.get("/finance/payouts?currency=CAD")
        browser.get("/finance/payouts/po_big?kind=refund")
    about = [one for one in found if "balance_transaction" in one[0] or "stripe_payout" in one[0]]
    assert len(about) >= 5
    for statement, plan in zip(about, plans(big.database, about), strict=True):
        assert "SCAN balance_transaction" not in plan, statement
        assert "Seq Scan on balance_transaction" not in plan, statement
