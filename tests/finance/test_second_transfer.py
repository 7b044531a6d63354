"""The staff page of a gift that already has a transfer or a donor's report, or has lapsed."""

from donate.finance.roles import Role
from donate.gifts.facts import Fact, FactKind
from donate.gifts.ledger import record_facts
from tests.finance.finance_site import FinanceSite
from tests.finance.transfers import mark, sources


def test_two_clerks_at_one_transfer(site_on_each: FinanceSite) -> None:
    """A form is refused if another staff member marked a transfer after the form was loaded."""
    site = site_on_each
    gift = site.gift(mode="interac")
    first, second = site.signed_in(), site.signed_in(Role.FINANCE, "bo@example.org")
    assert mark(first, gift, seen="0").status_code == 303
    assert (
        mark(first, gift, seen="0").status_code == 303
    )  # The same form sent twice records one transfer.
    answer = mark(second, gift, seen="0", bank_reference="the same, in other words")
    assert answer.status_code == 409
    assert "Someone has just marked a transfer as received for this gift" in answer.text
    assert "the same, in other words" in answer.text
    assert sources(site, gift) == ["CA1234X#0"]
    again = mark(second, gift, seen="1", bank_reference="another one", amount="4.50")
    assert again.status_code == 303
    assert len(sources(site, gift)) == 2


def test_the_form_asks_for_what_is_missing(site: FinanceSite) -> None:
    """If part of a gift arrived, the form to mark a transfer proposes the rest."""
    gift = site.gift(mode="interac")
    browser = site.signed_in()
    mark(browser, gift, amount="45.50")
    page = browser.get(f"/finance/gifts/{gift.id}").text
    assert 'name="amount" inputmode="decimal" autocomplete="off" value="4.50"' in page


def test_a_donors_report_moves_no_money(site: FinanceSite) -> None:
    """A donor's report of a transfer is shown in the gift's history, and not as money."""
    gift = site.gift(mode="interac")
    announced = Fact(FactKind.TRANSFER_ANNOUNCED, str(gift.id), site.clock.now(), "donor")
    with site.database.writing() as session:
        record_facts(session, [(gift.id, announced)], now=site.clock.now())
    page = site.signed_in().get(f"/finance/gifts/{gift.id}").text
    assert page.count("Reported as sent by the donor") == 2  # one in the proof, one in the history
    assert "The money" not in page


def test_a_lapsed_transfer_had_no_payment_page(site: FinanceSite) -> None:
    """The page of a lapsed Interac gift does not say that a payment page has expired."""
    gift = site.gift(mode="interac")
    lapsed = Fact(FactKind.GIFT_LAPSED, str(gift.id), site.clock.now(), "service")
    with site.database.writing() as session:
        record_facts(session, [(gift.id, lapsed)], now=site.clock.now())
    page = site.signed_in().get(f"/finance/gifts/{gift.id}").text
    assert "Nothing arrived within the region’s waiting time" in page
    assert "payment page has expired" not in page
