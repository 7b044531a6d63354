"""Actions of donors and staff in the browser."""

import re
from collections.abc import Callable
from itertools import count

from playwright.sync_api import Page, expect

from tests.browser.conftest import Demo

# The most reloads of a page; on a busy machine the worker may need seconds to settle an event.
RELOADS = 160
_DONORS = count(1)


def fill_in(page: Page, mode: str, *, preset: int = 5000, language: str = "en") -> None:
    """Open the Give page at /give/lw-can, and fill in everything."""
    page.goto(f"/give/lw-can?lang={language}")
    page.locator(f"label[for=preset-{preset}]").click()
    page.locator(f"label[for=mode-{mode}]").click()
    page.locator("#name").fill("Ann Lee")
    # Each gift has another address, because the service sends an address few e-mails a day.
    page.locator("#email").fill(f"ann.{next(_DONORS)}@example.org")


def give(page: Page, mode: str, *, preset: int = 5000, language: str = "en") -> None:
    """Fill in the Give page and press Give."""
    fill_in(page, mode, preset=preset, language=language)
    page.locator("#give-button").click()


def give_monthly(page: Page, *, language: str = "en") -> None:
    """Begin a monthly gift by card, and open the page of its pledge."""
    fill_in(page, "card", language=language)
    page.locator("label[for=frequency-monthly]").click()
    page.locator("#give-button").click()
    pay(page)
    page.wait_for_url("**/gifts/**")
    expect_status(page, "confirmed")
    page.reload()
    page.locator("a[href^='/pledges/']").click()


def pay(page: Page, card: str = "4242 4242 4242 4242") -> None:
    """Pay on the pretend Stripe's page."""
    page.locator("[name=number]").fill(card)
    page.locator("[name=expiry]").fill("12/34")
    page.locator("[name=cvc]").fill("123")
    page.locator("[name=name]").fill("Ann Lee")
    page.locator("button[type=submit]").click()


def agree_to_debit(page: Page) -> None:
    """Enter a bank account on the pretend Stripe's page, and agree to the debit."""
    page.locator("[name=institution]").fill("000")
    page.locator("[name=transit]").fill("11000")
    page.locator("[name=account]").fill("000123456789")
    page.locator("[name=name]").fill("Ann Lee")
    page.locator("button[type=submit]").click()


def let_the_bank_pay(page: Page, demo: Demo, reference: str) -> None:
    """Wait until the pretend Stripe lists the gift's monthly debit, and let it succeed."""
    page.goto(demo.sandbox)
    mine = page.locator("tr", has_text=reference).locator("form[action^='/invoices/'] button")
    _reload_until(page, mine.count)
    mine.first.click()


def _reload_until(page: Page, holds: Callable[[], object]) -> None:
    for _ in range(RELOADS):
        if holds():
            break
        page.wait_for_timeout(250)
        page.reload()


def expect_button(page: Page, selector: str) -> None:
    """Reload the page until it has this button; fail if it never does."""
    _reload_until(page, page.locator(selector).count)
    expect(page.locator(selector)).to_be_visible()


def expect_no_form(page: Page) -> None:
    """Reload the page until it has no form; fail if it always has one."""
    _reload_until(page, lambda: not page.locator("form").count())
    expect(page.locator("form")).to_have_count(0)


def expect_text(page: Page, text: str) -> None:
    """Reload the page until it shows this text; fail if it never does."""
    _reload_until(page, page.get_by_text(text).count)
    expect(page.get_by_text(text).first).to_be_visible()


def expect_status(page: Page, status: str) -> None:
    """Reload the donor's page until it shows this status; fail if it never does."""
    label = page.locator(f".status-{status}").first
    _reload_until(page, label.is_visible)
    expect(label).to_be_visible()


def text_of(page: Page) -> str:
    """Return the page's text, with each no-break space replaced by a plain space."""
    text = page.locator("main").inner_text()
    return text.replace("\u200b", "").replace("\u00a0", " ").replace("\u202f", " ")


def reference_on(page: Page) -> str:
    """Return the gift's reference from the donor's page."""
    match = re.search(r"LWCAN-[0-9A-Z]{7}", page.locator("main").inner_text())
    assert match
    return match[0]


def open_letter(page: Page, reference: str) -> None:
    """Open the demo's newest e-mail with this reference in its subject, once it is sent."""
    letter = page.locator(".letters a", has_text=reference).first
    for _ in range(RELOADS):
        page.goto("/demo/letters")
        if letter.count():
            break
        page.wait_for_timeout(250)
    letter.click()
    page.wait_for_url("**/demo/letters/*")


def sign_in(page: Page, demo: Demo, *, language: str = "en-CA") -> None:
    """Sign in as staff, to pages in this language."""
    page.goto(f"/finance/sign-in?lang={language}")
    page.locator("[name=email]").fill(demo.email)
    page.locator("[name=password]").fill(demo.password)
    page.locator("main form button").first.click()
    page.wait_for_url("**/finance")
