"""What donors do in the browser: mistakes, changes of mind, declined cards, keyboard only."""

import pytest
from playwright.sync_api import Request, expect

from tests.browser import steps
from tests.browser.conftest import OpenPage

with_and_without_script = pytest.mark.parametrize("script", [True, False], ids=["js", "no-js"])


@with_and_without_script
def test_the_fee_is_covered_when_the_donor_wishes(open_page: OpenPage, script: bool) -> None:
    """If the donor covers the fee, the button and Stripe's page show the sum with the fee."""
    page = open_page(java_script_enabled=script)
    steps.fill_in(page, "card")
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
        steps.live_in(page, "FR")
        steps.live_in(page, "CA")
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
    steps.live_in(page, "FR")
    expect(page.locator("#mode-card")).to_be_checked()
    note = page.locator("#country-note")
    expect(note).to_contain_text("switched from “Interac e-Transfer” to “Card”")
    expect(note).to_contain_text("works only in Canada")
    expect(page.locator("#frequency-note")).to_be_hidden()
    steps.live_in(page, "CA")
    expect(page.locator("#mode-interac")).to_be_checked()
    expect(note).to_be_hidden()
    page.locator("label[for=frequency-monthly]").click()
    expect(page.locator("#mode-card")).to_be_checked()
    expect(page.locator("#frequency-note")).to_contain_text("One-time gifts only")
    steps.live_in(page, "FR")
    expect(page.locator("#frequency-note")).to_contain_text("from “Interac e-Transfer”")
    page.locator("label[for=frequency-once]").click()
    expect(note).to_contain_text("from “Interac e-Transfer”")
    page.locator("label[for=mode-giving_code]").click()
    expect(note).to_be_hidden()
    steps.live_in(page, "CA")
    expect(page.locator("#mode-giving_code")).to_be_checked()


def test_a_donor_abroad_without_a_country_yet(open_page: OpenPage) -> None:
    """If a link names Interac but no country, the form selects Card, and a note says so."""
    page = open_page()
    page.goto("/give/LWCAN?country=&mode=interac")
    expect(page.locator("#mode-card")).to_be_checked()
    expect(page.locator("#country-note")).to_contain_text("from “Interac e-Transfer”")


@with_and_without_script
def test_what_was_sent_can_be_taken_back(open_page: OpenPage, script: bool) -> None:
    """After "I have sent it" only the wait is left, until the donor takes it back."""
    page = open_page(java_script_enabled=script)
    steps.give(page, "interac")
    page.wait_for_url("**/gifts/**")
    page.locator("form[action*='/sent'] button").click()
    expect(page.get_by_text("that you’d sent your gift")).to_be_visible()
    expect(page.locator("main button")).to_have_count(1)
    page.locator("form[action*='/not-sent'] button").click()
    expect(page.locator("form[action*='/instead'] button").first).to_be_visible()
    expect(page.locator("#how")).to_be_visible()


@with_and_without_script
def test_a_likely_typing_error_is_asked_about(open_page: OpenPage, script: bool) -> None:
    """A donor who types gmial.com is asked once, and one tap gives with the right address."""
    page = open_page(java_script_enabled=script)
    steps.fill_in(page, "interac")
    page.locator("#email").fill("ann.lee.typo@gmial.com")
    page.locator("#give-button").click()
    expect(page.locator("#email-error")).to_contain_text("Did you mean ann.lee.typo@gmail.com?")
    page.locator("[name=email_correction]").click()
    page.wait_for_url("**/gifts/**")
    expect(page.get_by_text("a…@gmail.com").first).to_be_visible()


def test_a_mended_mistake_is_no_longer_shown(open_page: OpenPage) -> None:
    """Once a field is changed, its mistake disappears; after the last one the summary too."""
    page = open_page()
    steps.fill_in(page, "card")
    page.locator("#name").fill("")
    page.locator("#email").fill("ann@")
    page.locator("#give-button").click()
    expect(page.locator("#problems")).to_be_focused()
    page.locator("#name").fill("Ann Lee")
    expect(page.locator("#name-error")).to_have_count(0)
    expect(page.locator("#email-error")).to_be_visible()
    page.locator("#email").fill("ann@example.org")
    expect(page.locator(".error, #problems, [aria-invalid]")).to_have_count(0)


@pytest.mark.parametrize("language", ["en", "fr"])
def test_the_first_view_is_small(open_page: OpenPage, language: str) -> None:
    """The form comes in at most 4 requests of under 20 kB; three modes fit 1.5 phone screens."""
    page = open_page(viewport={"width": 390, "height": 844})
    requests: list[Request] = []
    # Playwright cannot use a built-in method as a listener.
    page.on("requestfinished", lambda request: requests.append(request))  # noqa: PLW0108
    page.goto(f"/give/LWCAN?amount=50&lang={language}", wait_until="networkidle")
    sizes = [request.sizes() for request in requests]
    assert len(sizes) <= 4
    assert sum(s["responseBodySize"] + s["responseHeadersSize"] for s in sizes) < 20_000
    bottom = "(one) => one.getBoundingClientRect().bottom + scrollY"
    button = page.locator("#give-button").evaluate(bottom)
    # The demo has a fourth mode, and a banner that says that it is a demo.
    more = "(one) => one.getBoundingClientRect().height"
    extra = sum(page.locator(s).last.evaluate(more) for s in (".mode", ".demo")) + 8
    assert button - extra <= 1.5 * 844


def test_buttons_below_each_other_are_equally_wide(open_page: OpenPage) -> None:
    """On a phone, the buttons for the other ways to give stand in one column of one width."""
    page = open_page()
    steps.give(page, "interac")
    page.wait_for_url("**/gifts/**")
    buttons = page.locator("form[action*='/instead'] button")
    boxes = [button.bounding_box() for button in buttons.all()]
    assert len(boxes) > 2
    assert len({(box["x"], box["width"]) for box in boxes if box}) == 1


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
    steps.live_in(page, "FR")
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
