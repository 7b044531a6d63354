"""Checks of a page's appearance: axe's rules, clipped text, motion and width."""

from collections.abc import Sequence
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
# Widths of windows, in pixels.
DESKTOP, PHONE, SMALL_PHONE = 1280, 390, 320

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
# JavaScript that returns the gifts of a list in which one text lies over another.
OVERLAPPING = """
() => [...document.querySelectorAll("main .gifts tbody tr")].filter((row) => {
  const boxes = [...row.children]
    .filter((cell) => cell.checkVisibility() && !cell.matches(".visually-hidden"))
    .map((cell) => {
      const text = document.createRange();
      text.selectNodeContents(cell);
      return text.getBoundingClientRect();
    });
  return boxes.some((one, number) => boxes.slice(number + 1).some((other) =>
    one.left < other.right - 1 && other.left < one.right - 1
    && one.top < other.bottom - 1 && other.top < one.bottom - 1));
}).map((row) => row.innerText.slice(0, 120))
"""
TWICE_AS_LARGE = "() => { document.documentElement.style.fontSize = '200%'; }"
MOVES = """
() => document.getAnimations().length
  + [...document.querySelectorAll("*")]
    .filter((one) => parseFloat(getComputedStyle(one).transitionDuration) > 0).length
"""


def violations(
    page: Page, *, schemes: Sequence[Literal["light", "dark"]] = SCHEMES
) -> list[tuple[str, str, list[str]]]:
    """Return what axe objects to in light and dark mode: colour scheme, rule and elements."""
    found: list[tuple[str, str, list[str]]] = []
    if page.evaluate("typeof axe") == "undefined":
        page.evaluate(AXE_SCRIPT)
    for scheme in schemes:
        # Motion is reduced, because axe misjudges the contrast while colours are fading.
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        found += [
            (scheme, rule["id"], [node["html"] for node in rule["nodes"]])
            for rule in page.evaluate(RUN_AXE, WCAG)
        ]
    return found


def check_staff_page(page: Page, name: str) -> None:
    """Check with axe on a desktop and on a phone, in light and dark, and the widths and overlaps.

    In French, axe checks only the phone in light, because only the words differ from the English
    page, and they are tightest there.
    """
    is_translated = page.locator("html").get_attribute("lang") == "fr-CA"
    for width in (PHONE,) if is_translated else (DESKTOP, PHONE):
        page.set_viewport_size({"width": width, "height": 800})
        assert violations(page, schemes=SCHEMES[:1] if is_translated else SCHEMES) == [], name
        assert page.evaluate(OVERLAPPING) == [], (name, width)
    page.set_viewport_size({"width": SMALL_PHONE, "height": 640})
    assert width_of(page) <= SMALL_PHONE, name
    assert page.evaluate(OVERLAPPING) == [], (name, SMALL_PHONE)
    page.set_viewport_size({"width": DESKTOP, "height": 800})


def width_of(page: Page) -> int:
    """Return the page's width; a page wider than the window has to be scrolled sideways."""
    width: int = page.evaluate("document.documentElement.scrollWidth")
    return width
