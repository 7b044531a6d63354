"""The page of the books in a browser: axe, a small phone, and the single amounts opened."""

import pytest

from tests.browser import steps
from tests.browser.appearance import check_staff_page
from tests.browser.bank_places import the_bank_lines
from tests.browser.conftest import Demo, OpenPage

BOOKS = "/finance/books"


@pytest.mark.parametrize("language", ["en-CA", "fr-CA"])
def test_axe_finds_nothing_on_the_books(open_page: OpenPage, demo: Demo, language: str) -> None:
    """The sheet, its mistakes and the overview pass axe in light and dark, and fit a phone."""
    page = open_page(viewport={"width": 1280, "height": 800})
    steps.sign_in(page, demo, language=language)
    the_bank_lines(page)
    for address in (BOOKS, f"{BOOKS}?day=2020-01-01", f"{BOOKS}?day=soon", "/finance"):
        page.goto(address)
        for summary in page.locator("main summary").all():
            summary.click()
        check_staff_page(page, address)


def test_staff_follow_a_difference_to_its_gift(open_page: OpenPage, demo: Demo) -> None:
    """From the overview staff come to the books, open a difference, and follow it to a gift."""
    page = open_page()
    steps.sign_in(page, demo)
    page.goto("/finance")
    page.locator("section[aria-labelledby=books] a").click()
    page.wait_for_url(f"**{BOOKS}")
    row = page.locator("tr", has_text="Recorded, but not in Stripe’s balance yet.")
    row.locator("summary").click()
    row.locator("details a").first.click()
    page.wait_for_url("**/finance/gifts/*-*")
