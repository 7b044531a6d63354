"""Donors' pages for who needs letters twice as large, or nothing that moves."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page

from tests.browser.conftest import OpenPage
from tests.browser.test_accessibility import a_gift_waiting_for_the_card
from tests.browser.test_weight import DONORS_PAGES

each_page = pytest.mark.parametrize("go", DONORS_PAGES, ids=lambda go: go.__name__)

# What hides a part of its own words, or stands outside the screen.
CUT_OFF = """
() => [...document.querySelectorAll("main *, header *, footer *")]
  .filter((one) => one.checkVisibility() && !one.closest(".visually-hidden, .scroll"))
  .filter((one) => {
    const hides = getComputedStyle(one).overflowX !== "visible";
    const box = one.getBoundingClientRect();
    const typed = one.matches("input, textarea, select");
    return (hides && !typed && one.scrollWidth > one.clientWidth + 1)
      || box.right > innerWidth + 1;
  })
  .map((one) => one.outerHTML.slice(0, 120))
"""
TWICE_AS_LARGE = "() => { document.documentElement.style.fontSize = '200%'; }"
MOVES = """
() => document.getAnimations().length
  + [...document.querySelectorAll("*")]
    .filter((one) => parseFloat(getComputedStyle(one).transitionDuration) > 0).length
"""


@each_page
def test_letters_twice_as_large(open_page: OpenPage, go: Callable[[Page], None]) -> None:
    """At 200 % of the letters' size nothing is cut off, and nobody scrolls sideways."""
    page = open_page(viewport={"width": 640, "height": 800})
    go(page)
    page.wait_for_load_state()
    page.evaluate(TWICE_AS_LARGE)
    assert page.evaluate(CUT_OFF) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 640


@each_page
def test_nothing_moves(open_page: OpenPage, go: Callable[[Page], None]) -> None:
    """Who asked their device for less motion sees nothing turn, slide or fade."""
    page = open_page(reduced_motion="reduce")
    go(page)
    page.wait_for_load_state()
    assert page.evaluate(MOVES) == 0


def test_others_see_it_move(open_page: OpenPage) -> None:
    """The counter counts: where motion is welcome, some pages move."""
    page = open_page(reduced_motion="no-preference")
    a_gift_waiting_for_the_card(page)
    page.wait_for_load_state()
    assert page.evaluate(MOVES) > 0
