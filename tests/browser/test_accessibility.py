"""Pages pass the accessibility checker axe, and fit small phones and a large font size."""

from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page

from tests.browser import clerk, steps
from tests.browser.appearance import (
    CUT_OFF,
    MOVES,
    SMALL_PHONE,
    TWICE_AS_LARGE,
    violations,
    width_of,
)
from tests.browser.conftest import Demo, OpenPage, browsing
from tests.browser.month_places import MONTH_PAGES
from tests.browser.places import DONORS_PAGES, LETTERS, a_gift_waiting_for_the_card
from tests.browser.staff_places import STAFF_PAGES

MAX_BYTES = 60_000
in_both_languages = pytest.mark.parametrize("language", ["en-CA", "fr-CA"])

# The widths of a desktop window and of a phone, in pixels.
WIDTHS = (1280, 390)


@pytest.fixture(scope="module", params=DONORS_PAGES, ids=lambda visit: visit.__name__)
def place(request: pytest.FixtureRequest, chromium: Browser, the_demo: Demo) -> Iterator[Page]:
    """Open one of the donors' pages, once for all tests of the page."""
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


@in_both_languages
def test_axe_finds_nothing_on_staff_pages(open_page: OpenPage, demo: Demo, language: str) -> None:
    """Axe finds no violation on staff pages on a desktop or a phone, and they fit 320 pixels."""
    page = open_page(viewport={"width": WIDTHS[0], "height": 800})
    steps.give(page, "interac")
    page.goto(f"/finance/sign-in?lang={language}")
    check_staff_page(page, "the sign-in page")
    steps.sign_in(page, demo, language=language)
    for visit in (*STAFF_PAGES, *MONTH_PAGES):
        page.set_viewport_size({"width": WIDTHS[0], "height": 800})
        visit(page)
        page.wait_for_load_state()
        assert page.locator("html").get_attribute("lang") == language, visit.__name__
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 800})
            check_staff_page(page, visit.__name__)


@in_both_languages
def test_axe_finds_nothing_while_a_second_factor_is_set_up(
    open_page: OpenPage, demo: Demo, language: str
) -> None:
    """Axe finds no violation on pages that set up or ask for a code, which fit 320 pixels, too."""
    page, email = open_page(), f"dora.{language}@example.org"
    clerk.invite_clerk(open_page(), page, demo, email)
    clerk.enter_password(page, email, language=language)
    page.wait_for_url("**/finance")
    codes = clerk.begin_second_factor(page)
    check_staff_page(page, "the QR code")
    page.set_viewport_size({"width": 390, "height": 844})
    clerk.confirm_second_factor(page, codes)
    check_staff_page(page, "the recovery codes")
    page.set_viewport_size({"width": 390, "height": 844})
    page.locator(".sign-out button").click()
    clerk.enter_password(page, email, language=language)
    page.wait_for_url("**/sign-in/code")
    page.locator("summary").click()
    check_staff_page(page, "the code page")


def check_staff_page(page: Page, name: str) -> None:
    """Check a page with axe in light and dark, and its width on the smallest phone."""
    assert violations(page) == [], name
    page.set_viewport_size({"width": SMALL_PHONE, "height": 640})
    assert width_of(page) <= SMALL_PHONE, name
