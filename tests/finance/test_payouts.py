"""The staff pages of payouts: the list, the sums of one, and how it ties to gifts."""

import html
import re
from datetime import UTC, datetime

import pytest

from donate.finance.payouts.pages import PAYOUTS_ON_A_PAGE
from donate.finance.roles import Role
from donate.stripe_gateway.balance.models import PayoutToRead
from donate.stripe_gateway.balance.parser import read_balance_transaction
from donate.stripe_gateway.balance.recorder import record_transactions
from tests.finance.finance_site import FinanceSite
from tests.finance.payout_pages import rows_of, text_of
from tests.finance.payout_samples import mixed_payout, paid_gift
from tests.stripe_gateway.balance.payouts import (
    ASKED,
    charge,
    of_payout,
    payout,
    record,
    transaction,
)

SUMS = "What the payout is made of, by kind"


def test_a_payout_adds_up(site_on_each: FinanceSite) -> None:
    """A payout's page sums each kind, names an unknown type, and adds up to the cent."""
    one = mixed_payout(site_on_each.database)
    page = site_on_each.signed_in(Role.VIEWER).get(f"/finance/payouts/{one['id']}").text
    assert rows_of(page, SUMS) == [
        ["Gifts", "1", "$120.00", "$3.55", "$0.45", "$116.00"],
        ["Refunds", "1", "-$10.00", "$0.00", "$0.00", "-$10.00"],
        ["Disputes", "2", "-$40.00", "$15.30", "$0.00", "-$55.30"],
        ["Stripe’s fees billed separately", "1", "-$2.00", "$0.00", "$0.00", "-$2.00"],
        [
            *("Unknown to this service: please check brand_new Please check", "1"),
            *("$1.30", "$0.00", "$0.00", "$1.30"),
        ],
        ["Sum", "6", "$69.30", "$18.85", "$0.45", "$50.00"],
    ]
    assert "Adds up to the cent." in page
    assert "TRACE-1" in page


@pytest.mark.parametrize(("amount", "gap"), [(4_999, "$0.01"), (5_001, "-$0.01")])
def test_a_difference_is_named(site_on_each: FinanceSite, amount: int, gap: str) -> None:
    """If the transactions do not add up to the payout, a red sentence names the difference."""
    one = mixed_payout(site_on_each.database, amount)
    page = text_of(site_on_each.signed_in().get(f"/finance/payouts/{one['id']}").text)
    assert f"The difference is {gap}." in page
    assert "Adds up" not in page


def test_a_list_that_is_not_complete_says_so(site: FinanceSite) -> None:
    """Before Stripe has finished its list, the page promises no sum."""
    record(site.database, payout(id="po_1", status="in_transit"), is_complete=False)
    page = text_of(site.signed_in().get("/finance/payouts/po_1").text)
    assert "hasn’t finished its list" in page
    assert "add up" not in page
    assert "On its way" in page


def test_each_row_leads_to_its_gift(site_on_each: FinanceSite) -> None:
    """A transaction of a gift links to the gift, and a filter shows only one kind."""
    gift, intent = paid_gift(site_on_each.database)
    record(
        site_on_each.database,
        payout(id="po_1"),
        [transaction(source=charge(intent)), transaction(-100, 0, kind="refund", source="re_9")],
    )
    browser = site_on_each.signed_in()
    page = browser.get("/finance/payouts/po_1").text
    assert f'<a href="/finance/gifts/{gift.id}">{gift.reference}</a>' in page
    caption = "Transactions of this payout"
    assert [row[2] for row in rows_of(page, caption)] == ["Gifts", "Refunds Gift"]
    only = browser.get("/finance/payouts/po_1?kind=refund").text
    assert [row[1] for row in rows_of(only, caption)] == ["re_9"]
    none = browser.get("/finance/payouts/po_1?kind=loan")
    assert "No such transactions here." in none.text
    assert browser.get("/finance/payouts/po_1?kind=nonsense").status_code == 404
    assert browser.get("/finance/payouts/po_1?after=x").status_code == 404


def test_the_proof_of_a_gift_names_fee_and_payout(site_on_each: FinanceSite) -> None:
    """A gift's proof has the fee that Stripe states, and links to the payout."""
    gift, intent = paid_gift(site_on_each.database)
    browser = site_on_each.signed_in()
    before = text_of(browser.get(f"/finance/gifts/{gift.id}").text)
    assert "Fee Not known yet" in before
    assert "Payout Not known yet" in before
    record(
        site_on_each.database,
        payout(id="po_1"),
        [transaction(5_000, 198, tax=23, source=charge(intent))],
    )
    page = browser.get(f"/finance/gifts/{gift.id}").text
    said = text_of(page)
    assert "Fee $1.98 Gifts Net: $48.02. Tax in it: $0.23." in said
    assert "Payout $48.02 Gifts Status: Paid out." in said
    assert 'href="/finance/payouts/po_1"' in page


def test_a_failed_payout_says_why(site: FinanceSite) -> None:
    """A failed payout says in words what the bank reported, and where the money is."""
    failed = payout(4_825, id="po_1", status="failed", failure_code="account_closed")
    record(site.database, failed, [of_payout(failed)])
    browser = site.signed_in()
    page = text_of(browser.get("/finance/payouts/po_1").text)
    assert "The bank account has been closed. The bank didn’t take the payout." in page
    odd = failed | {"id": "po_2", "failure_code": "brand_new_reason"}
    record(site.database, odd)
    page = text_of(browser.get("/finance/payouts/po_2").text)
    assert "Stripe’s reason: brand_new_reason." in page


