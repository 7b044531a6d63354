"""The Give dialog with the keyboard, and the ways to close it."""

from playwright.sync_api import Page, expect

from tests.browser import embed_pages as host
from tests.browser.conftest import Demo, OpenPage
from tests.browser.host_site import HostSite

# JavaScript that returns the name of the focused field or the text of the focused element.
FOCUSED = """() => {
  let at = document.activeElement;
  while (at?.shadowRoot?.activeElement) at = at.shadowRoot.activeElement;
  return at?.name || at?.getAttribute("aria-label") || at?.textContent.slice(0, 20);
}"""
LISTENS = """<script>
addEventListener("keydown", ({ key }) => { document.title += key; });
</script>"""


def press(page: Page, *keys: str) -> str:
    """Press these keys, and return what has the focus then."""
    for key in keys:
        page.keyboard.press(key)
    return str(page.evaluate(FOCUSED))


def test_a_gift_with_the_keyboard_alone(open_page: OpenPage, demo: Demo) -> None:
    """A donor opens the dialog, chooses, types and gives without touching the mouse."""
    page = open_page()
    page.goto(f"{demo.example}/")
    page.wait_for_load_state("networkidle")
    assert press(page, "Tab") == "Give"
    page.keyboard.press("Enter")
    expect(page.locator("dialog")).to_be_visible()
    assert press(page) == "frequency"
    assert press(page, "ArrowRight") == "frequency"
    assert press(page, "Tab", "ArrowRight", "ArrowRight") == "preset"
    assert press(page, "Tab") == "amount"
    assert press(page, "Tab", "ArrowDown") == "fund"
    assert press(page, "Tab", "ArrowDown") == "mode"
    expect(page.locator("[name=mode][value=bank_debit]")).to_be_checked()
    assert press(page, "Tab") == "Another country or m"
    assert press(page, "Tab") == "name"
    page.keyboard.type("Ann Lee")
    assert press(page, "Tab") == "email"
    page.keyboard.type("ann@example.org")
    assert press(page, "Tab") == "Give $35 every month"[:20]
    page.keyboard.press("Enter")
    page.wait_for_url("**/pay/**")


def test_the_focus_stays_in_the_dialog(open_page: OpenPage, demo: Demo, site: HostSite) -> None:
    """However often a donor presses Tab, nothing behind the dialog gets the focus."""
    page = open_page()
    others = "<a href='#'>Before</a><button>After</button><input name='behind'>"
    host.Host(page, demo, site).show(others + host.button(demo))
    host.click_button(page)
    focused = [press(page, key) for key in ["Tab"] * 14 + ["Shift+Tab"] * 14]
    assert {"amount", "name", "email", "Close", "Give"} <= set(focused)
    assert {"Before", "After", "behind"}.isdisjoint(focused)


def test_the_focus_is_visible(open_page: OpenPage, demo: Demo) -> None:
    """Each field and button that has the focus has an outline, on itself or on its label."""
    page = open_page()
    page.goto(f"{demo.example}/")
    page.locator("a[data-donate]").focus()
    page.keyboard.press("Enter")
    expect(page.locator("dialog")).to_be_visible()
    for key in ["Shift+Tab", *["Tab"] * 8]:
        page.keyboard.press(key)
        assert page.locator("dialog :focus").evaluate("""each => {
            const { outlineWidth, outlineStyle } = getComputedStyle(each.closest("label") ?? each);
            return [outlineWidth, outlineStyle];
        }""") == ["3px", "solid"]


def test_escape_closes_and_returns_the_focus(open_page: OpenPage, demo: Demo) -> None:
    """Escape closes the dialog, and returns the focus to the button."""
    page = open_page()
    page.goto(f"{demo.example}/")
    page.locator("a[data-donate]").focus()
    page.keyboard.press("Enter")
    expect(page.locator("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("dialog")).to_have_count(0)
    expect(page.locator("a[data-donate]")).to_be_focused()


def test_a_click_beside_the_dialog_closes_it(open_page: OpenPage, demo: Demo) -> None:
    """A click on the backdrop closes the dialog; one inside it, or one that began there, does not.

    What was typed is still there when the dialog opens again.
    """
    page = open_page(viewport={"width": 1280, "height": 900})
    page.goto(f"{demo.example}/")
    dialog = host.click_button(page)
    page.locator("[name=name]").fill("Ann Lee")
    box = dialog.bounding_box()
    assert box
    page.mouse.click(box["x"] + 8, box["y"] + 300)
    page.mouse.click(box["x"] + 200, box["y"] + 30)
    field = page.locator("[name=name]").bounding_box()
    assert field
    page.mouse.move(field["x"] + 20, field["y"] + 10)
    page.mouse.down()
    page.mouse.move(100, 600)
    page.mouse.up()
    expect(dialog).to_be_visible()
    page.mouse.click(100, 600)
    expect(dialog).to_have_count(0)
    host.click_button(page)
    expect(page.locator("[name=name]")).to_have_value("Ann Lee")


def test_close_is_always_in_sight(open_page: OpenPage, demo: Demo) -> None:
    """On a low screen the button Close stays in sight while the dialog scrolls, and closes it."""
    page = open_page(viewport={"width": 390, "height": 480})
    page.goto(f"{demo.example}/")
    dialog = host.click_button(page)
    dialog.evaluate("each => each.scrollTo(0, 1000)")
    closer = page.get_by_role("button", name="Close")
    expect(closer).to_be_in_viewport(ratio=1)
    expect(host.submit(page)).to_be_in_viewport(ratio=1)
    closer.click()
    expect(dialog).to_have_count(0)
    expect(page.locator("a[data-donate]")).to_be_focused()


def test_typing_reaches_no_shortcut_of_the_page(
    open_page: OpenPage, demo: Demo, site: HostSite
) -> None:
    """The host page does not see what a donor types into the dialog."""
    page = open_page()
    host.Host(page, demo, site).show(host.button(demo), head=LISTENS)
    host.click_button(page)
    page.locator("[name=name]").press_sequentially("Ann/?")
    assert page.title() == "A page"
    page.keyboard.press("Escape")
    page.keyboard.press("x")
    assert page.title() == "A pagex"
