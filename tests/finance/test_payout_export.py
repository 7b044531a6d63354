"""The transactions of a payout as files, with control totals that have to be the payout."""

from decimal import Decimal

import pytest
from sqlmodel import update

from donate.finance.roles import Role
from donate.stripe_gateway.balance.models import StripePayout
from tests.finance.finance_site import FinanceSite
from tests.finance.payout_samples import mixed_payout
from tests.finance.spreadsheets import read_csv, read_xlsx
from tests.stripe_gateway.balance.payouts import of_payout, payout, record, transaction


@pytest.mark.parametrize("typed", ["po%201", "../x", "=1%2B1", "x" * 256])
def test_an_id_that_is_none_leads_to_the_list(site: FinanceSite, typed: str) -> None:
    """An export of something that is no payout is not made."""
    answer = site.signed_in().get(f"/finance/payouts.csv?payout={typed}")
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/finance/payouts?")
    assert not [act for act in site.acts() if act.act.startswith("exported")]


def test_only_finance_staff_export_payouts(site: FinanceSite) -> None:
    """A viewer sees the payout, without links to files, and gets none of them."""
    payout_id = mixed_payout(site.database)["id"]
    viewer = site.signed_in(Role.VIEWER)
    assert ".csv" not in viewer.get(f"/finance/payouts/{payout_id}").text
    assert viewer.get(f"/finance/payouts.csv?payout={payout_id}").status_code == 403


def test_an_unknown_payout_has_no_rows(site: FinanceSite) -> None:
    """The file of a payout that is not known has a header only, and agrees with nothing."""
    control = site.signed_in().get("/finance/payouts.control.json?payout=po_none").json()
    assert (control["rows"], control["agrees_with_payouts"]) == (0, None)


@pytest.mark.parametrize(
    ("changed", "agrees"),
    [({}, True), ({"amount_minor": 5_001}, False), ({"is_complete": False}, None)],
)
def test_the_control_totals_say_whether_the_rows_are_the_payout(
    site: FinanceSite, changed: dict[str, object], agrees: bool | None
) -> None:
    """They agree if the net sum is the payout's amount, to the cent, and all are listed."""
    payout_id = mixed_payout(site.database)["id"]
    if changed:
        with site.database.writing() as session:
            session.execute(update(StripePayout).values(**changed))
    control = site.signed_in().get(f"/finance/payouts.control.json?payout={payout_id}").json()
    assert control["agrees_with_payouts"] is agrees
    assert control["agrees_with_day_totals"] is None
    assert control["sums"] == {
        "CAD": {"fee": "19.30", "gross": "69.30", "net": "50.00", "tax": "0.45"}
    }


def test_a_payout_is_exported_from_its_page(site_on_each: FinanceSite) -> None:
    """The page links to files with each transaction, its kind and gift, but not the payout's."""
    site, browser = site_on_each, site_on_each.signed_in()
    payout_id = mixed_payout(site.database)["id"]
    page = browser.get(f"/finance/payouts/{payout_id}").text
    assert f'href="/finance/payouts.csv?payout={payout_id}"' in page
    rows = read_csv(browser.get(f"/finance/payouts.csv?payout={payout_id}").content)
    assert [row["kind"] for row in rows] == [
        *("gift", "refund", "dispute", "dispute", "fee", "unknown"),
    ]
    assert sum(Decimal(row["net"]) for row in rows) == Decimal("50.00")
    assert rows[0]["gift_reference"].startswith("LWCAN-")
    assert rows[0]["gift_reference"] in page
    assert {row["payout_id"] for row in rows} == {payout_id}
    sheets = read_xlsx(browser.get(f"/finance/payouts.xlsx?payout={payout_id}").content)
    assert len(sheets["payouts"]) == 7
    assert site.acts()[-1].act == "exported_payouts"
    assert "Exported payouts" in browser.get("/finance/activity").text


def test_all_payouts_are_exported_together(site: FinanceSite) -> None:
    """Without an id the file has the transactions of all payouts, and adds up to all of them."""
    mixed_payout(site.database)
    second = payout(900)
    record(site.database, second, [transaction(1_000, 100), of_payout(second)])
    control = site.signed_in().get("/finance/payouts.control.json").json()
    assert (control["rows"], control["agrees_with_payouts"]) == (7, True)
    assert control["sums"]["CAD"]["net"] == "59.00"
