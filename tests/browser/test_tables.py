"""Tables for staff can be read on a phone."""

from playwright.sync_api import expect

from tests.browser import steps
from tests.browser.conftest import Demo, OpenPage

SMALL = {"viewport": {"width": 375, "height": 700}}


def test_refusals_fit_on_a_phone(open_page: OpenPage, demo: Demo) -> None:
    """The list of Stripe's refusals fits on a screen 375 pixels wide."""
    page = open_page(**SMALL)
    trouble = {"path": "/v1/checkout/sessions", "kind": "400", "times": 1}
    assert page.request.post(f"{demo.sandbox}/_sandbox/trouble", data=trouble).ok
    steps.give(page, "card")
    page.wait_for_url("**/gifts/**problem=refused*")
    steps.sign_in(page, demo)
    page.goto("/finance/refused")
    row = page.locator("tbody tr").first
    for cell in row.locator("td").all():
        box = cell.bounding_box()
        assert box
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= SMALL["viewport"]["width"]
    expect(row).to_contain_text("req_")
    # On a phone the header row is hidden, so each cell has its column's label.
    label = "e => getComputedStyle(e, '::before').content"
    assert "Stripe’s message" in row.locator("td.words").first.evaluate(label)
    page.get_by_role("button", name="Mark as seen").click()
    expect(page.get_by_text("No new refusals.")).to_be_visible()
