"""The journeys of a donor and of finance staff in a real browser, against the demo's processes."""

import datetime
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import expect

from tests.browser import steps
from tests.browser.conftest import Demo, OpenPage

with_and_without_script = pytest.mark.parametrize("script", [True, False], ids=["js", "no-js"])


@with_and_without_script
@pytest.mark.parametrize("language", ["en", "fr"])
def test_a_card_gift_is_received(open_page: OpenPage, script: bool, language: str) -> None:
    """A donor chooses a card, pays on Stripe's page, and reads that the gift was received."""
    page = open_page(java_script_enabled=script)
    steps.give(page, "card", language=language)
    page.wait_for_url("**/pay/**")
    steps.pay(page)
    page.wait_for_url("**/gifts/**")
    steps.expect_status(page, "confirmed")
    expect(page.locator(f"html[lang^={language}]")).to_have_count(1)


@with_and_without_script
@pytest.mark.parametrize("language", ["en", "fr"])
def test_a_bank_debit_arrives_days_later(
    open_page: OpenPage, demo: Demo, script: bool, language: str
) -> None:
    """A donor agrees to a debit, reads that it is under way, and days later that it has arrived."""
    page = open_page(java_script_enabled=script)
    steps.give(page, "bank_debit", language=language)
    page.wait_for_url("**/pay/**")
    session_id = page.url.rpartition("/")[2]
    steps.agree_to_debit(page)
    page.wait_for_url("**/gifts/**")
    steps.expect_status(page, "processing")
    bank = open_page(java_script_enabled=script)
    bank.goto(demo.sandbox)
    bank.locator(f"form[action='/pay/{session_id}/bank'] button").first.click()
    steps.expect_status(page, "confirmed")
    expect(page.locator(f"html[lang^={language}]")).to_have_count(1)


@with_and_without_script
@pytest.mark.parametrize("language", ["en", "fr"])
def test_a_monthly_gift_is_changed_and_ended(
    open_page: OpenPage, script: bool, language: str
) -> None:
    """A donor gives every month by card, changes the amount, pauses, goes on, and ends it."""
    page = open_page(java_script_enabled=script)
    steps.give_monthly(page, language=language)
    page.locator("#amount").fill("75,50" if language == "fr" else "75.50")
    page.locator("form[action*='/amount'] button").click()
    expect(page.locator(".notice-good")).to_be_visible()
    expect(page.get_by_text("75,50" if language == "fr" else "75.50").first).to_be_visible()
    page.locator("form[action*='/pause'] button").click()
    page.locator("form[action*='/resume'] button").click()
    page.locator("summary").click()
    page.locator("form[action*='/cancel'] button").click()
    expect(page.locator("form")).to_have_count(0)
    expect(page.locator(f"html[lang^={language}]")).to_have_count(1)


@with_and_without_script
@pytest.mark.parametrize("language", ["en", "fr"])
def test_a_bank_is_debited_every_month(
    open_page: OpenPage, demo: Demo, script: bool, language: str
) -> None:
    """A donor agrees once, reads that the bank has been asked, and days later that it has come."""
    page = open_page(java_script_enabled=script)
    steps.fill_in(page, "bank_debit", language=language)
    page.locator("label[for=frequency-monthly]").click()
    page.locator("#give-button").click()
    page.wait_for_url("**/pay/**")
    terms = "chaque mois, jusqu’à ce que" if language == "fr" else "every month, until you end it"
    expect(page.get_by_text(terms)).to_be_visible()
    steps.agree_to_debit(page)
    page.wait_for_url("**/gifts/**")
    steps.expect_status(page, "processing")
    steps.let_the_bank_pay(open_page(java_script_enabled=script), demo, steps.reference_on(page))
    steps.expect_status(page, "confirmed")
    page.reload()
    page.locator("a[href^='/pledges/']").click()
    expect(page.locator("form[action*='/card']")).to_have_count(0)
    expect(page.locator("form[action*='/pause'] button")).to_be_visible()
    expect(page.locator(f"html[lang^={language}]")).to_have_count(1)


@with_and_without_script
def test_the_fee_is_covered_when_the_donor_wishes(open_page: OpenPage, script: bool) -> None:
    """The button says what will be charged; with or without script Stripe's page charges that."""
    page = open_page(java_script_enabled=script)
    steps.fill_in(page, "card")
    page.locator("summary").click()
    page.locator("#cover_fee").check()
    if script:
        expect(page.locator("#give-button")).to_have_text("Give $51.80")
    page.locator("#give-button").click()
    page.wait_for_url("**/pay/**")
    expect(page.locator("h1")).to_contain_text("51.80")


