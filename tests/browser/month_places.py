"""The pages of months that the browser tests look at, and how to get to each."""

from playwright.sync_api import Page


def the_months(page: Page) -> None:
    page.goto("/finance/months")


def the_month_to_close(page: Page) -> None:
    """Open the oldest month that is not closed: the last one that is not over or open."""
    the_months(page)
    page.locator("tr:has(.status-awaited) td.reference a").last.click()
    page.wait_for_url("**/finance/months/*")


def a_month_that_waits(page: Page) -> None:
    the_months(page)
    page.locator("tr:not(:has(.status)) td.reference a").first.click()
    page.wait_for_url("**/finance/months/*")


def a_month_without_reasons(page: Page) -> None:
    """Close a month without any reason, so that all of them are asked for."""
    the_month_to_close(page)
    assert page.locator("input[name^=reason_]").count()
    page.locator("#close-month button").click()
    page.wait_for_url("**/closed")


def a_closed_month(page: Page) -> None:
    the_month_to_close(page)
    for field in page.locator("input[name^=reason_]").all():
        field.fill("The accountant knows.")
    page.locator("#close-month button").click()
    page.wait_for_url("**?done=closed")


MONTH_PAGES = [
    the_months,
    the_month_to_close,
    a_month_that_waits,
    a_month_without_reasons,
    a_closed_month,
]
