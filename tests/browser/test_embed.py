"""The Give dialog on another site's page, with a strict content security policy."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser import steps
from tests.browser.appearance import SMALL_PHONE, violations, width_of
from tests.browser.conftest import Demo, OpenPage

SCRIPT = Path(__file__).parent.parent.parent / "donate/static/embed.js"


def open_dialog(open_page: OpenPage, address: str, **more: object) -> Page:
    page = open_page(**more)
    page.goto(address)
    page.locator("a[data-donate]").click()
    return page


def fill_in(page: Page, mode: str) -> None:
    page.locator("[name=preset]").nth(1).check()
    page.locator(f"[name=mode][value={mode}]").check()
    page.locator("[name=name]").fill("Ann Lee")
    page.locator("[name=email]").fill("ann@example.org")
    page.locator("[type=submit]").click()


def test_the_script_is_small() -> None:
    """The script that other sites load is smaller than 15 kB."""
    assert SCRIPT.stat().st_size < 15_000


@pytest.mark.parametrize("language", ["en", "fr"])
def test_a_card_gift_from_another_page(open_page: OpenPage, demo: Demo, language: str) -> None:
    """A donor who gives by card in the dialog goes on to Stripe's page, and can pay there."""
    address = f"{demo.example}/{'fr' if language == 'fr' else ''}"
    page = open_dialog(open_page, address)
    expect(page.locator("dialog h2")).to_contain_text("Donner" if language == "fr" else "Give")
    fill_in(page, "card")
    page.wait_for_url("**/pay/**")
    steps.pay(page)
    page.wait_for_url("**/gifts/**")
    steps.expect_status(page, "confirmed")
    expect(page.locator(f"html[lang^={language}]")).to_have_count(1)


def test_an_interac_gift_leads_to_its_instructions(open_page: OpenPage, demo: Demo) -> None:
    """An Interac gift leads to the page with its instructions."""
    page = open_dialog(open_page, f"{demo.example}/")
    fill_in(page, "interac")
    page.wait_for_url("**/gifts/**")
    steps.reference_on(page)


def test_mistakes_are_reported_beside_the_field(open_page: OpenPage, demo: Demo) -> None:
    """The dialog reports a missing or malformed amount and a malformed e-mail address."""
    page = open_dialog(open_page, f"{demo.example}/")
    page.locator("[type=submit]").click()
    expect(page.locator("#problem")).to_contain_text("in digits")
    for odd in ("1,000", "1e2", "-5", "0", "50.123"):
        page.locator("[name=amount]").fill(odd)
        page.locator("[type=submit]").click()
        expect(page.locator("#problem")).to_contain_text("in digits")
    page.locator("[name=amount]").fill("0.50")
    page.locator("[name=name]").fill("Ann Lee")
    page.locator("[name=email]").fill("ann@example.org")
    page.locator("[type=submit]").click()
    expect(page.locator("#problem")).to_contain_text("minimum for this payment method is $2.00")
    expect(page.locator("[name=amount]")).to_be_focused()
    expect(page.locator("[name=amount][aria-invalid]")).to_be_in_viewport()
    expect(page.locator("#problem")).to_be_in_viewport()
    page.locator("[name=amount]").fill("50,25")
    page.locator("[name=name]").fill("Ann Lee")
    page.locator("[name=email]").fill("ann@")
    page.locator("[type=submit]").click()
    expect(page.locator("#problem")).to_contain_text("e-mail")
    expect(page.locator("[name=email]")).to_be_focused()
    expect(page.locator("[aria-invalid]")).to_have_count(1)
    assert page.url == f"{demo.example}/"


def test_monthly_or_abroad_disables_interac(open_page: OpenPage, demo: Demo) -> None:
    """In the dialog, Interac is disabled for monthly gifts and for donors outside Canada.

    Donors outside Canada continue on the Give page.
    """
    page = open_dialog(open_page, f"{demo.example}/")
    page.locator("[name=frequency][value=monthly]").check()
    expect(page.locator("[name=mode][value=interac]")).to_be_disabled()
    page.locator("[name=frequency][value=once]").check()
    page.locator("[name=mode][value=interac]").check()
    page.locator("[name=abroad]").check()
    expect(page.locator("[name=mode][value=interac]")).to_be_disabled()
    expect(page.locator("[name=mode][value=card]")).to_be_checked()
    expect(page.locator("dialog")).to_contain_text("Chosen instead of Interac e-Transfer.")
    fill_in(page, "card")
    page.wait_for_url("**/give/LWCAN?**")
    expect(page.locator("#preset-5000")).to_be_checked()
    expect(page.locator("#country")).to_have_value("")


def test_the_keyboard_and_escape(open_page: OpenPage, demo: Demo) -> None:
    """Enter opens the dialog, and Escape closes it and returns the focus to the link."""
    page = open_page()
    page.goto(f"{demo.example}/")
    page.locator("a[data-donate]").focus()
    page.keyboard.press("Enter")
    expect(page.locator("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("dialog")).to_have_count(0)
    expect(page.locator("a[data-donate]")).to_be_focused()


def test_a_closed_dialog_comes_back_as_it_was(open_page: OpenPage, demo: Demo) -> None:
    """A reopened dialog still has what the donor typed, and a double click opens one dialog."""
    page = open_dialog(open_page, f"{demo.example}/")
    page.locator("[name=name]").fill("Ann Lee")
    page.keyboard.press("Escape")
    page.locator("a[data-donate]").dblclick()
    expect(page.locator("dialog")).to_have_count(1)
    expect(page.locator("[name=name]")).to_have_value("Ann Lee")


def test_axe_finds_nothing_in_the_dialog(open_page: OpenPage, demo: Demo) -> None:
    """The dialog meets WCAG 2.2 AA on a small screen, light and dark."""
    viewport = {"width": SMALL_PHONE, "height": 640}
    page = open_dialog(open_page, f"{demo.example}/", viewport=viewport)
    expect(page.locator("dialog")).to_be_visible()
    assert violations(page) == []
    assert width_of(page) <= SMALL_PHONE


def test_without_script_it_is_a_link(open_page: OpenPage, demo: Demo) -> None:
    """Without JavaScript, the link that opens the dialog leads to the Give page."""
    page = open_page(java_script_enabled=False)
    page.goto(f"{demo.example}/")
    page.locator("a[data-donate]").click()
    page.wait_for_url("**/give/LWCAN")


def test_an_unlisted_site_continues_on_the_give_page(open_page: OpenPage, demo: Demo) -> None:
    """On a site that is not in EMBED_ORIGINS, the dialog opens the Give page, filled in."""
    page = open_dialog(open_page, f"{demo.example.replace('127.0.0.1', 'localhost')}/")
    fill_in(page, "card")
    page.wait_for_url("**/give/LWCAN?**")
    expect(page.locator("#preset-5000")).to_be_checked()
    expect(page.locator("#mode-card")).to_be_checked()
