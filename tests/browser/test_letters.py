"""E-mails to donors, opened in a browser."""

import pytest
from playwright.sync_api import expect

from tests.browser import steps
from tests.browser.conftest import OpenPage


@pytest.mark.parametrize(("language", "scheme"), [("en", "light"), ("fr", "dark")])
def test_a_letter_leads_to_its_gift(open_page: OpenPage, language: str, scheme: str) -> None:
    """An Interac donor gets an e-mail with instructions, and its link opens the gift's page."""
    page = open_page(color_scheme=scheme)
    steps.give(page, "interac", language=language)
    page.wait_for_url("**/gifts/**")
    mine, reference = page.url.partition("?")[0], steps.reference_on(page)
    steps.open_letter(page, reference)
    letter = page.frame_locator("iframe")
    expect(letter.locator("html")).to_have_attribute("lang", f"{language}-CA")
    text = letter.locator(".letter").inner_text()
    for part in ("gifts@example.org", "50", reference):
        assert part in text
    with page.expect_popup() as popup:
        letter.locator(".go a").click()
    popup.value.wait_for_url(f"{mine}*")
    assert steps.reference_on(popup.value) == reference
