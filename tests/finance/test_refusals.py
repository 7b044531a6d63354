"""Requests that Stripe refused unexpectedly are shown to staff until marked as seen."""

import html
from typing import Any, Literal, Unpack

import pytest
import stripe

from donate.finance.roles import Role
from donate.finance.stripe_refusals import SHOWN
from donate.gifts.evidence import Evidence
from donate.gifts.facts import Fact, FactKind
from donate.gifts.ledger import record_facts
from donate.gifts.models import Gift
from donate.stripe_gateway.refusals import refusal_details
from tests.finance.finance_site import FinanceSite, fields

EVIDENCE: Evidence = {
    "code": "parameter_unknown",
    "message": "Received unknown parameter: <b>mode</b>",
    "request_id": "req_1",
}
NOTICE = "Stripe refused"


def refuse(
    site: FinanceSite,
    gift: Gift,
    number: int,
    kind: str = "checkout_refused",
    **more: Unpack[Evidence],
) -> None:
    now = site.clock.now()
    evidence = EVIDENCE | more
    evidence["request_id"] = f"req_{number}"
    source = f"{gift.id}:{kind}:{number}"
    fact = Fact(FactKind(kind), source, now, "stripe", evidence=evidence)
    with site.database.writing() as session:
        record_facts(session, [(gift.id, fact)], now=now)


def test_staff_read_stripes_message(site_on_each: FinanceSite) -> None:
    """Every staff page counts refused requests, and links to Stripe's messages and request ids."""
    site = site_on_each
    browser = site.signed_in(Role.VIEWER)
    assert NOTICE not in browser.get("/finance/gifts").text
    gift = site.gift(mode="card")
    refuse(site, gift, 1)
    assert (
        "Stripe refused a request in the past two weeks." in browser.get("/finance/activity").text
    )
    refuse(site, gift, 2, kind="pledge_change_refused")
    refuse(site, gift, 3, kind="payment_failed")
    page = browser.get("/finance/gifts").text
    assert "Stripe refused 3 requests in the past two weeks." in page
    assert '<a href="/finance/refused">' in page
    html_page = browser.get("/finance/refused").text
    assert html.escape(EVIDENCE["message"]) in html_page
    assert "(parameter_unknown)" in html_page
    assert all(f"req_{number}" in html_page for number in (1, 2, 3))
    assert gift.reference in html_page
    assert "Mark as seen" not in html_page
    assert html.escape(EVIDENCE["message"]) in browser.get(f"/finance/gifts/{gift.id}").text


def test_refusals_marked_as_seen_are_not_shown(site_on_each: FinanceSite) -> None:
    """Refused requests that staff marked as seen are no longer shown, but later ones are."""
    site = site_on_each
    browser = site.signed_in()
    gift = site.gift(mode="card")
    refuse(site, gift, 1)
    form = fields(browser.get("/finance/refused"))
    site.wait(minutes=1)
    assert browser.post("/finance/refused/seen", data=form).status_code == 303
    assert NOTICE not in browser.get("/finance/gifts").text
    assert "req_1" not in browser.get("/finance/refused").text
    assert "req_1" in browser.get(f"/finance/gifts/{gift.id}").text
    assert [act.act for act in site.acts()].count("refusals_seen") == 1
    site.wait(minutes=1)
    refuse(site, gift, 2)
    assert "Stripe refused a request" in browser.get("/finance/gifts").text


def test_later_refusals_are_not_marked_as_seen(site: FinanceSite) -> None:
    """Marking as seen covers only the refused requests that the page showed."""
    browser = site.signed_in()
    gift = site.gift(mode="card")
    refuse(site, gift, 1)
    form = fields(browser.get("/finance/refused"))
    refuse(site, gift, 2)
    site.wait(minutes=1)
    browser.post("/finance/refused/seen", data=form)
    html_page = browser.get("/finance/refused").text
    assert "req_2" in html_page
    assert "req_1" not in html_page


