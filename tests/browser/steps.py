"""Actions of donors and staff in the browser."""

import re
import time
from collections.abc import Callable
from itertools import count

from playwright.sync_api import Page

from tests.browser.conftest import Demo
from tests.waiting import PATIENCE_S

_DONORS = count(1)


def fill_in(
    page: Page, mode: str, *, preset: int = 5000, language: str = "en", monthly: bool = False
) -> None:
    """Open the Give page at /give/lw-can, and fill in everything."""
    page.goto(f"/give/lw-can?lang={language}")
    if monthly:
        page.locator("label[for=frequency-monthly]").click()
    name = "preset_monthly" if monthly else "preset"
    page.locator(f"label[for={name}-{preset}]").click()
    page.locator(f"label[for=mode-{mode}]").click()
    page.locator("#name").fill("Ann Lee")
    # Each gift has another address, because the service sends an address few e-mails a day.
    page.locator("#email").fill(f"ann.{next(_DONORS)}@example.org")


def live_in(page: Page, country: str) -> None:
    """Choose another country on the Give page, which lists them only on demand."""
    switch = page.locator("[name=country_switch]")
    if switch.count():
        switch.click()
    page.locator("select#country").select_option(country)


def give(page: Page, mode: str, *, preset: int = 5000, language: str = "en") -> None:
    """Fill in the Give page and press Give."""
    fill_in(page, mode, preset=preset, language=language)
    page.locator("#give-button").click()


def give_monthly(page: Page, *, language: str = "en") -> None:
    """Begin a monthly gift by card, and open the page of its pledge."""
    fill_in(page, "card", language=language, monthly=True)
    page.locator("#give-button").click()
    pay(page)
    page.wait_for_url("**/gifts/**")
    expect_status(page, "confirmed")
    page.reload()
    page.locator("a[href^='/pledges/']").click()


def skip_a_month(page: Page) -> None:
    """Skip the next month of a monthly gift, on its page."""
    page.locator(".actions form[action*='/pause'] button").first.click()
    expect_button(page, "form[action*='/resume'] button")


def resume(page: Page) -> None:
    """Resume a paused monthly gift, on its page."""
    page.locator("form[action*='/resume'] button").click()
    expect_button(page, "#pause")


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
    reload_until(page, mine.count)
    mine.first.click()


def reload_until(page: Page, holds: Callable[[], object]) -> None:
    """Reload the page until the condition holds, because the worker takes a moment."""
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline, "waited too long"
        page.wait_for_timeout(250)
        page.reload()


def expect_button(page: Page, selector: str) -> None:
    """Reload the page until it has this button; fail if it never does."""
    reload_until(page, page.locator(selector).is_visible)


def expect_no_form(page: Page) -> None:
    """Reload the page until it has no form; fail if it always has one."""
    reload_until(page, lambda: not page.locator("form").count())


def expect_text(page: Page, text: str) -> None:
    """Reload the page until it shows this text; fail if it never does."""
    reload_until(page, page.get_by_text(text).first.is_visible)


def expect_status(page: Page, status: str) -> None:
    """Reload the donor's page until it shows this status; fail if it never does."""
    reload_until(page, page.locator(f".status-{status}").first.is_visible)


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
    page.goto("/demo/letters")
    reload_until(page, letter.count)
    letter.click()
    page.wait_for_url("**/demo/letters/*")


def press_and_open_link(page: Page, subject: str = "Your link to see your gifts") -> None:
    """Press the button that sends a one-time link, and open the link of the new e-mail."""
    button, asking = page.locator("main form button"), page.url
    letters = page.locator(".letters a", has_text=subject)

    def newest() -> str | None:
        return letters.first.get_attribute("href") if letters.count() else None

    page.goto("/demo/letters")
    before = newest()
    page.goto(asking)
    button.click()
    page.wait_for_url("**asked=yes**")
    page.goto("/demo/letters")
    reload_until(page, lambda: newest() != before)
    letters.first.click()
    page.wait_for_url("**/demo/letters/*")
    link = page.frame_locator("iframe").locator(".go a").get_attribute("href")
    assert link
    page.goto(link)


def sign_in(page: Page, demo: Demo, *, language: str = "en-CA") -> None:
    """Sign in as staff, to pages in this language."""
    page.goto(f"/finance/sign-in?lang={language}")
    page.locator("[name=email]").fill(demo.email)
    page.locator("[name=password]").fill(demo.password)
    page.locator("main form button").first.click()
    page.wait_for_url("**/finance")
