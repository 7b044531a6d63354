"""Pages pass the accessibility checker axe, and fit small phones and a large font size."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from fastapi.routing import APIRoute
from playwright.sync_api import Browser, Page
from starlette.routing import compile_path

from donate.app import create_app
from tests.browser import clerk, steps
from tests.browser.appearance import (
    CUT_OFF,
    DESKTOP,
    MOVES,
    PHONE,
    SMALL_PHONE,
    TWICE_AS_LARGE,
    check_staff_page,
    violations,
    width_of,
)
from tests.browser.conftest import Demo, OpenPage, browsing
from tests.browser.month_places import MONTH_PAGES
from tests.browser.places import DONORS_PAGES, LETTERS, a_gift_waiting_for_the_card
from tests.browser.rare_places import RARE_PAGES, rare_service
from tests.browser.staff_places import STAFF_PAGES
from tests.real_parts import Sqlite, make_settings
from tests.stripe_gateway.service import Service

MAX_BYTES = 60_000
PLACES = [
    (route, visit)
    for pages in (DONORS_PAGES, RARE_PAGES)
    for route, visits in pages.items()
    for visit in visits
]
# The image of a poster, and the short address, which leads to the form.
NO_PAGES = {"/give/{code}/qr.svg", "/{code}"}
in_both_languages = pytest.mark.parametrize("language", ["en-CA", "fr-CA"])


@pytest.fixture(scope="module")
def elsewhere(sqlite: Sqlite) -> Iterator[Service]:
    """Serve the pages that the demo does not have."""
    with rare_service(sqlite.fresh_url()) as service:
        yield service


@pytest.fixture(scope="module", params=PLACES, ids=lambda place: place[1].__name__)
def place(request: pytest.FixtureRequest, chromium: Browser, the_demo: Demo) -> Iterator[Page]:
    """Open one of the donors' pages, once for all tests of the page."""
    route, visit = request.param
    options: dict[str, Any] = {"viewport": {"width": SMALL_PHONE, "height": 640}}
    more = []
    if visit in RARE_PAGES.get(route, ()):
        more = [request.getfixturevalue("elsewhere")]
        options["base_url"] = more[0].url
    with browsing(chromium, the_demo) as open_new_page:
        page = open_new_page(**options)
        visit(page, *more)
        page.wait_for_load_state()
        assert compile_path(route)[0].match(urlsplit(page.url).path), page.url
        yield page


def test_each_page_of_donors_is_opened(sqlite: Sqlite, tmp_path: Path) -> None:
    """Every route that shows donors a page is among the places that these tests open."""
    emails = {"letters_folder": tmp_path, "mail_from": "give@example.org"}
    routes = [
        (route.path, route.methods or set())
        for route in create_app(make_settings(sqlite.fresh_url(), **emails)).routes
        if isinstance(route, APIRoute) and route.endpoint.__module__.startswith("donate.donors")
    ]
    opened = {route for route, _ in PLACES}
    assert opened <= {path for path, _ in routes}
    assert {path for path, methods in routes if "GET" in methods} - NO_PAGES <= opened


def test_axe_finds_nothing(place: Page) -> None:
    """Axe finds no violation of WCAG 2.2 AA or of its best practices, in light and in dark."""
    assert violations(place) == []


def test_axe_finds_nothing_in_other_windows(place: Page) -> None:
    """Nor on another phone, on a desktop, or with forced colours, in light and in dark."""
    for width in (PHONE, DESKTOP):
        place.set_viewport_size({"width": width, "height": 844})
        assert violations(place) == [], width
    place.emulate_media(forced_colors="active")
    assert violations(place) == []
    place.emulate_media(forced_colors="none")
    place.set_viewport_size({"width": SMALL_PHONE, "height": 640})


def test_a_small_phone_is_wide_enough(place: Page) -> None:
    """On a screen 320 pixels wide, a page needs no scrolling sideways."""
    assert width_of(place) <= SMALL_PHONE


def test_a_page_is_small_and_loads_nothing_from_elsewhere(place: Page) -> None:
    """A page and its files total under 60 kB uncompressed, all from the service's own host."""
    parts = place.evaluate("performance.getEntriesByType('resource').map((part) => part.name)")
    addresses = {place.url, *parts}
    assert {urlsplit(address).netloc for address in addresses} == {urlsplit(place.url).netloc}
    weight = sum(len(place.request.get(address).body()) for address in addresses)
    assert 1_000 < weight < MAX_BYTES


def test_nothing_moves(place: Page) -> None:
    """If the donor's system asks for reduced motion, the page has no animations."""
    place.emulate_media(reduced_motion="reduce")
    assert place.evaluate(MOVES) == 0


def test_a_page_fits_at_twice_the_font_size(place: Page) -> None:
    """At 200 % font size no text is cut off, nothing scrolls sideways, and axe finds nothing."""
    place.set_viewport_size({"width": 640, "height": 800})
    place.evaluate(TWICE_AS_LARGE)
    assert violations(place) == []
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
    page = open_page(viewport={"width": DESKTOP, "height": 800})
    steps.give(page, "interac")
    page.goto(f"/finance/sign-in?lang={language}")
    check_staff_page(page, "the sign-in page")
    steps.sign_in(page, demo, language=language)
    for visit in (*STAFF_PAGES, *MONTH_PAGES):
        visit(page)
        page.wait_for_load_state()
        assert page.locator("html").get_attribute("lang") == language, visit.__name__
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
    clerk.confirm_second_factor(page, codes)
    check_staff_page(page, "the recovery codes")
    clerk.prove_wrongly(page)
    check_staff_page(page, "the page that asks for a proof again")
    page.locator(".sign-out button").click()
    clerk.enter_password(page, email, language=language)
    page.wait_for_url("**/sign-in/code")
    page.locator("summary").click()
    check_staff_page(page, "the code page")
