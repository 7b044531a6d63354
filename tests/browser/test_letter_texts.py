"""Staff write the text of an e-mail in a browser, look at it, test it, and donors get it."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser import steps
from tests.browser.appearance import SMALL_PHONE, violations, width_of
from tests.browser.conftest import Demo, OpenPage, on_both_databases

pytestmark = on_both_databases

WORDS = {"en": ("Praise the roof", "Thank you, {name}"), "fr": ("Vive le toit", "Merci, {name}")}


def write(page: Page, language: str) -> None:
    """Open the text of the instructions from the menu, and type another one."""
    page.goto("/finance")
    page.locator("nav a[href='/finance/letters']").click()
    page.locator("main a[href='/finance/letters/texts']").click()
    page.locator(f"a[href$='/{language}-CA/instructions']").click()
    page.wait_for_url("**/instructions")
    subject, opening = WORDS[language]
    page.locator("#subject").fill(f"{{reference}} {subject}")
    page.locator("#opening").fill(opening)


def press(page: Page, act: str) -> None:
    page.locator(f"button[formaction$='/{act}']").click()
    page.wait_for_url(f"**/{act}")


@pytest.mark.parametrize("language", ["en", "fr"])
def test_a_text_is_written_looked_at_tested_and_sent(
    open_page: OpenPage, demo: Demo, language: str
) -> None:
    """A text is previewed with its own style, tested, saved, and then donors get it."""
    page = open_page(viewport={"width": 1280, "height": 900})
    steps.sign_in(page, demo, language=f"{language}-CA")
    subject, opening = WORDS[language]
    write(page, language)
    press(page, "preview")
    letter = page.frame_locator("iframe")
    expect(letter.locator("p").nth(2)).to_contain_text(opening.partition(",")[0])
    page.emulate_media(color_scheme="light")
    expect(letter.locator("body")).to_have_css("background-color", "rgb(250, 246, 240)")
    expect(page.locator("pre.letter-text").first).to_contain_text("LWCAN-EXAMPLE")
    assert violations(page) == []
    page.set_viewport_size({"width": SMALL_PHONE, "height": 640})
    assert width_of(page) <= SMALL_PHONE
    page.set_viewport_size({"width": 1280, "height": 900})
    press(page, "test")
    expect(page.locator(".notice-good")).to_contain_text(demo.email)
    page.locator("form[action$='/saved'] button").first.click()
    page.wait_for_url("**done=saved")
    assert violations(page) == []
    page.goto("/demo/letters")
    expect(page.locator(".letters a", has_text=f"LWCAN-EXAMPLE {subject}").first).to_be_visible()

    donor = open_page()
    steps.give(donor, "interac", language=language)
    donor.wait_for_url("**/gifts/**")
    reference = steps.reference_on(donor)
    steps.open_letter(donor, reference)
    expect(donor.locator("h1")).to_have_text(f"{reference} {subject}")
    expect(donor.locator("pre.letter-text")).to_contain_text("Ann Lee")
    page.go_back()
    page.goto(f"/finance/letters/texts/LWCAN/{language}-CA/instructions")
    page.locator("form[action$='/standard'] button").click()
    page.wait_for_url("**done=standard")
    expect(page.locator("#subject")).not_to_have_value(f"{{reference}} {subject}")


def test_what_is_wrong_stays_in_the_form(open_page: OpenPage, demo: Demo) -> None:
    """A wrong placeholder is named beside its field, and what was typed is still there."""
    page = open_page(viewport={"width": 1280, "height": 900})
    steps.sign_in(page, demo)
    write(page, "en")
    page.locator("#closing").fill("Yours, {charity}")
    page.locator("form[action$='/saved'] button").first.click()
    expect(page.locator("#closing-error")).to_contain_text("{charity}")
    expect(page.locator("#closing")).to_have_value("Yours, {charity}")
    expect(page.locator("#opening")).to_have_value("Thank you, {name}")
    assert violations(page) == []
