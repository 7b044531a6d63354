"""Functions that each open a donors' page that the demo does not show.

The demo has one region, its limits are not reached, and it has no gift whose donor is reminded.
"""

import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from playwright.sync_api import Page

from tests.browser import steps
from tests.donors.visitor import REGIONS
from tests.links import stop_token_of
from tests.stripe_gateway.gifts_and_events import give
from tests.stripe_gateway.service import Service, serving


@contextmanager
def rare_service(database_url: str) -> Iterator[Service]:
    """Serve several regions, with a limit that the second gift reaches."""
    with serving(database_url, regions_file=REGIONS, gifts_in_all=1) as service:
        yield service


def the_list_of_regions(page: Page, _: Service) -> None:
    page.goto("/")


def one_more_step(page: Page, _: Service) -> None:
    # The script would pass the challenge at once, and go on.
    page.route("**/challenge.*.js", lambda route: route.abort())
    for _attempt in range(3):
        steps.give(page, "giving_code")
        page.wait_for_load_state()
        if page.locator("#challenge").count():
            return
    raise AssertionError("no gift was challenged")


def the_page_about_reminders(page: Page, service: Service) -> None:
    gift = give(service.database, email=f"{uuid.uuid4()}@example.org", language="fr-CA")
    page.goto(f"/unsubscribe/{stop_token_of(gift)}")


def no_more_reminders(page: Page, service: Service) -> None:
    the_page_about_reminders(page, service)
    page.locator("main form button").click()
    page.wait_for_selector("form[action*='/undo']")


RARE_PAGES: dict[str, list[Callable[[Page, Service], None]]] = {
    "/": [the_list_of_regions],
    "/give/{code}": [one_more_step],
    "/unsubscribe/{token}": [the_page_about_reminders, no_more_reminders],
}
