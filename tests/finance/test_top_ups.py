"""The charity tops up Stripe's balance: the debit at the bank is tied to the top-up."""

import pytest
from sqlmodel import text

from donate.bank.matching.inputs import Band
from tests.bank.reconciliation.bank_lines import bank_line, findings, reread
from tests.bank.reconciliation.stripe_rows import balance_row
from tests.finance.bank_desk import LINES, parts_of, send_about
from tests.finance.finance_site import FinanceSite, csrf


@pytest.mark.parametrize(
    ("at_stripe", "kind"), [(50_000, "topup"), (-50_000, "topup_reversal")], ids=["sent", "back"]
)
def test_a_top_up_is_suggested_and_tied(
    site_on_each: FinanceSite, at_stripe: int, kind: str
) -> None:
    """A line of Stripe with the top-up's amount is certain; accepting it ties the two."""
    site, browser = site_on_each, site_on_each.signed_in()
    balance_row(site.database, at_stripe, kind, source="tu_1")
    line = bank_line(site.database, -at_stripe, "STRIPE TOPUP", 6)
    browser.post("/finance/statements/matched", data={"csrf": csrf(browser)})
    line = reread(site.database, line)
    assert line.band is Band.CERTAIN
    page = browser.get(f"{LINES}/{line.id}").text
    assert "Top-up of Stripe’s balance" in page
    key = page.split('name="suggestion" value="')[1].split('"')[0]
    assert send_about(browser, line, "accepted", suggestion=key).status_code == 303
    (part,) = parts_of(site, line)
    assert (part.amount_minor, part.top_up_id is None) == (-at_stripe, False)
    assert findings(site.database) == []


def test_a_top_up_of_any_day_is_chosen_and_undone(site: FinanceSite) -> None:
    """Staff choose a top-up that the matcher does not suggest, and can undo it."""
    number = balance_row(site.database, 50_000, "topup", 30, source="tu_1")
    browser = site.signed_in()
    line = bank_line(site.database, -50_000, "WIRE", 2)
    page = browser.get(f"{LINES}/{line.id}").text
    assert f'value="top-up-{number}"' in page
    assert send_about(browser, line, "payout", payout=f"top-up-{number}").status_code == 303
    assert site.acts()[-1].act == "bank_line_top_up_tied"
    (part,) = parts_of(site, line)
    assert "Top-up of Stripe’s balance" in browser.get(f"{LINES}/{line.id}").text
    other = bank_line(site.database, -50_000, "WIRE 2", 2)
    late = send_about(browser, other, "payout", payout=f"top-up-{number}")
    assert late.status_code == 409
    undo = {"csrf": csrf(browser), "line": str(line.id), "reason": "wrong"}
    browser.post(f"/finance/statements/parts/{part.id}/undone", data=undo)
    assert f'value="top-up-{number}"' in browser.get(f"{LINES}/{line.id}").text


@pytest.mark.parametrize(
    ("kind", "amount", "currency", "sentence"),
    [
        ("topup", 50_001, "cad", "This top-up has another amount"),
        ("topup", -50_000, "cad", "This top-up has another amount"),
        ("topup", 50_000, "usd", "in another currency"),
        ("charge", 50_000, "cad", "Please choose a top-up."),
    ],
)
def test_a_top_up_that_does_not_fit_is_refused(
    site: FinanceSite, kind: str, amount: int, currency: str, sentence: str
) -> None:
    """Another amount, direction or currency, or another transaction, explains no line."""
    number = balance_row(site.database, amount, kind, currency=currency)
    line, browser = bank_line(site.database, -50_000, "WIRE"), site.signed_in()
    assert "top-up-" not in browser.get(f"{LINES}/{line.id}").text
    for typed in (f"top-up-{number}", "top-up-", "top-up-x", "top-up-99"):
        page = send_about(browser, line, "payout", payout=typed)
        assert page.status_code == 422
        expected = sentence if typed.endswith(str(number)) else "Please choose a top-up."
        assert expected in page.text
    assert parts_of(site, line) == []


def test_the_audit_knows_a_part_that_is_no_top_up(site: FinanceSite) -> None:
    """If the transaction has another amount than the line, the audit says so."""
    number = balance_row(site.database, 700, "topup")
    line = bank_line(site.database, -700, "WIRE")
    send_about(site.signed_in(), line, "payout", payout=f"top-up-{number}")
    assert findings(site.database) == []
    for harm in ("type = 'charge'", "type = 'topup', amount_minor = 701, net_minor = 701"):
        with site.database.writing() as session:
            session.execute(text(f"UPDATE balance_transaction SET {harm}"))
        (found,) = findings(site.database)
        assert "is not what Stripe moved" in found
