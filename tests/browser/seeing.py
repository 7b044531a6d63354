"""What a page looks like to those who see it otherwise: axe, dark, a small phone, large letters."""

from typing import Literal

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

WCAG = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
SMALL_PHONE = 320

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


def violations(page: Page) -> list[tuple[str, str, list[str]]]:
    """Return what axe finds in light and in dark, by scheme and rule, with the elements."""
    found: list[tuple[str, str, list[str]]] = []
    for scheme in SCHEMES:
        # Without motion: in the middle of a transition a colour is neither of the two.
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        told = Axe().run(page, options=WCAG).response["violations"]
        found += [(scheme, one["id"], [node["html"] for node in one["nodes"]]) for one in told]
    return found


def width_of(page: Page) -> int:
    """Return how wide the page is: more than its window, and one has to scroll sideways."""
    wide: int = page.evaluate("document.documentElement.scrollWidth")
    return wide
