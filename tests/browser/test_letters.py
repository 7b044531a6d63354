"""Letters as donors read them, in a real Chromium."""

import pytest
from playwright.sync_api import expect

from tests.browser import steps
from tests.browser.conftest import OpenPage


@pytest.mark.parametrize(("language", "scheme"), [("en", "light"), ("fr", "dark")])
def test_a_letter_leads_to_its_gift(open_page: OpenPage, language: str, scheme: str) -> None:
    """A donor who chose Interac gets the instructions, and one press leads to their own gift."""
    page = open_page(color_scheme=scheme)
    steps.give(page, "interac", language=language)
    page.wait_for_url("**/gifts/**")
    mine, reference = page.url.partition("?")[0], steps.reference_on(page)
    steps.open_letter(page, reference)
    letter = page.frame_locator("iframe")
    expect(letter.locator("html")).to_have_attribute("lang", f"{language}-CA")
    told = letter.locator(".letter").inner_text()
    for needed in ("partnership@loveworldcan.ca", "50", reference):
        assert needed in told
    with page.expect_popup() as opened:
        letter.locator(".go a").click()
    opened.value.wait_for_url(f"{mine}*")
    assert steps.reference_on(opened.value) == reference
