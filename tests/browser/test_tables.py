"""Tables that staff read on a phone, in a real Chromium."""

from playwright.sync_api import expect

from tests.browser import steps
from tests.browser.conftest import Demo, OpenPage

SMALL = {"viewport": {"width": 375, "height": 700}}


def test_what_stripe_refused_is_read_on_a_phone(open_page: OpenPage, demo: Demo) -> None:
    """Stripe's message and the request id fit on a screen of 375 pixels."""
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
    # Each cell has the label of its column.
    label = "e => getComputedStyle(e, '::before').content"
    assert "Stripe’s message" in row.locator("td.words").first.evaluate(label)
    page.get_by_role("button", name="Mark as seen").click()
    expect(page.get_by_text("No new refusals.")).to_be_visible()
