"""Finance staff refund a gift in a browser without JavaScript."""

from playwright.sync_api import expect

from tests.browser import steps
from tests.browser.appearance import SMALL_PHONE, violations, width_of
from tests.browser.conftest import Demo, OpenPage


def test_staff_send_a_part_back(open_page: OpenPage, demo: Demo) -> None:
    """The refund form explains a too large amount, and confirms the corrected refund."""
    donor = open_page()
    steps.give(donor, "card")
    steps.pay(donor)
    donor.wait_for_url("**/gifts/**")
    steps.expect_status(donor, "confirmed")

    staff = open_page(java_script_enabled=False)
    steps.sign_in(staff, demo)
    staff.goto(f"/finance/search?q={steps.reference_on(donor)}")
    staff.get_by_text("Refund", exact=True).click()
    expect(staff.locator("#amount")).to_have_value("50.00")
    staff.locator("#amount").fill("70.00")
    staff.locator("#reason").select_option("duplicate")
    staff.get_by_label("Yes, refund this amount").check()
    staff.get_by_role("button", name="Send refund").click()
    expect(staff.locator("#amount-error")).to_contain_text("You can refund at most $50.00")
    expect(staff.locator("#amount")).to_have_value("70.00")
    expect(staff.locator("#reason")).to_have_value("duplicate")

    staff.locator("#amount").fill("20")
    staff.get_by_label("Yes, refund this amount").check()
    staff.get_by_role("button", name="Send refund").click()
    expect(staff.get_by_role("status")).to_contain_text("Refunded $20.00.")
    expect(staff.locator(".status-partly_refunded").first).to_be_visible()


def test_axe_finds_nothing_on_the_refund_form(open_page: OpenPage, demo: Demo) -> None:
    """Axe finds no violation on the refund form, with and without mistakes, on a phone."""
    page = open_page(viewport={"width": SMALL_PHONE, "height": 800})
    steps.sign_in(page, demo)
    page.goto("/finance/gifts?status=confirmed&mode=card")
    page.locator("td.reference a").first.click()
    page.get_by_text("Refund", exact=True).click()
    assert violations(page) == []
    page.locator("#amount").fill("9,999,999")
    page.get_by_label("Yes, refund this amount").check()
    page.get_by_role("button", name="Send refund").click()
    expect(page.locator("#amount-error")).to_be_visible()
    assert violations(page) == []
    assert width_of(page) <= SMALL_PHONE
