"""Functions that each open one of the service's pages in a browser."""

from collections.abc import Callable

from playwright.sync_api import Page

from tests.browser import steps


def the_form(page: Page) -> None:
    page.goto("/give/LWCAN")


def the_form_with_options(page: Page) -> None:
    page.goto("/give/LWCAN?lang=fr")
    page.locator("summary").click()


def the_form_with_mistakes(page: Page) -> None:
    page.goto("/give/LWCAN")
    page.locator("#give-button").click()
    page.wait_for_selector("#problems")


def an_unknown_code(page: Page) -> None:
    page.goto("/give/LWCAM")


def a_gift_waiting_for_the_card(page: Page) -> None:
    steps.give(page, "card")
    page.wait_for_url("**/pay/**")
    page.locator("a[href*='back=cancelled']").first.click()


def a_gift_received(page: Page) -> None:
    steps.give(page, "card")
    steps.pay(page)
    page.wait_for_url("**/gifts/**")
    steps.expect_status(page, "confirmed")


def the_interac_instructions(page: Page) -> None:
    steps.give(page, "interac", language="fr")
    page.wait_for_url("**/gifts/**")


def the_code_instructions(page: Page) -> None:
    steps.give(page, "giving_code")
    page.wait_for_url("**/gifts/**")


def a_debit_under_way(page: Page) -> None:
    steps.give(page, "bank_debit")
    steps.agree_to_debit(page)
    page.wait_for_url("**/gifts/**")
    steps.expect_status(page, "processing")


def a_monthly_gift(page: Page) -> None:
    steps.give_monthly(page, language="fr")
    page.locator("summary").click()


def a_page_that_is_not_there(page: Page) -> None:
    page.goto("/gifts/nosuchgift")


def the_letters_of_the_demo(page: Page) -> None:
    page.goto("/demo/letters")


def a_letter_of_the_demo(page: Page) -> None:
    page.goto("/demo/letters")
    page.locator(".letters a").first.click()
    page.wait_for_url("**/demo/letters/*")


def a_letter_as_a_mail_program_shows_it(page: Page) -> None:
    a_letter_of_the_demo(page)
    html = page.request.get(f"{page.url}/html").text()
    page.goto("about:blank")
    page.set_content(html)


DONORS_PAGES: list[Callable[[Page], None]] = [
    the_form,
    the_form_with_options,
    the_form_with_mistakes,
    an_unknown_code,
    a_gift_waiting_for_the_card,
    a_gift_received,
    the_interac_instructions,
    the_code_instructions,
    a_debit_under_way,
    a_monthly_gift,
    a_page_that_is_not_there,
]
# Pages of the demo that show its e-mails; the service itself has no such pages.
LETTERS: list[Callable[[Page], None]] = [
    the_letters_of_the_demo,
    a_letter_of_the_demo,
    a_letter_as_a_mail_program_shows_it,
]