def test_a_negative_payout_is_a_debit(site: FinanceSite) -> None:
    """A negative payout is shown as money that Stripe took from the bank, and adds up."""
    debit = payout(-5_000, id="po_1")
    record(site.database, debit, [transaction(-5_000, 0, kind="refund"), of_payout(debit)])
    page = text_of(site.signed_in().get("/finance/payouts/po_1").text)
    assert "Stripe took this amount from the bank account." in page
    assert "Adds up to the cent." in page


def test_a_manual_payout_shows_the_balance(site_on_each: FinanceSite) -> None:
    """A payout made by hand shows what changed the balance, and the balance around it."""
    first, second = (
        payout(
            amount,
            id=f"po_{number}",
            automatic=False,
            method="instant",
            created=at,
            reconciliation_status="not_applicable",
        )
        for number, amount, at in ((1, 3_000, 1_000_000), (2, 4_000, 2_000_000))
    )
    rows = [
        transaction(10_000, 300, created=900_000),
        of_payout(first) | {"created": 1_000_000, "fee": 30, "net": -3_030, "fee_details": []},
        transaction(2_000, 100, created=1_500_000),
        of_payout(second) | {"created": 2_000_000, "fee": 40, "net": -4_040, "fee_details": []},
        transaction(9_999, 0, created=2_500_000),
    ]
    for one in (first, second):
        record(site_on_each.database, one, is_complete=False)
    with site_on_each.database.writing() as session:
        record_transactions(session, [read_balance_transaction(row, ASKED) for row in rows])
    page = site_on_each.signed_in().get("/finance/payouts/po_2").text
    amounts = re.findall(r"<dd>(-?\$[^<]+)</dd>", page)
    assert amounts == ["$66.70", "$19.00", "-$40.40", "$45.30"]
    assert "Adds up" not in page


def test_the_list_filters_and_sums(site_on_each: FinanceSite) -> None:
    """The list shows the latest arrival first; each filter narrows it; failed ones do not count."""
    day = int(datetime(2026, 3, 4, tzinfo=UTC).timestamp())
    for number, (amount, more) in enumerate(
        [
            (5_000, {}),
            (-1_200, {}),
            (9_900, {"status": "failed"}),
            (7_000, {"currency": "usd", "status": "in_transit"}),
        ]
    ):
        arrival = {"arrival_date": day + number * 86_400}
        record(site_on_each.database, payout(amount, id=f"po_{number}", **arrival, **more))
    browser = site_on_each.signed_in(Role.VIEWER)

    def shown(query: str) -> list[str]:
        page = browser.get(f"/finance/payouts?{query}")
        assert page.status_code == 200
        return [row[1] for row in rows_of(page.text, "Payouts, latest arrival first")]

    assert shown("") == ["po_3", "po_2", "po_1", "po_0"]
    assert shown("currency=USD") == ["po_3"]
    assert shown("status=failed") == ["po_2"]
    assert shown("tied=no") == ["po_3", "po_2", "po_1", "po_0"]
    assert shown("tied=yes") == []
    assert shown("from=2026-03-05&to=2026-03-06") == ["po_2", "po_1"]
    page = browser.get("/finance/payouts").text
    assert re.findall(r"<dd>([^<]+)</dd>", page) == ["2", "$50.00", "$12.00", "1", "US$70.00"]
    for query, sentence in {
        "currency=usd": "“usd” isn’t in the list. Did you mean “USD”?",
        "status=odd": "“odd” isn’t in the list.",
        "tied=perhaps": "“perhaps” isn’t in the list.",
        "from=soon": "Please enter a date such as 2026-03-31.",
        "after=nowhere": "This link is incomplete.",
    }.items():
        answer = browser.get(f"/finance/payouts?{query}")
        assert answer.status_code == 422
        assert sentence in answer.text


def test_a_payout_that_cannot_be_read_is_named(site: FinanceSite) -> None:
    """The list names the payouts that could not be read from Stripe, until they are read."""
    unread = PayoutToRead(payout_id="po_7", ask_at=ASKED, trouble="Stripe gave no answer")
    with site.database.writing() as session:
        session.add(unread)
    browser = site.signed_in()
    assert "couldn’t be read from Stripe yet: po_7." in browser.get("/finance/payouts").text
    with site.database.writing() as session:
        session.get_one(PayoutToRead, "po_7").trouble = ""
    assert "po_7" not in browser.get("/finance/payouts").text


def test_the_list_has_pages(site_on_each: FinanceSite) -> None:
    """Links lead through all payouts, each shown once, also with equal days."""
    for number in range(PAYOUTS_ON_A_PAGE + 5):
        record(site_on_each.database, payout(100 + number, id=f"po_{number}"))
    browser = site_on_each.signed_in()
    first = browser.get("/finance/payouts").text
    link = re.search(r'rel="next" href="([^"]+)"', first)
    assert link
    second = browser.get(html.unescape(link[1])).text
    found = re.findall(r"/finance/payouts/(po_\d+)", first + second)
    assert sorted(found) == sorted(f"po_{number}" for number in range(PAYOUTS_ON_A_PAGE + 5))
    assert 'rel="next"' not in second
