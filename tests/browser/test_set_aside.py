"""Staff decide in the browser about events that were set aside."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from donate.finance.roles import Role
from donate.finance.staff.accounts import add_staff
from tests.browser import steps
from tests.browser.appearance import SMALL_PHONE, violations, width_of
from tests.browser.conftest import Demo, OpenPage
from tests.real_parts import Sqlite
from tests.stripe_gateway import gifts_and_events
from tests.stripe_gateway.service import Service, serving

STAFF = Demo("", "", "", email="ann@example.org", password="seven calm herons")
with_and_without_script = pytest.mark.parametrize("script", [True, False], ids=["js", "no-js"])


@pytest.fixture
def service(sqlite: Sqlite) -> Iterator[Service]:
    """Run the whole service with its worker and one staff account."""
    with serving(sqlite.fresh_url()) as service:
        with service.database.writing() as session:
            add_staff(
                session,
                STAFF.email,
                name="Ann Lee",
                role=Role.FINANCE,
                password=STAFF.password,
                now=gifts_and_events.NOW,
            )
        yield service


def deliver(service: Service, body: bytes) -> None:
    assert service.deliver(body).status_code == 200


def deliver_another_amount(service: Service) -> str:
    """Deliver a payment of another amount than its gift's; return the reference of the gift."""
    gift = gifts_and_events.give(service.database)
    payment = gifts_and_events.session_for(gift, amount_total=4_000)
    deliver(
        service,
        gifts_and_events.as_bytes(gifts_and_events.event("checkout.session.completed", payment)),
    )
    return gift.reference


@with_and_without_script
def test_an_event_is_tied_to_its_gift(open_page: OpenPage, service: Service, script: bool) -> None:
    """Staff tie an event that was set aside to a gift, after mistyping the gift's reference."""
    reference = deliver_another_amount(service)
    page = open_page(java_script_enabled=script, base_url=service.url)
    steps.sign_in(page, STAFF)
    steps.expect_text(page, "1 Stripe event needs your decision")
    page.get_by_role("link", name="Needs review 1").click()
    page.get_by_role("link", name="Tie to a gift, or dismiss").click()
    page.locator("summary", has_text="Tie to a gift").click()
    page.get_by_label("Reference of the gift").fill(reference[:-1])
    page.get_by_label("I compared").check()
    page.get_by_role("button", name="Tie to this gift").click()
    expect(page.locator("#reference-error")).to_be_visible()
    assert page.get_by_label("Reference of the gift").input_value() == reference[:-1]
    page.get_by_label("Reference of the gift").fill(reference.lower())
    page.get_by_label("I compared").check()
    page.get_by_role("button", name="Tie to this gift").click()
    page.wait_for_url("**/finance/set-aside/*")
    steps.expect_text(page, "Settled.")
    expect(page.locator(".site-nav .count")).to_have_count(0)
    page.locator("dd a", has_text=reference).first.click()
    expect(page.locator(".status-confirmed")).to_be_visible()
    expect(page.get_by_text("Amount differs")).to_be_visible()


def test_axe_finds_nothing_on_pages_of_events_set_aside(
    open_page: OpenPage, service: Service
) -> None:
    """Axe finds no violation on the pages of events set aside, and they fit a small phone."""
    deliver_another_amount(service)
    deliver(service, b'{"id": "evt_cut_off')
    page = open_page(viewport={"width": SMALL_PHONE, "height": 640}, base_url=service.url)

    def check(name: str) -> None:
        assert violations(page) == [], name
        assert width_of(page) <= SMALL_PHONE, name

    steps.sign_in(page, STAFF)
    steps.expect_text(page, "2 Stripe events need your decision")
    check("the notice")
    page.goto("/finance/set-aside")
    check("the list")
    page.get_by_role("link", name="Dismiss", exact=True).click()
    check("an unreadable event")
    page.goto("/finance/set-aside")
    page.get_by_role("link", name="Tie to a gift, or dismiss").click()
    page.locator("summary", has_text="Dismiss").click()
    page.get_by_label("Reason").fill("   ")
    page.get_by_role("button", name="Dismiss").click()
    expect(page.locator("#reason-error")).to_be_visible()
    check("a mistake")
    page.get_by_label("Reason").fill("A test of the web team")
    page.get_by_role("button", name="Dismiss").click()
    expect(page.get_by_text("Dismissed.")).to_be_visible()
    check("a dismissed event")
    page.goto("/finance/set-aside?show=dismissed")
    check("the dismissed ones")
