"""The Give dialog's looks: sizes, colour schemes, zoom, and pages with hostile or strict rules."""

import json
import re
from typing import Any, Literal

import pytest
from playwright.sync_api import Page, expect

from tests.browser import embed_pages as host
from tests.browser.appearance import SCHEMES, violations, width_of
from tests.browser.conftest import Demo, OpenPage
from tests.browser.host_site import HostSite

LIGHT_OR_DARK = "<style>:root { color-scheme: light dark; background: canvas }</style>"
in_both_languages = pytest.mark.parametrize("language", ["en", "fr"])

# What a page may do to all its elements.
HOSTILE = """<style>
* { all: unset !important; display: none !important; color: lime !important;
    font: 40px/3 fantasy !important; letter-spacing: 1em !important; margin: 50px !important;
    text-transform: uppercase !important; direction: rtl !important; opacity: .1 !important; }
html, body, main, p { display: block !important; opacity: 1 !important; }
html { font-size: 5px !important; } body { transform: rotate(5deg); visibility: hidden; }
span { position: absolute !important; width: 5px !important; visibility: hidden !important; }
dialog, form, button, input { visibility: hidden !important; pointer-events: none !important; }
</style>"""
STRICT = (
    "default-src 'none'; script-src {0}; connect-src {0}; base-uri 'none'; form-action 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)
# JavaScript that returns the dialog's element, and its visible boxes in pixels and colours.
DIALOG = """[...document.querySelectorAll("span")].map((each) => each.shadowRoot)
  .map((root) => root?.querySelector("dialog")).find(Boolean)"""
BOXES = f"""() => [...({DIALOG}).querySelectorAll("*")].map((each) => {{
  const {{ x, y, width, height }} = each.getBoundingClientRect();
  const {{ color, backgroundColor, fontSize, fontFamily, letterSpacing }} = getComputedStyle(each);
  return [each.tagName, ...[x, y, width, height].map(Math.round), color, backgroundColor, fontSize,
    fontFamily, letterSpacing, getComputedStyle(each).visibility];
}})"""
# JavaScript that returns all words in the dialog, also those that are only read aloud.
ALL_WORDS = f"""() => [({DIALOG}).textContent, ...[...({DIALOG}).querySelectorAll("*"), {DIALOG}]
  .map((each) => each.getAttribute("aria-label") ?? "")].join("\\n")"""


@in_both_languages
@pytest.mark.parametrize("width", [320, 390, 1280])
def test_axe_finds_nothing(
    open_page: OpenPage, demo: Demo, site: HostSite, width: int, language: str
) -> None:
    """The dialog meets WCAG 2.2 AA, empty, with errors and monthly, in light and in dark."""
    page = open_page(viewport={"width": width, "height": 844})
    host.Host(page, demo, site).show(
        host.button(demo, "data-theme='filled'"), head=LIGHT_OR_DARK, language=language
    )
    assert violations(page) == []
    host.click_button(page)
    assert violations(page) == []
    host.submit(page).click()
    page.locator("[value=monthly]").check()
    expect(page.locator("#name-error")).not_to_be_empty()
    assert violations(page) == []
    assert width_of(page) <= width
    assert host.dialog_of(page).evaluate("each => each.scrollWidth - each.clientWidth") == 0


@pytest.mark.parametrize("theme", ["filled", "outline", "plain"])
def test_axe_finds_nothing_in_the_buttons(
    open_page: OpenPage, demo: Demo, site: HostSite, theme: str
) -> None:
    """The button of each theme meets WCAG 2.2 AA, and is as high as a finger."""
    page = open_page()
    body = host.button(demo, f"data-theme='{theme}'")
    host.Host(page, demo, site).show(body, head=LIGHT_OR_DARK)
    link = page.locator("a[data-donate]")
    expect(link).to_have_css("min-height", "44px")
    assert violations(page) == []


@pytest.mark.parametrize("scheme", SCHEMES)
def test_forced_colours(
    open_page: OpenPage, demo: Demo, site: HostSite, scheme: Literal["light", "dark"]
) -> None:
    """With forced colours, the chosen amount and mode differ, and axe finds nothing."""
    page = open_page(forced_colors="active", color_scheme=scheme)
    body = host.button(demo, "data-theme='filled'")
    host.Host(page, demo, site).show(body, head=LIGHT_OR_DARK)
    host.click_button(page)
    page.locator("[name=preset]").nth(1).check()
    for name in ("preset", "mode"):
        label = "each => getComputedStyle(each.labels[0]).backgroundColor"
        chosen = page.locator(f"[name={name}]:checked").evaluate(label)
        other = page.locator(f"[name={name}]:not(:checked)").first.evaluate(label)
        assert chosen != other
    assert violations(page, schemes=(scheme,)) == []


@in_both_languages
@pytest.mark.parametrize(("width", "height"), [(390, 844), (1280, 900)])
def test_nothing_is_below_the_fold(
    open_page: OpenPage, demo: Demo, site: HostSite, width: int, height: int, language: str
) -> None:
    """All of the dialog is in sight on a phone and on a laptop, in the highest of its states."""
    page = open_page(viewport={"width": width, "height": height})
    host.Host(page, demo, site).show(host.button(demo), language=language)
    dialog = host.click_button(page)
    for value in ("interac", "giving_code", "monthly"):
        page.locator(f"[value={value}]").check()
        assert dialog.evaluate("each => each.scrollHeight - each.clientHeight") == 0
        box = dialog.bounding_box()
        assert box
        assert box["y"] >= 0
        assert box["y"] + box["height"] <= height
    expect(page.locator("[role=status]")).not_to_be_empty()


def test_zoomed_to_200_percent(open_page: OpenPage, demo: Demo, site: HostSite) -> None:
    """At 200 % on a laptop, Close and Give stay in sight and every field can be reached."""
    page = open_page(viewport={"width": 640, "height": 450}, device_scale_factor=2)
    host.Host(page, demo, site).show(host.button(demo), head=LIGHT_OR_DARK)
    host.click_button(page)
    for field in ("amount", "name", "email"):
        page.locator(f"[name={field}]").focus()
        assert uncovered(page, f"[name={field}]")
        assert uncovered(page, ".top button")
        assert uncovered(page, ".end button")
    assert violations(page) == []


def uncovered(page: Page, selector: str) -> bool:
    """Return whether the middle of the element is in sight and nothing lies over it."""
    return bool(
        page.locator(f"dialog {selector}").evaluate("""each => {
            const { x, y, width, height } = each.getBoundingClientRect();
            return each.getRootNode().elementFromPoint(x + width / 2, y + height / 2) === each;
        }""")
    )


@pytest.mark.parametrize("theme", ["filled", ""])
def test_hostile_rules_of_the_page(
    open_page: OpenPage, demo: Demo, site: HostSite, theme: str
) -> None:
    """No rule of the host page moves, hides or colours anything in the dialog."""
    page = open_page()
    shown = []
    for head in ("", HOSTILE):
        attributes = f"data-theme='{theme}'" if theme else ""
        host.Host(page, demo, site).show(host.button(demo, attributes), head=head)
        page.wait_for_load_state("networkidle")
        page.locator("a[data-donate]").evaluate("each => each.click()")
        page.locator("dialog[open]").wait_for(state="attached")
        shown.append(page.evaluate(BOXES))
    assert len(shown[0]) > 40
    assert [pair for pair in zip(*shown, strict=True) if pair[0] != pair[1]] == []


def test_the_host_page_stays_as_it_was(open_page: OpenPage, demo: Demo, site: HostSite) -> None:
    """The dialog changes no style of the host page, and leaves nothing behind in it."""
    page = open_page()
    below = "<p style='height: 3000px'></p>"
    host.Host(page, demo, site).show(host.button(demo) + below)
    page.wait_for_load_state("networkidle")
    page.evaluate("scrollTo(0, 20)")
    state = """() => [document.documentElement.outerHTML, scrollY,
      document.adoptedStyleSheets.length, Object.keys(globalThis).length]"""
    before = page.evaluate(state)
    page.locator("a[data-donate]").evaluate("each => each.click()")
    page.locator("dialog").wait_for()
    page.mouse.move(195, 20)
    page.mouse.wheel(0, 500)
    page.wait_for_timeout(200)
    assert page.evaluate("scrollY") == 20
    page.locator(".top button").click()
    page.locator("dialog").wait_for(state="detached")
    after = page.evaluate(state)
    after[0] = after[0].replace(' style=""', "")  # an empty attribute stays
    assert after == before


def test_a_strict_policy(open_page: OpenPage, demo: Demo, site: HostSite) -> None:
    """Under a strict policy with trusted types, the dialog works and violates nothing."""
    page = open_page()
    console = host.read_console(page)
    policy = STRICT.format(demo.service)
    host.Host(page, demo, site).show(host.button(demo, "data-theme='filled'"), policy=policy)
    host.click_button(page)
    host.fill_in(page, "card")
    expect(host.submit(page)).to_have_css("background-color", "rgb(154, 59, 31)")
    page.keyboard.press("Escape")
    assert [line for line in console if "Content Security Policy" in line] == []


def test_every_word_is_translated(open_page: OpenPage, demo: Demo, site: HostSite) -> None:
    """Each text has an English and a French form, and the French dialog has no English one."""
    table = host.SCRIPT.read_text(encoding="utf-8").split("const WORDS = {")[1].split("\n};")[0]
    pairs = re.findall(r'(\w+): \[("[^"]+"),\s+("[^"]+")\]', table)
    assert len(pairs) == len(re.findall(r"^  \w+:", table, re.MULTILINE)) > 10
    page = open_page()
    host.Host(page, demo, site).show(host.button(demo), language="fr")
    host.click_button(page)
    host.submit(page).click()
    page.locator("[value=interac]").check()
    page.locator("[value=monthly]").check()
    shown = page.evaluate(ALL_WORDS)
    region: dict[str, Any] = page.request.get(f"{demo.service}/api/v1/regions/LWCAN").json()
    texts = [mode[key] for mode in region["modes"] for key in ("name", "help", "not_monthly")]
    english = [json.loads(each) for _, each, _ in pairs] + [each["en"] for each in texts if each]
    assert "Comment souhaitez-vous donner?" in shown
    assert "Pour les dons uniques seulement." in shown
    assert [each for each in english if re.search(rf"(?<!\w){re.escape(each)}(?!\w)", shown)] == []
