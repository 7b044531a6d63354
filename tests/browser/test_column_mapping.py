"""A clerk maps the columns of an unknown bank's file in a browser: axe, a phone, and the way."""

import time
from pathlib import Path

import pytest
from playwright.sync_api import FilePayload, Page, expect

from tests.browser import steps
from tests.browser.appearance import check_staff_page
from tests.browser.bank_places import compare_and_import
from tests.browser.conftest import Demo, OpenPage

UNKNOWN = (
    "Credit union of the valley;;;;\r\n"
    "Booked;Details;Out;In;{column}\r\n"
    "04/02/2026;SERVICE CHARGE;4,95;;1 195,05\r\n"
    "13/02/2026;E-TRANSFER JANE;;50,00;1 245,05\r\n"
    "16/02/2026;STRIPE MSP;;1 211,40;2 456,45\r\n"
    "Closing balance;;;;2 456,45\r\n"
)


def new_name(beginning: str) -> str:
    """Return another name with each call; its number is too short for a card number."""
    return f"{beginning} {time.time_ns() // 1_000_000 % 10_000_000}"


def upload(page: Page, content: str) -> None:
    page.goto("/finance/statements")
    file = FilePayload(name="valley.csv", mimeType="text/csv", buffer=content.encode())
    page.locator("#file").set_input_files([file])
    page.locator("form.upload button").click()
    page.wait_for_url("**/uploads/*")


def open_form(page: Page) -> None:
    """Upload a file that no shape fits, and open the form of its columns."""
    upload(page, UNKNOWN.format(column=new_name("Left")))
    page.locator("main a.button[href$='/columns']").click()
    page.wait_for_url("**/columns")


def show(page: Page) -> None:
    """Press the visible button that shows how the file is read."""
    page.locator(".column-form button[value=preview]").last.click()
    page.wait_for_load_state()


def choose(page: Page) -> None:
    for name, column in (("text_1", "2"), ("debit", "3"), ("credit", "4"), ("balance", "5")):
        page.locator(f"[name={name}]").select_option(column)


def the_form(page: Page) -> None:
    open_form(page)


def the_form_with_mistakes(page: Page) -> None:
    open_form(page)
    page.locator("[name=text_1]").select_option("1")
    page.locator("[name=balance]").select_option("2")
    show(page)
    expect(page.locator("#text_1-error")).to_be_visible()


def the_lines_as_they_are_read(page: Page) -> None:
    open_form(page)
    choose(page)
    show(page)
    expect(page.locator("#lines")).to_be_visible()


def the_mapped_files(page: Page) -> None:
    the_lines_as_they_are_read(page)
    page.locator("[name=title]").fill(new_name("Valley"))
    page.locator("button[value=save]").click()
    page.wait_for_url("**/uploads/*shape=*")
    page.goto("/finance/statements/shapes")
    page.locator("details summary").first.click()


def the_waiting_transfers(page: Page) -> None:
    page.goto("/finance/transfer-mails?show=waiting")


PLACES = [
    the_form,
    the_form_with_mistakes,
    the_lines_as_they_are_read,
    the_mapped_files,
    the_waiting_transfers,
]


@pytest.mark.parametrize("language", ["en-CA", "fr-CA"])
def test_axe_finds_nothing_on_the_pages_of_columns(
    open_page: OpenPage, demo: Demo, language: str
) -> None:
    """The form, its mistakes and its preview pass axe in light and dark, and fit a small phone."""
    page = open_page(viewport={"width": 1280, "height": 800})
    steps.sign_in(page, demo, language=language)
    for visit in PLACES:
        visit(page)
        page.wait_for_load_state()
        check_staff_page(page, visit.__name__)


def test_a_clerk_maps_a_file_without_javascript(open_page: OpenPage, demo: Demo) -> None:
    """Without scripts, a clerk maps the columns, sees the lines, names the file, and imports it."""
    page = open_page(java_script_enabled=False)
    steps.sign_in(page, demo)
    open_form(page)
    assert page.locator("[name=header]").input_value() == "2"
    assert page.locator("[name=date]").input_value() == "1"
    choose(page)
    page.locator("[name=text_1]").select_option("3")
    show(page)
    expect(page.locator("#debit-error")).to_contain_text("Column 3 is chosen for something else")
    assert page.locator("[name=balance]").input_value() == "5"
    page.locator("[name=text_1]").select_option("2")
    show(page)
    expect(page.locator("main")).to_contain_text("3 lines are read")
    expect(page.locator("main")).to_contain_text("“Closing balance” sums up other rows")
    page.locator("[name=title]").fill(new_name("Valley"))
    page.locator("button[value=save]").click()
    page.wait_for_url("**/uploads/*shape=*")
    page.locator("[name=new_account_0]").fill(new_name("Valley"))
    compare_and_import(page)


def test_too_many_megabytes_get_a_sentence_in_the_browser(
    open_page: OpenPage, demo: Demo, tmp_path: Path
) -> None:
    """A clerk who adds more than 20 MB of e-mails reads how much may be added at a time."""
    page = open_page(viewport={"width": 1280, "height": 800})
    steps.sign_in(page, demo)
    files = [tmp_path / f"{number}.eml" for number in range(24)]
    for file in files:
        file.write_bytes(b"x" * 1_000_000)
    for count in (21, 24):
        page.goto("/finance/transfer-mails")
        page.locator("#files").set_input_files(files[:count])
        page.locator("form[action$='/added'] button").click()
        expect(page.locator("main")).to_contain_text("Together, the files can be at most 20 MB")