def test_refused_refunds_hide_no_other_refusal(site: FinanceSite) -> None:
    """Many refunds that were refused for known reasons do not hide an unexpected refusal."""
    browser = site.signed_in()
    gift = site.gift(mode="card")
    refuse(site, gift, 0)
    for number in range(1, SHOWN + 1):
        refuse(site, gift, number, kind="refund_refused", code="charge_already_refunded")
    assert "Stripe refused a request" in browser.get("/finance/gifts").text
    assert "req_0" in browser.get("/finance/refused").text


def test_viewers_cannot_take_the_notice_away(site: FinanceSite) -> None:
    """A viewer gets 403 for marking refused requests as seen."""
    refuse(site, site.gift(mode="card"), 1)
    browser = site.signed_in(Role.VIEWER)
    answer = browser.post("/finance/refused/seen", data={"csrf": "x", "newest": "1"})
    assert answer.status_code == 403
    assert NOTICE in browser.get("/finance/gifts").text


def test_a_refusal_is_shown_for_two_weeks(site_on_each: FinanceSite) -> None:
    """A refused request that nobody marks as seen is shown for two weeks."""
    site = site_on_each
    refuse(site, site.gift(mode="card"), 1)
    site.wait(days=14, seconds=-1)
    assert NOTICE in site.signed_in().get("/finance/gifts").text
    site.wait(seconds=2)
    assert NOTICE not in site.signed_in(Role.VIEWER).get("/finance/gifts").text


@pytest.mark.parametrize(
    ("code", "is_shown"),
    [("charge_disputed", False), ("amount", False), ("key_refused", True), ("other", True)],
)
def test_a_refund_refused_for_a_known_reason_is_not_shown(
    site: FinanceSite, code: str, is_shown: bool
) -> None:
    """A refund that Stripe refused for a known reason is not shown as unexpected."""
    refuse(site, site.gift(mode="card"), 1, kind="refund_refused", code=code)
    assert (NOTICE in site.signed_in().get("/finance/gifts").text) == is_shown


def test_a_declined_debit_is_not_shown(site: FinanceSite) -> None:
    """A debit that the bank declined is not shown as a request that Stripe refused."""
    gift, now = site.gift(mode="card"), site.clock.now()
    fact = Fact(FactKind.PAYMENT_FAILED, "cs_1", now, "stripe", evidence={"reason": "no account"})
    with site.database.writing() as session:
        record_facts(session, [(gift.id, fact)], now=now)
    site.wait(seconds=1)
    assert NOTICE not in site.signed_in().get("/finance/gifts").text


def test_a_refusal_is_stored_without_addresses() -> None:
    """The message of a refusal is stored shortened, printable and without e-mail addresses."""
    message = "Invalid email address: '<ann+1@exämple.org>'\x00\ud800\nok " + "x" * 1_000
    error_class: Any = stripe.InvalidRequestError
    error = error_class(
        message, "customer_email", code="email_invalid", headers={"request-id": "req_9"}
    )
    evidence = refusal_details(error)
    assert (evidence["code"], evidence["request_id"]) == ("email_invalid", "req_9")
    assert "@" not in evidence["message"]
    assert "ann" not in evidence["message"]
    assert evidence["message"].startswith("Invalid email address: '<(an e-mail address)>'")
    assert evidence["message"].isprintable()
    assert len(evidence["message"]) == 400
    assert refusal_details(stripe.APIError("")) == {}


@pytest.mark.parametrize("missing", ["code", "message"])
def test_a_refusal_may_lack_code_or_message(
    site: FinanceSite, missing: Literal["code", "message"]
) -> None:
    """A refused request is shown even if Stripe gave no code or no message."""
    gift, now = site.gift(mode="card"), site.clock.now()
    evidence = EVIDENCE.copy()
    del evidence[missing]
    fact = Fact(FactKind.CHECKOUT_REFUSED, f"{gift.id}:1", now, "stripe", evidence=evidence)
    with site.database.writing() as session:
        record_facts(session, [(gift.id, fact)], now=now)
    answer = site.signed_in(Role.VIEWER).get("/finance/refused")
    assert answer.status_code == 200
    assert EVIDENCE["request_id"] in answer.text
