"""Who may decide about set-aside events, and what their pages show."""

import pytest

from donate.finance.roles import Role
from tests.finance.finance_site import FinanceSite, csrf
from tests.finance.set_aside_events import decide, look, paid, reread, set_aside
from tests.stripe_gateway import gifts_and_events

UNREADABLE = b"<script>alert(1)</script> cut sho"
INPUT = {"tied": {"reference": "LWCAN-7KQ4M2X"}, "dismissed": {"reason": "a test of Stripe's"}}
each_act = pytest.mark.parametrize("act", ["tried", "tied", "dismissed"])


def test_an_unreadable_event_can_only_be_dismissed(site_on_each: FinanceSite) -> None:
    """An event that is not JSON is shown as text, and can only be dismissed."""
    site = site_on_each
    gift = gifts_and_events.give(site.database)
    event = set_aside(site.database, UNREADABLE)
    browser = site.signed_in()
    for page in (browser.get("/finance/set-aside").text, look(browser, event)):
        assert "Retry" not in page
        assert "<script>" not in page
    assert "This event can’t be read" in look(browser, event)
    assert "&lt;script&gt;alert(1)" in look(browser, event)
    for act, sentence in (
        ("tried", "This event can’t be read, so retrying won’t help."),
        ("tied", "This event can’t be read, so it can’t be tied to a gift."),
    ):
        answer = decide(browser, event, act, reference=gift.reference)
        assert answer.status_code == 409
        assert sentence in answer.text
    assert reread(site, event) == event
    assert decide(browser, event, "dismissed", reason="half a message").status_code == 303
    assert "Retry" not in look(browser, event)
    assert decide(browser, event, "tried").status_code == 409


@each_act
def test_a_viewer_sees_and_does_not_decide(site: FinanceSite, act: str) -> None:
    """A viewer sees a set-aside event without forms, and gets 403 for every decision."""
    event = set_aside(site.database, paid(gifts_and_events.give(site.database), amount_total=4_000))
    browser = site.signed_in(Role.VIEWER)
    for page in (browser.get("/finance/set-aside").text, look(browser, event)):
        assert event.event_id in page
        # The only forms are for searching, signing out and choosing a language.
        assert page.count("<form") == 3
    answer = decide(browser, event, act, **INPUT.get(act, {}))
    assert answer.status_code == 403
    assert reread(site, event) == event


@each_act
def test_a_stale_form_or_a_link_decides_nothing(site: FinanceSite, act: str) -> None:
    """A decision with a stale CSRF token, or by a GET request, changes nothing."""
    event = set_aside(site.database, paid(gifts_and_events.give(site.database), amount_total=4_000))
    browser = site.signed_in()
    path = f"/finance/set-aside/{event.id}/{act}"
    stale = csrf(site.signed_in(Role.FINANCE, "other@example.org"))
    assert browser.post(path, data=INPUT.get(act, {}) | {"csrf": stale}).status_code == 403
    assert browser.get(path, params=INPUT.get(act, {})).status_code == 405
    look(browser, event)
    assert reread(site, event) == event
    assert site.nudges == []


def test_only_set_aside_events_are_shown(site: FinanceSite) -> None:
    """Only events that were set aside have a page; other events and invalid numbers get 404."""
    event = paid(gifts_and_events.give(site.database))
    gifts_and_events.settle(site.database, event)
    settled = gifts_and_events.event_now(site.database, event)
    browser = site.signed_in()
    for number in (settled.id, 987_654, "x", "-1", "9" * 40, "%C2%B2"):
        assert browser.get(f"/finance/set-aside/{number}").status_code == 404
    assert decide(browser, settled, "dismissed", reason="not mine").status_code == 404


def test_a_hostile_event_is_harmless(site: FinanceSite) -> None:
    """Markup in an event is shown as text on every staff page."""
    hostile = '"><script>alert(1)</script>{{ 7*7 }}'
    payload = paid(
        gifts_and_events.give(site.database),
        client_reference_id=hostile,
        customer_details={"email": hostile},
        payment_intent=hostile,
        currency="xx" + hostile,
    )
    event = set_aside(site.database, payload)
    browser = site.signed_in()
    decide(browser, event, "dismissed", reason=f"it said {hostile}")
    pages = [browser.get("/finance/set-aside?show=dismissed").text, look(browser, event)]
    for page in [*pages, browser.get("/finance/activity").text]:
        assert "&lt;script&gt;alert(1)" in page
        assert "{{ 7*7 }}" in page
        assert "<script>alert" not in page
