"""What donors do in the browser: mistakes, changes of mind, declined cards, keyboard only."""

import pytest
from playwright.sync_api import expect

from tests.browser import steps
from tests.browser.conftest import OpenPage

with_and_without_script = pytest.mark.parametrize("script", [True, False], ids=["js", "no-js"])


@with_and_without_script
def test_the_fee_is_covered_when_the_donor_wishes(open_page: OpenPage, script: bool) -> None:
    """If the donor covers the fee, the button and Stripe's page show the sum with the fee."""
    page = open_page(java_script_enabled=script)
    steps.fill_in(page, "card")
    page.locator("summary").click()
    page.locator("#cover_fee").check()
    if script:
        button = page.locator("#give-button")
        expect(button).to_have_text("Give $51.80")
        page.locator("label[for=preset-other]").click()
        page.locator("#amount").fill("50")
        expect(button).to_have_text("Give $51.80")
        page.locator("label[for=frequency-monthly]").click()
        expect(button).to_have_text("Give $51.80 every month")
        page.locator("label[for=frequency-once]").click()
        page.locator("label[for=mode-interac]").click()
        expect(page.locator("#cover_fee")).to_be_disabled()
        page.locator("#country").select_option("FR")
        page.locator("#country").select_option("CA")
        expect(page.locator("#mode-interac")).to_be_checked()
        page.locator("label[for=mode-card]").click()
        page.locator("#cover_fee").check()
    page.locator("#give-button").click()
    page.wait_for_url("**/pay/**")
    expect(page.locator("h1")).to_contain_text("51.80")


@with_and_without_script
def test_what_cannot_be_monthly_says_why(open_page: OpenPage, script: bool) -> None:
    """For a monthly gift Interac is unavailable, and the reason stands beside Interac."""
    page = open_page(java_script_enabled=script)
    steps.fill_in(page, "interac")
    page.locator("label[for=frequency-monthly]").click()
    if script:
        expect(page.locator("#mode-interac")).to_be_disabled()
        expect(page.locator("#mode-interac-why")).to_contain_text("One-time gifts only")
        page.locator("label[for=frequency-once]").click()
        expect(page.locator("#mode-interac")).to_be_enabled()
    else:
        page.locator("#give-button").click()
        expect(page.locator("#mode-error")).to_contain_text("One-time gifts only")
        expect(page.locator("#frequency-monthly")).to_be_checked()


def test_a_note_says_that_the_mode_was_changed(open_page: OpenPage) -> None:
    """If a country or frequency excludes the chosen mode, a note names the mode used instead."""
    page = open_page()
    steps.fill_in(page, "interac")
    page.locator("#country").select_option("FR")
    expect(page.locator("#mode-card")).to_be_checked()
    note = page.locator("#country-note")
    expect(note).to_contain_text("switched from “Interac e-Transfer” to “Card”")
    expect(note).to_contain_text("Canada only")
    expect(page.locator("#frequency-note")).to_be_hidden()
    page.locator("#country").select_option("CA")
    expect(page.locator("#mode-interac")).to_be_checked()
    expect(note).to_be_hidden()
    page.locator("label[for=frequency-monthly]").click()
    expect(page.locator("#mode-card")).to_be_checked()
    expect(page.locator("#frequency-note")).to_contain_text("One-time gifts only")
    page.locator("#country").select_option("FR")
    expect(page.locator("#frequency-note")).to_contain_text("from “Interac e-Transfer”")
    page.locator("label[for=frequency-once]").click()
    expect(note).to_contain_text("from “Interac e-Transfer”")
    page.locator("label[for=mode-giving_code]").click()
    expect(note).to_be_hidden()
    page.locator("#country").select_option("CA")
    expect(page.locator("#mode-giving_code")).to_be_checked()


def test_a_donor_abroad_without_a_country_yet(open_page: OpenPage) -> None:
    """If a link names Interac but no country, the form selects Card, and a note says so."""
    page = open_page()
    page.goto("/give/LWCAN?country=&mode=interac")
    expect(page.locator("#mode-card")).to_be_checked()
    expect(page.locator("#country-note")).to_contain_text("from “Interac e-Transfer”")


def test_instructions_are_collapsed_once_sent(open_page: OpenPage) -> None:
    """After "I have sent it", the instructions and other modes are collapsed, not removed."""
    page = open_page()
    steps.give(page, "interac")
    page.wait_for_url("**/gifts/**")
    page.locator("form[action*='/sent'] button").click()
    expect(page.get_by_text("You told us on")).to_be_visible()
    others = page.locator("form[action*='/instead'] button")
    expect(others.first).to_be_hidden()
    expect(page.locator("#how")).to_be_hidden()
    page.locator("summary").click()
    expect(others.first).to_be_visible()
    expect(page.locator("#how")).to_be_visible()


def test_a_declined_card_can_be_followed_by_another(open_page: OpenPage) -> None:
    """After a declined card the donor stays on Stripe's page, and can pay with another card."""
    page = open_page()
    steps.give(page, "card")
    steps.pay(page, "4000 0000 0000 0002")
    expect(page.get_by_text("declined")).to_be_visible()
    steps.pay(page)
    page.wait_for_url("**/gifts/**")
    steps.expect_status(page, "confirmed")


def test_a_donor_who_turns_back_can_go_on(open_page: OpenPage) -> None:
    """A donor who leaves Stripe's page can pay the same gift later."""
    page = open_page()
    steps.give(page, "card")
    first = page.url
    page.locator("a[href*='back=cancelled']").first.click()
    steps.expect_status(page, "awaited")
    page.locator("form[action*='/checkout'] button").click()
    page.wait_for_url("**/pay/**")
    assert page.url == first
    steps.pay(page)
    page.wait_for_url("**/gifts/**")
    steps.expect_status(page, "confirmed")


@with_and_without_script
def test_mistakes_stand_beside_their_fields(open_page: OpenPage, script: bool) -> None:
    """Mistakes are reported beside their fields, and the fields keep their input.

    The country excludes the chosen mode, which is a mistake only without JavaScript: the script
    chooses another mode.
    """
    page = open_page(java_script_enabled=script)
    steps.fill_in(page, "interac")
    page.locator("label[for=preset-other]").click()
    page.locator("#amount").fill("1e2")
    page.locator("#email").fill("ann@")
    page.locator("#country").select_option("FR")
    page.locator("#give-button").click()
    for field in ("amount", "email") if script else ("amount", "email", "mode"):
        expect(page.locator(f"#{field}-error")).to_be_visible()
    assert page.locator("#amount").input_value() == "1e2"
    assert page.locator("#email").input_value() == "ann@"
    assert page.locator("#name").input_value() == "Ann Lee"
    assert page.title().startswith("Error:")


def test_the_keyboard_alone_is_enough(open_page: OpenPage) -> None:
    """A donor can give with Tab, Space, arrows and Enter alone."""
    page = open_page()
    page.goto("/give/LWCAN")

    def tab_to(selector: str) -> None:
        for _ in range(40):
            page.keyboard.press("Tab")
            if page.evaluate("s => document.activeElement.matches(s)", selector):
                return
        raise AssertionError(f"Tab never reached {selector}")

    tab_to("[name=preset]")
    page.keyboard.press("Space")
    tab_to("[name=mode]")
    while not page.locator("#mode-interac").is_checked():
        page.keyboard.press("ArrowDown")
    tab_to("#name")
    page.keyboard.type("Ann Lee")
    tab_to("#email")
    page.keyboard.type("ann@example.org")
    page.keyboard.press("Enter")
    page.wait_for_url("**/gifts/**")
    steps.expect_status(page, "awaited")