@with_and_without_script
def test_what_cannot_be_monthly_says_why(open_page: OpenPage, script: bool) -> None:
    """With monthly chosen, Interac is not to be had, and the reason stands beside it."""
    page = open_page(java_script_enabled=script)
    steps.fill_in(page, "interac")
    page.locator("label[for=frequency-monthly]").click()
    if script:
        expect(page.locator("#mode-interac")).to_be_disabled()
        expect(page.locator("#mode-interac-why")).to_contain_text("one gift at a time")
        page.locator("label[for=frequency-once]").click()
        expect(page.locator("#mode-interac")).to_be_enabled()
    else:
        page.locator("#give-button").click()
        expect(page.locator("#mode-error")).to_contain_text("one gift at a time")
        expect(page.locator("#frequency-monthly")).to_be_checked()


def test_a_declined_card_can_be_followed_by_another(open_page: OpenPage) -> None:
    """After a declined card the donor stays on Stripe's page, and the next card pays the gift."""
    page = open_page()
    steps.give(page, "card")
    steps.pay(page, "4000 0000 0000 0002")
    expect(page.get_by_text("declined")).to_be_visible()
    steps.pay(page)
    page.wait_for_url("**/gifts/**")
    steps.expect_status(page, "confirmed")


def test_a_donor_who_turns_back_can_go_on(open_page: OpenPage) -> None:
    """Who leaves Stripe's page reads that nothing was charged, and can pay the same gift after."""
    page = open_page()
    steps.give(page, "card")
    first = page.url
    page.locator("a[href*='back=cancelled']").first.click()
    steps.expect_status(page, "awaited")
    page.locator("form[action$='/checkout'] button").click()
    page.wait_for_url("**/pay/**")
    assert page.url == first
    steps.pay(page)
    page.wait_for_url("**/gifts/**")
    steps.expect_status(page, "confirmed")


@with_and_without_script
def test_an_interac_gift_is_marked_received(open_page: OpenPage, demo: Demo, script: bool) -> None:
    """The donor reads address, amount and reference; staff mark the transfer; the donor sees it."""
    donor = open_page(java_script_enabled=script)
    steps.give(donor, "interac", preset=10_000)
    donor.wait_for_url("**/gifts/**")
    told = donor.locator("main").inner_text()
    assert "partnership@loveworldcan.ca" in told.replace("\u200b", "")
    assert "$100.00" in told
    reference = steps.reference_on(donor)
    steps.expect_status(donor, "awaited")

    staff = open_page(java_script_enabled=script, viewport={"width": 1280, "height": 900})
    steps.sign_in(staff, demo)
    staff.locator("[name=reference]").fill(reference.lower().replace("-", " "))
    staff.locator("[name=reference]").press("Enter")
    staff.wait_for_url("**/finance/gifts/*-*")
    today = datetime.datetime.now(ZoneInfo("America/Toronto")).date()
    staff.locator("[name=received_on]").fill(today.isoformat())
    staff.locator("[name=bank_reference]").fill(f"C1A {reference}")
    staff.locator("form[action$='/received'] button").click()
    expect(staff.locator(".status-confirmed").first).to_be_visible()

    donor.reload()
    steps.expect_status(donor, "confirmed")


@with_and_without_script
def test_a_gift_quoting_the_code_has_instructions(open_page: OpenPage, script: bool) -> None:
    """Who gives by the code reads the code, the exact amount and a reference to quote."""
    page = open_page(java_script_enabled=script)
    steps.give(page, "giving_code", preset=2500)
    page.wait_for_url("**/gifts/**")
    told = page.locator("main").inner_text()
    assert "LWCAN" in told
    assert "$25.00" in told
    steps.reference_on(page)


@with_and_without_script
def test_mistakes_stand_beside_their_fields(open_page: OpenPage, script: bool) -> None:
    """What is wrong is said beside its field, and what was typed is still there."""
    page = open_page(java_script_enabled=script)
    steps.fill_in(page, "interac")
    page.locator("label[for=preset-other]").click()
    page.locator("#amount").fill("1e2")
    page.locator("#email").fill("ann@")
    page.locator("#country").select_option("FR")
    page.locator("#give-button").click()
    for field in ("amount", "email", "mode"):
        expect(page.locator(f"#{field}-error")).to_be_visible()
    assert page.locator("#amount").input_value() == "1e2"
    assert page.locator("#email").input_value() == "ann@"
    assert page.locator("#name").input_value() == "Ann Lee"
    assert page.title().startswith("Error:")


def test_the_keyboard_alone_is_enough(open_page: OpenPage) -> None:
    """A donor gives with Tab, Space, arrows and Enter alone."""
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
