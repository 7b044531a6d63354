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


def the_form_for_another_country(page: Page) -> None:
    page.goto("/give/LWCAN?lang=fr")
    steps.live_in(page, "FR")


def a_poster(page: Page) -> None:
    page.goto("/give/LWCAN/poster?fund=meals&lang=fr")


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


def the_interac_instructions_once_sent(page: Page) -> None:
    steps.give(page, "interac")
    page.wait_for_url("**/gifts/**")
    page.locator("form[action*='/sent'] button").click()
    page.wait_for_selector("form[action*='/not-sent']")


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
    for fold in page.locator("summary").all():
        fold.click()


def a_monthly_gift_that_skips_a_month(page: Page) -> None:
    steps.give_monthly(page)
    steps.skip_a_month(page)


def a_monthly_gift_that_ended(page: Page) -> None:
    steps.give_monthly(page)
    page.locator("#end summary").click()
    page.locator("form[action*='/cancel'] button").click()
    steps.expect_no_form(page)


def a_pause_without_a_day(page: Page) -> None:
    steps.give_monthly(page)
    page.locator("#pause summary").click()
    page.locator("#pause form").evaluate("(form) => { form.noValidate = true; }")
    page.locator("#pause button").click()
    page.wait_for_selector("#until-error")


def the_form_for_a_link(page: Page) -> None:
    page.goto("/my-gifts?lang=fr")


def a_link_on_its_way(page: Page) -> None:
    page.goto("/my-gifts")
    page.locator("#email").fill("nobody@example.org")
    page.locator("#ask-form button.button-big").click()
    page.wait_for_url("**asked=yes**")


def a_link_that_was_used(page: Page) -> None:
    page.goto("/my-gifts/nosuchlink")


def the_button_that_sends_a_link(page: Page) -> None:
    steps.give(page, "interac")
    page.wait_for_url("**/gifts/**")
    page.locator("a[href*='/my-gifts']").click()


def a_one_time_link(page: Page) -> None:
    steps.give_monthly(page)
    page.locator("a[href*='/my-gifts']").click()
    steps.press_and_open_link(page)


def all_gifts_of_an_address(page: Page) -> None:
    a_one_time_link(page)
    page.locator("main form button").click()
    page.wait_for_url("**/my-gifts?**")


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


# The pages of each route.
DONORS_PAGES: dict[str, list[Callable[[Page], None]]] = {
    "/give/{code}": [
        the_form,
        the_form_with_options,
        the_form_with_mistakes,
        the_form_for_another_country,
        an_unknown_code,
    ],
    "/give/{code}/poster": [a_poster],
    "/gifts/{token}": [
        a_gift_waiting_for_the_card,
        a_gift_received,
        the_interac_instructions,
        the_interac_instructions_once_sent,
        the_code_instructions,
        a_debit_under_way,
        a_page_that_is_not_there,
    ],
    "/gifts/{token}/my-gifts": [the_button_that_sends_a_link],
    "/pledges/{token}": [
        a_monthly_gift,
        a_monthly_gift_that_skips_a_month,
        a_monthly_gift_that_ended,
    ],
    "/pledges/{token}/pause": [a_pause_without_a_day],
    "/my-gifts": [the_form_for_a_link, a_link_on_its_way, all_gifts_of_an_address],
    "/my-gifts/{token}": [a_one_time_link, a_link_that_was_used],
}
# Pages of the demo that show its e-mails; the service itself has no such pages.
LETTERS: list[Callable[[Page], None]] = [
    the_letters_of_the_demo,
    a_letter_of_the_demo,
    a_letter_as_a_mail_program_shows_it,
]
