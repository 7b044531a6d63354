"""What staff pages say about failed refunds, inquiries and disputes."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from donate.clock import local_date
from donate.gifts.facts import Fact, FactKind
from donate.gifts.ledger import record_facts
from donate.storage.database import Database
from tests.finance.finance_site import FinanceSite, fields
from tests.finance.refund_desk import Desk, open_desk
from tests.stripe_gateway.refund_desk import REFUNDS, deliver_events, stripe_list


@pytest.fixture
def desk_on_each(database: Database) -> Iterator[Desk]:
    """Return the refund form; the test runs on SQLite and on PostgreSQL."""
    with open_desk(database) as desk:
        yield desk


def test_a_later_round_ends_an_inquiry_too(site_on_each: FinanceSite) -> None:
    """An inquiry ends when any round of its dispute is recorded, not only the first round."""
    gift, now = site_on_each.gift(mode="card"), site_on_each.clock.now()
    browser = site_on_each.signed_in()
    inquiry: list[Fact] = [Fact(FactKind.INQUIRY_OPENED, "dp_1", now, "stripe")]
    lost = Fact(FactKind.DISPUTE_LOST, "dp_1:2", now, "stripe", 5_000, "CAD")
    for facts, is_open in ((inquiry, True), ([lost], False)):
        with site_on_each.database.writing() as session:
            record_facts(session, [(gift.id, fact) for fact in facts], now=now)
        page = browser.get("/finance/gifts").text
        assert ("bank has sent an inquiry about a payment" in page) is is_open


def test_a_failed_refund_is_shown_until_followed_up(desk_on_each: Desk) -> None:
    """A failed refund is shown on every page until staff mark it as followed up."""
    desk = desk_on_each
    gift = desk.paid()
    desk.refund(gift)
    (refund,) = stripe_list(desk.sandbox, REFUNDS)
    desk.sandbox.control("POST", f"/_sandbox/refund/{refund['id']}", status="failed")
    deliver_events(desk.site.database, desk.sandbox, desk.site.clock)
    notice = "A refund failed. The money came back to us."
    page = desk.page(gift).text
    assert notice in desk.browser.get("/finance/gifts").text
    assert notice in page
    assert "A refund of $50.00 failed on" in page
    assert (desk.site.reread(gift).status, desk.site.reread(gift).net_minor) == ("confirmed", 5_000)
    form = {"csrf": fields(desk.page(gift))["csrf"], "refund": refund["id"]}
    address = f"/finance/gifts/{gift.id}/refund-followed-up"
    assert desk.browser.post(address, data=form | {"refund": "re_other"}).status_code == 409
    for _ in range(2):
        assert desk.browser.post(address, data=form).status_code == 303
    assert [a.act for a in desk.site.acts()].count("refund_followed_up") == 1
    page = desk.page(gift).text
    assert notice not in page
    assert "A refund of $50.00 failed on" not in page
    assert "Failed refund resolved" in page
    assert "$50.00 refundable" in page


def test_inquiries_and_disputes_are_shown(desk_on_each: Desk) -> None:
    """Staff see the deadline for answering an inquiry, and cannot refund a gift in dispute."""
    desk = desk_on_each
    gift = desk.paid()
    form = desk.form(gift)
    inquiry = desk.sandbox.control(
        "POST", "/_sandbox/dispute", payment_intent=form["payment"], inquiry=True
    )["dispute"]
    deliver_events(desk.site.database, desk.sandbox, desk.site.clock)
    notice = "A donor’s bank has sent an inquiry about a payment. Answer in Stripe before"
    page = desk.page(gift).text
    assert notice in desk.browser.get("/finance/gifts").text
    due = local_date(
        datetime.fromtimestamp(inquiry["evidence_details"]["due_by"], UTC), gift.time_zone
    )
    assert f"Answer it in Stripe by {due:%B} {due.day}, {due.year}" in page
    assert desk.site.reread(gift).status == "confirmed"
    assert 'name="confirmed"' in page
    address = f"/_sandbox/dispute/{inquiry['id']}"
    desk.sandbox.control("POST", f"{address}/answer")
    deliver_events(desk.site.database, desk.sandbox, desk.site.clock)
    page = desk.page(gift).text
    assert notice not in page
    assert "It is reviewing our answer." in page
    desk.sandbox.control("POST", f"{address}/escalate")
    deliver_events(desk.site.database, desk.sandbox, desk.site.clock)
    page = desk.page(gift).text
    assert desk.site.reread(gift).status == "disputed"
    dispute_notice = "A donor’s bank has disputed a payment."
    assert dispute_notice in desk.browser.get("/finance/gifts").text
    assert "To recover it, answer in Stripe by" in page
    assert "Nothing can be refunded until the dispute has ended." in page
    assert 'name="confirmed"' not in page
    late = desk.send(gift, form)
    assert (late.status_code, desk.made()) == (409, [])
    desk.sandbox.control("POST", address, outcome="won")
    deliver_events(desk.site.database, desk.sandbox, desk.site.clock)
    page = desk.page(gift).text
    assert 'name="confirmed"' in page
    assert dispute_notice not in page


def test_no_more_is_shown_as_returned_than_came_in(site: FinanceSite) -> None:
    """A gift's page never shows more returned and held than was received, but flags the excess."""
    gift, now = site.gift(mode="card", amount_minor=2_500, received_minor=2_500), site.clock.now()
    browser = site.signed_in()
    refund = Fact(FactKind.REFUND_SUCCEEDED, "re_1", now, "stripe", 1_000, "CAD")
    opened = Fact(FactKind.DISPUTE_OPENED, "dp_1", now, "stripe", 2_500, "CAD")
    lost = Fact(FactKind.DISPUTE_LOST, "dp_1", now, "stripe", 2_500, "CAD")
    for facts, returned, held in (([refund, opened], "$10.00", "$15.00"), ([lost], "$25.00", "")):
        with site.database.writing() as session:
            record_facts(session, [(gift.id, fact) for fact in facts], now=now)
        page = browser.get(f"/finance/gifts/{gift.id}").text
        assert f"<dt>Refunded</dt><dd>{returned}</dd>" in page
        assert (f"<dt>Held by the bank</dt><dd>{held}</dd>" in page) is bool(held)
        assert "More refunded than received" in page
        assert "$35" not in page
