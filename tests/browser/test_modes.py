"""Each mode in the browser: on both databases, in both languages, with and without script."""

import datetime
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import expect

from tests.browser import steps
from tests.browser.conftest import Demo, OpenPage, on_both_databases

pytestmark = [
    on_both_databases,
    pytest.mark.parametrize("script", [True, False], ids=["js", "no-js"]),
    pytest.mark.parametrize("language", ["en", "fr"]),
]


def test_a_card_gift_is_received(open_page: OpenPage, script: bool, language: str) -> None:
    """A donor chooses a card, pays on Stripe's page, and reads that the gift was received."""
    page = open_page(java_script_enabled=script)
    steps.give(page, "card", language=language)
    page.wait_for_url("**/pay/**")
    steps.pay(page)
    page.wait_for_url("**/gifts/**")
    steps.expect_status(page, "confirmed")
    expect(page.locator(f"html[lang^={language}]")).to_have_count(1)


def test_a_bank_debit_arrives_days_later(
    open_page: OpenPage, demo: Demo, script: bool, language: str
) -> None:
    """A bank debit shows as processing after the donor agreed, and as received days later."""
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


def test_a_monthly_gift_is_changed_and_ended(
    open_page: OpenPage, script: bool, language: str
) -> None:
    """A donor changes the amount of a monthly card gift, skips a month, pauses, and ends it."""
    page = open_page(java_script_enabled=script)
    steps.give_monthly(page, language=language)
    page.locator("#amount").fill("75,50" if language == "fr" else "75.50")
    page.locator("#amount-form button").click()
    # On a busy machine Stripe may answer only after the page was loaded.
    steps.expect_text(page, "75,50" if language == "fr" else "75.50")
    steps.expect_text(page, "4242")
    steps.skip_a_month(page)
    steps.resume(page)
    page.locator("#pause summary").click()
    label = page.locator("#pause label").nth(2)
    until = label.inner_text().split("au " if language == "fr" else "ntil ")[1]
    label.click()
    page.locator("#pause button").click()
    steps.expect_button(page, "form[action*='/resume'] button")
    expect(page.locator(".facts").get_by_text(until)).to_be_visible()
    steps.resume(page)
    page.locator("#end summary").click()
    page.locator("#end form[action*='/amount'] button").click()
    steps.expect_text(page, "37,75" if language == "fr" else "37.75")
    page.locator("#end summary").click()
    page.locator("form[action*='/cancel'] button").click()
    steps.expect_no_form(page)
    page.locator("a[href*='frequency=monthly']").click()
    expect(page.locator("#frequency-monthly")).to_be_checked()
    expect(page.locator("#amount")).to_have_value("37.75")
    expect(page.locator(f"html[lang^={language}]")).to_have_count(1)


def test_a_bank_is_debited_every_month(
    open_page: OpenPage, demo: Demo, script: bool, language: str
) -> None:
    """A monthly debit shows as processing after the donor agreed, and later as received."""
    page = open_page(java_script_enabled=script)
    steps.fill_in(page, "bank_debit", language=language, monthly=True)
    page.locator("#give-button").click()
    page.wait_for_url("**/pay/**")
    terms = "puis le même jour chaque mois" if language == "fr" else "and then every month"
    expect(page.get_by_text(terms)).to_be_visible()
    steps.agree_to_debit(page)
    page.wait_for_url("**/gifts/**")
    steps.expect_status(page, "processing")
    steps.let_the_bank_pay(open_page(java_script_enabled=script), demo, steps.reference_on(page))
    steps.expect_status(page, "confirmed")
    page.reload()
    page.locator("a[href^='/pledges/']").click()
    expect(page.locator("form[action*='/card']")).to_have_count(0)
    expect(page.locator("form[action*='/pause'] button").first).to_be_visible()
    expect(page.locator(f"html[lang^={language}]")).to_have_count(1)


def test_an_interac_gift_is_marked_received(
    open_page: OpenPage, demo: Demo, script: bool, language: str
) -> None:
    """A donor reads where to send an Interac transfer, and later that staff have received it."""
    donor = open_page(java_script_enabled=script)
    steps.give(donor, "interac", preset=10_000, language=language)
    donor.wait_for_url("**/gifts/**")
    text = steps.text_of(donor)
    assert "gifts@example.org" in text
    assert ("100,00 $" if language == "fr" else "$100.00") in text
    reference = steps.reference_on(donor)
    steps.expect_status(donor, "awaited")

    staff = open_page(java_script_enabled=script, viewport={"width": 1280, "height": 900})
    steps.sign_in(staff, demo)
    staff.locator("[name=q]").fill(reference.lower().replace("-", " "))
    staff.locator("[name=q]").press("Enter")
    staff.wait_for_url("**/finance/gifts/*-*")
    today = datetime.datetime.now(ZoneInfo("America/Toronto")).date()
    staff.locator("[name=received_on]").fill(today.isoformat())
    staff.locator("[name=bank_reference]").fill(f"C1A {reference}")
    staff.locator("form[action$='/received'] button").click()
    expect(staff.locator(".status-confirmed").first).to_be_visible()

    donor.reload()
    steps.expect_status(donor, "confirmed")
    expect(donor.locator(f"html[lang^={language}]")).to_have_count(1)


def test_a_gift_quoting_the_code_has_instructions(
    open_page: OpenPage, script: bool, language: str
) -> None:
    """A donor who gives by giving code reads the code, the exact amount and the reference."""
    page = open_page(java_script_enabled=script)
    steps.give(page, "giving_code", preset=2500, language=language)
    page.wait_for_url("**/gifts/**")
    text = steps.text_of(page)
    assert "LWCAN" in text
    assert ("25,00 $" if language == "fr" else "$25.00") in text
    steps.reference_on(page)
    expect(page.locator(f"html[lang^={language}]")).to_have_count(1)
