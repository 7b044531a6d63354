"""Staff tie a bank line to a payout of any day; one that does not fit is refused."""

import re
from datetime import date

import pytest
from sqlmodel import select, update

from donate.bank.matching.inputs import Band
from donate.bank.reconciliation.models import LinePart
from donate.bank.reconciliation.suggesting import suggest_for_open_lines
from donate.finance.roles import Role
from donate.stripe_gateway.balance.models import StripePayout
from tests.bank.reconciliation.bank_lines import NOW, bank_line, findings, payout, reread
from tests.finance.bank_desk import LINES, parts_of, send_about
from tests.finance.finance_site import FinanceSite


def long_ago(site: FinanceSite, number: int) -> None:
    with site.database.writing() as session:
        session.execute(
            update(StripePayout)
            .where(StripePayout.id == number)  # type: ignore[arg-type]
            .values(arrives_on=date(2025, 11, 3))
        )


@pytest.mark.parametrize(
    ("amount", "status", "currency", "sentence"),
    [
        (90_000, "paid", "CAD", "has another amount than what is left"),
        (-21_140, "paid", "CAD", "Stripe took this payout from the account"),
        (21_140, "canceled", "CAD", "Stripe canceled this payout"),
        (21_140, "paid", "USD", "in another currency"),
    ],
)
def test_a_payout_that_does_not_fit_is_refused(
    site: FinanceSite, amount: int, status: str, currency: str, sentence: str
) -> None:
    """A payout of another amount, direction or currency, or a canceled one, explains no line."""
    number = payout(site.database, amount, status=status)
    with site.database.writing() as session:
        session.execute(update(StripePayout).values(currency=currency))
    line, browser = bank_line(site.database, 21_140, "MISC PAYMENT"), site.signed_in()
    assert 'name="payout"' not in browser.get(f"{LINES}/{line.id}").text
    page = send_about(browser, line, "payout", payout=str(number))
    assert page.status_code == 422
    assert sentence in page.text
    assert 'aria-describedby="payout-error"' in page.text
    assert parts_of(site, line) == []


def test_money_out_is_no_payout_to_the_bank(site: FinanceSite) -> None:
    """A debit is not tied to a payout that Stripe sent, even of the same amount."""
    number = payout(site.database, 700)
    line = bank_line(site.database, -700, "DEBIT")
    page = send_about(site.signed_in(), line, "payout", payout=str(number))
    assert "Stripe sent this payout to the account, but the line is money out." in page.text


@pytest.mark.parametrize("typed", ["", "x", "99", "9" * 30])
def test_no_payout_is_asked_for(site: FinanceSite, typed: str) -> None:
    """Without a payout, or with an unknown one, the form asks for it."""
    payout(site.database, 21_140)
    line = bank_line(site.database, 21_140, "MISC PAYMENT")
    page = send_about(site.signed_in(), line, "payout", payout=typed)
    assert page.status_code == 422
    assert "Please choose a payout." in page.text


def test_a_payout_that_another_line_has_is_not_offered(site: FinanceSite) -> None:
    """A payout explains one line; for another line it is neither offered nor accepted."""
    number = payout(site.database, 21_140)
    one, two = (bank_line(site.database, 21_140, text) for text in ("ONE", "TWO"))
    browser = site.signed_in()
    assert send_about(browser, one, "payout", payout=str(number)).status_code == 303
    assert 'name="payout"' not in browser.get(f"{LINES}/{two.id}").text
    late = send_about(browser, two, "payout", payout=str(number))
    assert late.status_code == 409
    assert "already tied this to a bank line" in late.text


@pytest.mark.parametrize(("amount", "text"), [(21_140, "MISC PAYMENT"), (-700, "MISC DEBIT")])
def test_a_payout_outside_the_matchers_days_is_chosen(
    site_on_each: FinanceSite, amount: int, text: str
) -> None:
    """A payout that should have arrived months ago is offered, tied, shown, and can be undone."""
    site = site_on_each
    number = payout(site.database, amount)
    long_ago(site, number)
    line, browser = bank_line(site.database, amount, text), site.signed_in()
    assert "November 3, 2025" in browser.get(f"{LINES}/{line.id}").text
    answer = send_about(browser, line, "payout", payout=str(number))
    assert answer.headers["location"] == "/finance/statements?done=all"
    assert reread(site.database, line).open_amount.amount_minor == 0
    page = browser.get(f"{LINES}/{line.id}").text
    with site.database.reading() as session:
        payout_id = session.get_one(StripePayout, number).payout_id
        (part,) = session.exec(select(LinePart)).all()
    assert f'href="/finance/payouts/{payout_id}"' in page
    assert text in browser.get(f"/finance/payouts/{payout_id}").text
    assert site.acts()[-1].act == "bank_line_payout_tied"
    assert findings(site.database) == []
    data = {"csrf": page.split('name="csrf" value="')[1].split('"')[0], "line": str(line.id)}
    browser.post(f"/finance/statements/parts/{part.id}/undone", data=data | {"reason": "wrong"})
    assert "November 3, 2025" in browser.get(f"{LINES}/{line.id}").text


def test_equal_payouts_of_neighbouring_weeks_are_told_apart_by_hand(
    site_on_each: FinanceSite,
) -> None:
    """Nobody can tell which line is whose, so both payouts are offered, and each gets its line."""
    site = site_on_each
    payouts = [payout(site.database, 21_140, day) for day in (2, 9)]
    lines = [bank_line(site.database, 21_140, "STRIPE MSP", day) for day in (6, 10)]
    assert suggest_for_open_lines(site.database, ["LWCAN"], now=NOW)[Band.AMBIGUOUS] == 2
    browser = site.signed_in()
    for line in lines:
        page = browser.get(f"{LINES}/{line.id}").text
        assert {"po_21140_2", "po_21140_9"} <= set(re.findall(r"po_\d+_\d+", page))
        assert "Another payout or line fits just as well." in page
    assert browser.get("/finance/statements/certain").text.count("STRIPE MSP") == 0
    for line, number in zip(lines, reversed(payouts), strict=True):
        assert send_about(browser, line, "payout", payout=str(number)).status_code == 303
    with site.database.reading() as session:
        tied = session.exec(select(LinePart.line_id, LinePart.payout_id)).all()
    assert sorted(tied) == [(lines[0].id, payouts[1]), (lines[1].id, payouts[0])]
    assert findings(site.database) == []


def test_a_viewer_ties_no_payout(site: FinanceSite) -> None:
    """A viewer may not decide what a line is."""
    number = payout(site.database, 21_140)
    line = bank_line(site.database, 21_140, "MISC PAYMENT")
    browser = site.signed_in(Role.VIEWER)
    assert send_about(browser, line, "payout", payout=str(number)).status_code == 403
