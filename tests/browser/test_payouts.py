"""The pages of payouts in a browser: a payout that the pretend Stripe makes, and axe."""

import time
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page

from tests.browser import steps
from tests.browser.appearance import check_staff_page
from tests.browser.conftest import Demo, OpenPage

DAY_S = 86_400
LIST = "/finance/payouts"


def pay_out(demo: Demo) -> None:
    """Have the pretend Stripe pay out the money of two days ago."""
    with httpx.Client(base_url=f"{demo.sandbox}/_sandbox", trust_env=False) as control:

        def post(path: str, **body: Any) -> None:
            control.post(path, json=body).raise_for_status()

        post("/clock", now=int(time.time()) - 2 * DAY_S)
        post("/payouts/schedule", interval="daily")
        post("/balance_transactions", type="charge", amount=12_000, fee=378, category="charge")
        post("/balance_transactions", type="stripe_fee", amount=-200, category="fee")
        post("/clock", now=None)


def wait_for_a_payout(page: Page) -> None:
    """Reload the list until the worker has read a payout with its transactions."""
    for _ in range(60):
        page.goto(LIST)
        link = page.locator("td.reference a").last
        if link.count():
            link.click()
            if page.locator("main .notice-good").count():
                return
        page.wait_for_timeout(500)
    raise AssertionError("no payout was read")


@pytest.mark.parametrize("language", ["en-CA", "fr-CA"])
def test_axe_finds_nothing_on_the_pages_of_payouts(
    open_page: OpenPage, demo: Demo, language: str
) -> None:
    """The list, its mistakes and a payout pass axe in light and dark, and fit a small phone."""
    page = open_page(viewport={"width": 1280, "height": 800})
    steps.sign_in(page, demo, language=language)
    page.goto(LIST)
    if not page.locator("td.reference a").count():
        pay_out(demo)
    wait_for_a_payout(page)
    for address in (page.url, LIST, f"{LIST}?status=zz&from=soon", f"{LIST}?tied=yes"):
        page.goto(address)
        check_staff_page(page, address)
