"""Checks of a page's appearance: axe's rules, clipped text, motion and width."""

from typing import Literal

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page

# With `resultTypes` axe runs the same rules, but describes only what violates them.
WCAG = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    "resultTypes": ["violations"],
}
RUN_AXE = "(options) => axe.run(options).then((results) => results.violations)"
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
SMALL_PHONE = 320

# JavaScript that returns the elements that clip their own text or reach outside the window.
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
    """Return what axe objects to in light and dark mode: colour scheme, rule and elements."""
    found: list[tuple[str, str, list[str]]] = []
    if page.evaluate("typeof axe") == "undefined":
        page.evaluate(AXE_SCRIPT)
    for scheme in SCHEMES:
        # Motion is reduced, because axe misjudges the contrast while colours are fading.
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        found += [
            (scheme, rule["id"], [node["html"] for node in rule["nodes"]])
            for rule in page.evaluate(RUN_AXE, WCAG)
        ]
    return found


def width_of(page: Page) -> int:
    """Return the page's width; a page wider than the window has to be scrolled sideways."""
    width: int = page.evaluate("document.documentElement.scrollWidth")
    return width
