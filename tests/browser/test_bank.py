"""The pages about the bank in a browser: axe, and a clerk's way from a statement to its gifts."""

import time
from datetime import UTC, datetime

import pytest
from playwright.sync_api import FilePayload, Page, expect

from tests.browser import steps
from tests.browser.appearance import check_staff_page
from tests.browser.bank_places import BANK_PAGES, compare_and_import
from tests.browser.conftest import Demo, OpenPage


@pytest.mark.parametrize("language", ["en-CA", "fr-CA"])
def test_axe_finds_nothing_on_the_pages_of_the_bank(
    open_page: OpenPage, demo: Demo, language: str
) -> None:
    """The pages of statements and lines pass axe in light and dark, and fit a small phone."""
    page = open_page(viewport={"width": 1280, "height": 800})
    steps.sign_in(page, demo, language=language)
    for visit in BANK_PAGES:
        visit(page)
        page.wait_for_load_state()
        check_staff_page(page, visit.__name__)


def upload(page: Page, rows: list[str]) -> None:
    """Upload a statement of TD, and import it into the account “Savings”."""
    page.goto("/finance/statements")
    content = "".join(f"{row}\r\n" for row in rows).encode()
    file = FilePayload(name="savings.csv", mimeType="text/csv", buffer=content)
    page.locator("#file").set_input_files([file])
    page.locator("form.upload button").click()
    page.wait_for_url("**/uploads/*")
    page.locator("[name=new_account_0]").fill(f"Savings {time.time()}")
    compare_and_import(page)


def test_a_clerk_ties_the_lines_of_a_statement(open_page: OpenPage, demo: Demo) -> None:
    """A clerk imports a statement, accepts the certain line, ties, notes and undoes the others."""
    page = open_page(viewport={"width": 1280, "height": 800})
    steps.give(page, "interac")
    certain = steps.reference_on(page)
    steps.give(page, "interac", preset=10_000)
    searched = steps.reference_on(page)
    steps.sign_in(page, demo)
    day = f"{datetime.now(UTC):%m/%d/%Y}"
    upload(
        page,
        [
            f"{day},E-TRANSFER {certain},,50.00,1050.00",
            f"{day},E-TRANSFER ***xyz,,130.00,1180.00",
            f"{day},SERVICE CHARGE 7,4.95,,1175.05",
        ],
    )
    page.locator("a[href$='/certain']").click()
    page.locator("main form button").click()
    page.wait_for_url("**accepted=1**")

    page.locator(".bank-lines a", has_text="***xyz").first.click()
    page.locator("#gift-search").fill(searched)
    page.locator("#gift-search").press("Enter")
    page.locator("[name=amount]").first.fill("100.00")
    page.locator("form[action$='/tied'] button").click()
    page.wait_for_url("**done=part")
    form = page.locator("form[action$='/no-gift']")
    page.locator("details", has=form).locator("summary").click()
    form.locator("[name=reason]").select_option("other_income")
    form.locator("button").click()
    page.wait_for_url("**done=no_gift**")

    page.goto("/finance/statements?show=explained")
    page.locator(".bank-lines a", has_text="***xyz").first.click()
    page.locator(".line-parts summary").first.click()
    page.locator(".line-parts [name=reason]").first.fill("It is of somebody else")
    page.locator(".line-parts form button").first.click()
    page.wait_for_url("**done=undone")
    expect(page.locator(".line-parts s").first).to_contain_text(searched)


def test_keys_accept_suggestions_once_they_are_turned_on(open_page: OpenPage, demo: Demo) -> None:
    """The key 1 accepts the first suggestion, but only after the clerk has turned keys on."""
    page = open_page(viewport={"width": 1280, "height": 800})
    steps.give(page, "interac")
    reference = steps.reference_on(page)
    steps.sign_in(page, demo)
    upload(page, [f"{datetime.now(UTC):%m/%d/%Y},E-TRANSFER {reference},,50.00,1050.00"])
    page.locator(".bank-lines a", has_text=reference).click()
    page.wait_for_url("**/lines/*")
    address = page.url
    page.keyboard.press("1")
    page.wait_for_timeout(300)
    assert page.url == address
    page.locator("#bank-keys").check()
    page.keyboard.press("1")
    page.wait_for_url("**done=**")
