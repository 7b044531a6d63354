"""Pages pass the accessibility checker axe, and fit small phones and a large font size."""

from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page

from tests.browser import steps
from tests.browser.conftest import Demo, OpenPage, browsing
from tests.browser.places import DONORS_PAGES, LETTERS, STAFF_PAGES, a_gift_waiting_for_the_card
from tests.browser.seeing import (
    CUT_OFF,
    MOVES,
    SMALL_PHONE,
    TWICE_AS_LARGE,
    violations,
    width_of,
)

MAX_BYTES = 60_000


@pytest.fixture(scope="module", params=DONORS_PAGES, ids=lambda visit: visit.__name__)
def place(request: pytest.FixtureRequest, chromium: Browser, the_demo: Demo) -> Iterator[Page]:
    """Open a donor's page once for all tests of it."""
    with browsing(chromium, the_demo) as open_new_page:
        page = open_new_page(viewport={"width": SMALL_PHONE, "height": 640})
        request.param(page)
        page.wait_for_load_state()
        yield page


def test_axe_finds_nothing(place: Page) -> None:
    """Axe finds no violation of WCAG 2.2 AA or of its best practices, in light and in dark."""
    assert violations(place) == []


def test_a_small_phone_is_wide_enough(place: Page) -> None:
    """On a screen 320 pixels wide, a page needs no scrolling sideways."""
    assert width_of(place) <= SMALL_PHONE


def test_a_page_is_small_and_loads_nothing_from_elsewhere(place: Page, demo: Demo) -> None:
    """A page and its files total under 60 kB uncompressed, all from the service's own host."""
    parts = place.evaluate("performance.getEntriesByType('resource').map((part) => part.name)")
    addresses = {place.url, *parts}
    assert {urlsplit(address).netloc for address in addresses} == {urlsplit(demo.service).netloc}
    weight = sum(len(place.request.get(address).body()) for address in addresses)
    assert 1_000 < weight < MAX_BYTES


def test_nothing_moves(place: Page) -> None:
    """If the donor's system asks for reduced motion, the page has no animations."""
    place.emulate_media(reduced_motion="reduce")
    assert place.evaluate(MOVES) == 0


def test_a_page_fits_at_twice_the_font_size(place: Page) -> None:
    """At 200 % font size no text is cut off, and the page needs no scrolling sideways."""
    place.set_viewport_size({"width": 640, "height": 800})
    place.evaluate(TWICE_AS_LARGE)
    assert place.evaluate(CUT_OFF) == []
    assert width_of(place) <= 640
    place.evaluate("() => { document.documentElement.style.fontSize = ''; }")
    place.set_viewport_size({"width": SMALL_PHONE, "height": 640})


def test_some_pages_move_when_motion_is_allowed(open_page: OpenPage) -> None:
    """With motion allowed, the check for animations finds some, so the check can fail."""
    page = open_page(reduced_motion="no-preference")
    a_gift_waiting_for_the_card(page)
    page.wait_for_load_state()
    assert page.evaluate(MOVES) > 0


def test_axe_finds_nothing_in_letters(open_page: OpenPage) -> None:
    """Axe finds no violation in the demo's e-mails, and they fit on a small phone."""
    page = open_page(viewport={"width": SMALL_PHONE, "height": 640})
    for visit in LETTERS:
        visit(page)
        assert violations(page) == [], visit.__name__
        assert width_of(page) <= SMALL_PHONE, visit.__name__


def test_axe_finds_nothing_on_staff_pages(open_page: OpenPage, demo: Demo) -> None:
    """Axe finds no violation on the sign-in page and on each staff page."""
    page = open_page(viewport={"width": 1280, "height": 800})
    steps.give(page, "interac")
    page.goto("/finance/sign-in")
    assert violations(page) == []
    steps.sign_in(page, demo)
    for visit in STAFF_PAGES:
        visit(page)
        assert violations(page) == [], visit.__name__
