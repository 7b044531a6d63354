"""What staff read about bank accounts to confirm, donors' reports and months that failed."""

from datetime import timedelta

from donate.gifts.evidence import Evidence
from donate.gifts.facts import Fact, FactKind
from donate.gifts.ledger import record_facts
from donate.gifts.models import Gift
from donate.gifts.opening import open_month
from tests.finance.finance_site import FinanceSite
from tests.stripe_gateway import gifts_and_events

K = FactKind


def learn(site: FinanceSite, gift: Gift, *facts: Fact) -> None:
    with site.database.writing() as session:
        record_facts(session, [(gift.id, fact) for fact in facts], now=site.clock.now())


def test_a_donor_with_an_account_to_confirm_has_not_paid(site_on_each: FinanceSite) -> None:
    """Until a donor confirms their bank account, staff do not read that the donor has paid."""
    site = site_on_each
    gift, now, name = site.gift(mode="bank_debit"), site.clock.now(), "cs_1"
    processing = Fact(K.PAYMENT_PROCESSING, name, now, "stripe")
    learn(site, gift, processing, Fact(K.ACCOUNT_TO_CONFIRM, name, now, "stripe"))
    browser, page = site.signed_in(), f"/finance/gifts/{gift.id}"
    for path in (page, "/finance/gifts"):
        html = browser.get(path).text
        assert '<span class="status status-awaited">Confirmation needed</span>' in html
        assert "status-processing" not in html
    assert "The donor still has to confirm their bank account" in browser.get(page).text
    assert "The donor has paid" not in browser.get(page).text
    learn(site, gift, Fact(K.ACCOUNT_CONFIRMED, name, now, "stripe"))
    for path in (page, "/finance/gifts"):
        assert "status-processing" in browser.get(path).text
    assert "The donor has paid" in browser.get(page).text


def test_a_donors_report_is_shown_until_the_transfer_arrives(site: FinanceSite) -> None:
    """Until a transfer arrives, the gift's page says when the donor reported it as sent."""
    gift, now = site.gift(), site.clock.now()
    browser, page = site.signed_in(), f"/finance/gifts/{gift.id}"
    message = "The donor reported on March 10, 2026 that they sent it."
    assert message not in browser.get(page).text
    learn(site, gift, Fact(K.TRANSFER_ANNOUNCED, str(gift.id), now, "donor"))
    assert message in browser.get(page).text
    evidence: Evidence = {"bank_reference": "C1"}
    received = Fact(K.TRANSFER_RECEIVED, "C1", now, "staff:1", 5_000, "CAD", evidence)
    learn(site, gift, received)
    assert message not in browser.get(page).text


def test_a_month_and_the_gift_in_its_place_are_linked(site: FinanceSite) -> None:
    """A month that failed, and the gift that the donor gave in its place, link to each other."""
    first, now = gifts_and_events.give(site.database, frequency="monthly"), site.clock.now()
    other = site.gift("other", mode="card")
    later = now + timedelta(days=30)
    evidence: Evidence = {"subscription": "sub_1", "status": "past_due"}
    with site.database.writing() as session:
        month = open_month(session, first.id, "in_2", first.amount, invoiced_at=later, now=later)
        session.get_one(Gift, other.id).form_key = f"instead:{month.id}:card"
        month_id, month_reference = month.id, month.reference
        record_facts(
            session,
            [
                (first.id, Fact(K.PLEDGE_STARTED, "sub_1", now, "stripe")),
                (first.id, Fact(K.PLEDGE_CHANGED, "evt_1", now, "stripe", evidence=evidence)),
                (month_id, Fact(K.PAYMENT_FAILED, "in_2", later, "stripe")),
            ],
            now=later,
        )
    browser, page = site.signed_in(), f"/finance/gifts/{month_id}"
    assert other.reference not in browser.get(page).text
    assert "Stripe may try again" in browser.get(page).text
    learn(site, other, Fact(K.PAYMENT_SUCCEEDED, "pi_2", later, "stripe", 5_000, "CAD"))
    html = browser.get(page).text
    assert f'href="/finance/gifts/{other.id}">{other.reference}</a>' in html
    assert "Stripe may try again" not in html
    other_html = browser.get(f"/finance/gifts/{other.id}").text
    assert f'href="{page}">{month_reference}</a>' in other_html
