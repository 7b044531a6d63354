"""The bank takes a payout back after it arrived: the payout has a line for each direction."""

import pytest
from sqlalchemy.exc import IntegrityError
from sqlmodel import text

from donate.bank.matching.inputs import Band
from donate.bank.reconciliation.deciding import PayoutPart
from donate.bank.reconciliation.models import LinePart
from donate.errors import BadInput
from donate.finance.roles import Role
from donate.stripe_gateway.balance.models import StripePayout
from tests.bank.reconciliation.bank_lines import bank_line, decide, findings, payout, reread
from tests.bank.reconciliation.stripe_rows import failed_payout
from tests.finance.bank_desk import LINES, parts_of, send_about
from tests.finance.finance_site import FinanceSite, csrf


@pytest.mark.parametrize("amount", [21_140, -700])
def test_both_lines_are_suggested_and_tied(site_on_each: FinanceSite, amount: int) -> None:
    """The arrival and the way back are certain, each on its line; the audit finds nothing wrong.

    A debit by Stripe that fails comes back as money in.
    """
    site = site_on_each
    number, browser = failed_payout(site.database, amount), site.signed_in()
    lines = [
        bank_line(site.database, amount, "STRIPE MSP", 5),
        bank_line(site.database, -amount, "STRIPE MSP RTN", 10),
    ]
    browser.post("/finance/statements/matched", data={"csrf": csrf(browser)})
    certain = browser.get("/finance/statements/certain").text
    assert "Failed payout that the bank took back" in certain
    assert [reread(site.database, line).band for line in lines] == [Band.CERTAIN] * 2
    for line in lines:
        left = line.amount_minor
        decide(site.database, reread(site.database, line), PayoutPart(number, left))
    with site.database.reading() as session:
        name = session.get_one(StripePayout, number).payout_id
    assert [part.is_return for line in lines for part in parts_of(site, line)] == [False, True]
    page = browser.get(f"/finance/payouts/{name}").text
    assert all(f"{LINES}/{line.id}" in page for line in lines)
    assert "taken back" in page
    assert "taken back" in browser.get("/finance/payouts?tied=yes").text
    assert "Failed payout that the bank took back" in browser.get(f"{LINES}/{lines[1].id}").text
    assert findings(site.database) == []


def test_a_person_chooses_the_way_back(site: FinanceSite) -> None:
    """The form offers the failed payout for a debit of any day, once."""
    number, browser = failed_payout(site.database, 21_140, fails=30), site.signed_in()
    one, two = (bank_line(site.database, -21_140, text_, 2) for text_ in ("RTN 1", "RTN 2"))
    arrival = bank_line(site.database, 21_140, "STRIPE", 5)
    assert send_about(browser, arrival, "payout", payout=str(number)).status_code == 303
    assert "Failed payout that the bank took back" in browser.get(f"{LINES}/{one.id}").text
    answer = send_about(browser, one, "payout", payout=str(number))
    assert answer.status_code == 303
    assert 'name="payout"' not in browser.get(f"{LINES}/{two.id}").text
    late = send_about(browser, two, "payout", payout=str(number))
    assert late.status_code == 409
    assert "already tied this to a bank line" in late.text


@pytest.mark.parametrize("status", ["paid", "in_transit"])
def test_only_a_failed_payout_comes_back(site: FinanceSite, status: str) -> None:
    """As long as Stripe does not say that the payout failed, a debit is not its way back."""
    number = payout(site.database, 21_140, status=status)
    line, browser = bank_line(site.database, -21_140, "RTN"), site.signed_in()
    assert 'name="payout"' not in browser.get(f"{LINES}/{line.id}").text
    page = send_about(browser, line, "payout", payout=str(number))
    assert "Stripe sent this payout to the account, but the line is money out." in page.text
    assert parts_of(site, line) == []


def test_the_way_back_has_the_whole_amount(site: FinanceSite) -> None:
    """A failed payout comes back as a whole, not in part."""
    number, line = failed_payout(site.database, 21_140), bank_line(site.database, -21_000, "RTN")
    with pytest.raises(BadInput, match="another amount"):
        decide(site.database, line, PayoutPart(number, -21_000))


def test_the_audit_knows_a_payout_that_did_not_fail(site: FinanceSite) -> None:
    """A way back of a payout that did not fail, or of another amount, is a finding."""
    number, line = failed_payout(site.database, 700), bank_line(site.database, -700, "RTN")
    decide(site.database, line, PayoutPart(number, -700))
    assert findings(site.database) == []
    for harm in ("status = 'paid'", "status = 'failed', amount_minor = 701"):
        with site.database.writing() as session:
            session.execute(text(f"UPDATE stripe_payout SET {harm}"))
        (found,) = findings(site.database)
        assert "is not what Stripe moved" in found


def test_the_database_keeps_one_part_for_each_way(site_on_each: FinanceSite) -> None:
    """A second arrival or return of a payout is refused by the database itself."""
    site = site_on_each
    number, line = failed_payout(site.database, 700), bank_line(site.database, -1_400, "RTN")
    decide(site.database, line, PayoutPart(number, -700))
    (part,) = parts_of(site, line)
    values = part.model_dump(exclude={"id"})
    with pytest.raises(IntegrityError), site.database.writing() as session:
        session.add(LinePart(**values))


def test_a_viewer_ties_no_way_back(site: FinanceSite) -> None:
    """A viewer sees the line, but decides nothing."""
    number, line = failed_payout(site.database, 700), bank_line(site.database, -700, "RTN")
    browser = site.signed_in(Role.VIEWER)
    assert send_about(browser, line, "payout", payout=str(number)).status_code == 403
