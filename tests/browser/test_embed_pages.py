"""What a web team can write on its page, and what the script says when something is wrong."""

import json

import pytest
from playwright.sync_api import Page, expect

from tests.browser import embed_pages as host
from tests.browser.conftest import Demo, OpenPage
from tests.browser.host_site import HostSite

FUNDS = {"building": {"en": "The building", "fr": "Le bâtiment"}}


def test_the_script_adds_a_button(open_page: OpenPage, demo: Demo, site: HostSite) -> None:
    """The tag alone adds a button with its label and theme, and the choice in its URL."""
    page = open_page()
    attributes = "data-code='LWCAN' data-label='Give now' data-theme='outline' data-amount='70.50'"
    more = " data-frequency='monthly' data-mode='bank_debit' data-lang='fr'"
    host.Host(page, demo, site).show(host.script(demo, attributes + more))
    link = page.get_by_role("link", name="Give now")
    expect(link).to_have_css("border-top-style", "solid")
    href = link.get_attribute("href") or ""
    assert href.startswith(f"{demo.service}/give/LWCAN?")
    assert set(href.split("?")[1].split("&")) == {
        *("amount=70.50", "frequency=monthly", "mode=bank_debit", "lang=fr-CA")
    }
    host.click_button(page)
    expect(page.locator("[name=amount]")).to_have_value("70.50")
    expect(page.locator("[name=frequency][value=monthly]")).to_be_checked()
    expect(page.locator("[name=mode][value=bank_debit]")).to_be_checked()
    expect(host.submit(page)).to_have_text("Donner 70,50 $ chaque mois")


def test_the_label_is_in_the_language_of_the_page(
    open_page: OpenPage, demo: Demo, site: HostSite
) -> None:
    """Without a label, the button says Give or Donner, like the page."""
    page = open_page()
    host.Host(page, demo, site).show(host.script(demo, "data-code='LWCAN'"), language="fr-CA")
    expect(page.get_by_role("link", name="Donner")).to_be_visible()


def test_each_of_two_tags_adds_a_button(open_page: OpenPage, demo: Demo, site: HostSite) -> None:
    """Two tags add two buttons, and each opens one dialog with its own amount."""
    page = open_page()
    tags = [host.script(demo, f"data-code='LWCAN' data-amount='{each}'") for each in (25, 70)]
    host.Host(page, demo, site).show("".join(tags))
    expect(page.locator("a[data-donate]")).to_have_count(2)
    page.locator("a[data-donate]").nth(1).click()
    expect(page.locator("dialog")).to_have_count(1)
    expect(page.locator("[name=amount]")).to_have_value("70")
    page.keyboard.press("Escape")
    page.locator("a[data-donate]").first.click()
    expect(page.locator("[name=preset][value='2500']")).to_be_checked()


def test_any_link_to_the_give_page_opens_the_dialog(
    open_page: OpenPage, demo: Demo, site: HostSite
) -> None:
    """A link that a page builder made opens the dialog, with the choice that is in its URL."""
    page = open_page()
    link = "<a href='{link}?amount=100&frequency=monthly' target='_blank'>Support us</a>"
    host.Host(page, demo, site).show(link + host.script(demo, "async"))
    page.wait_for_load_state("networkidle")
    host.click_button(page)
    expect(host.submit(page)).to_have_text("Give $100 every month")
    assert len(page.context.pages) == 1


def test_a_link_can_stay_a_link(open_page: OpenPage, demo: Demo, site: HostSite) -> None:
    """A link with the class donate-page opens the Give page."""
    page = open_page()
    link = "<a class='donate-page' href='{link}'>Give</a>"
    host.Host(page, demo, site).show(link + host.script(demo))
    page.locator(".donate-page").click()
    page.wait_for_url("**/give/LWCAN")


@pytest.mark.parametrize(
    ("attribute", "told"),
    [
        ("data-amount='lots'", 'ignores amount "lots". Known: digits as 50 or 50.25'),
        ("data-amount='0.10'", 'ignores amount "0.10"'),
        ("data-frequency='weekly'", 'ignores frequency "weekly". Known: once, monthly.'),
        ("data-mode='cheque'", 'ignores mode "cheque". Known: card, bank_debit, interac'),
        ("data-fund='roof'", 'ignores fund "roof". Known: building.'),
        ("data-lang='de'", 'ignores lang "de". Known: en-CA, fr-CA.'),
        ("data-theme='pink'", 'ignores theme "pink". Known: filled, outline, plain.'),
    ],
)
def test_a_bad_value_is_told_and_ignored(
    open_page: OpenPage, demo: Demo, site: HostSite, attribute: str, told: str
) -> None:
    """The console names a value that means nothing, and the dialog opens without it."""
    page = open_page()
    console = host.read_console(page)
    host.change_region(page, funds=FUNDS)
    host.Host(page, demo, site).show(host.button(demo, attribute))
    host.click_button(page)
    assert [line for line in console if told in line], console
    expect(page.locator("a[data-donate]")).to_have_attribute(
        "href", f"{demo.service}/give/LWCAN?lang=en-CA"
    )
    expect(host.submit(page)).to_have_text("Give")


def test_a_gift_for_a_fund(open_page: OpenPage, demo: Demo, site: HostSite) -> None:
    """The dialog names the organisation, and the fund that the page names is chosen first."""
    page = open_page()
    organisation = {"en": "Example Charity", "fr": "Organisme exemple"}
    host.change_region(page, funds=FUNDS, organisation=organisation)
    host.Host(page, demo, site).show(host.button(demo, "data-fund='building'"))
    dialog = host.click_button(page)
    expect(dialog.locator("p").first).to_have_text("Example Charity")
    expect(page.get_by_role("combobox", name="For", exact=True)).to_have_value("building")
    assert sent_fund(page) == "building"
    page.get_by_role("combobox", name="For", exact=True).select_option("Where it’s needed most")
    assert sent_fund(page) == ""


def sent_fund(page: Page) -> str:
    """Fill in the dialog and press Give; return the fund that the script sends."""
    page.route("**/api/v1/gifts", lambda route: route.fulfill(status=503, json={"title": "No."}))
    host.fill_in(page, "interac")
    with page.expect_request("**/api/v1/gifts") as sent:
        host.submit(page).click()
    fund: str = json.loads(sent.value.post_data or "{}")["fund"]
    return fund


def test_the_organisations_colours(open_page: OpenPage, demo: Demo, site: HostSite) -> None:
    """The buttons have the organisation's colours, in light and dark; the page's variables win."""
    page = open_page(color_scheme="light")
    light, dark = {"base": "#102030", "on": "#fefefe"}, {"base": "#d0e0f0", "on": "#010101"}
    host.change_region(page, accents={"light": light, "dark": dark})
    both = "<style>:root { color-scheme: light dark }</style>"
    host.Host(page, demo, site).show(host.button(demo, "data-theme='filled'"), head=both)
    link = page.locator("a[data-donate]")
    expect(link).to_have_css("background-color", "rgb(16, 32, 48)")
    expect(link).to_have_css("color", "rgb(254, 254, 254)")
    host.click_button(page)
    expect(host.submit(page)).to_have_css("background-color", "rgb(16, 32, 48)")
    page.emulate_media(color_scheme="dark")
    expect(host.submit(page)).to_have_css("background-color", "rgb(208, 224, 240)")
    page.emulate_media(color_scheme="light")
    own = "<style>:root { --donate-accent: rgb(9, 8, 7) }</style>"
    host.Host(page, demo, site).show(host.button(demo, "data-theme='filled'"), head=own)
    expect(link).to_have_css("background-color", "rgb(9, 8, 7)")


def test_a_light_page_has_a_light_dialog(open_page: OpenPage, demo: Demo, site: HostSite) -> None:
    """On a page without a dark scheme, the dialog is light even if the donor prefers dark."""
    page = open_page(color_scheme="dark")
    host.Host(page, demo, site).show(host.button(demo))
    dialog = host.click_button(page)
    expect(dialog).to_have_css("background-color", "rgb(255, 255, 255)")


def test_a_wrong_giving_code(open_page: OpenPage, demo: Demo, site: HostSite) -> None:
    """With an unknown giving code the console says so, and the link leads to the Give page."""
    page = open_page()
    console = host.read_console(page)
    host.Host(page, demo, site).show(host.script(demo, "data-code='LWXYZ'"))
    page.locator("a[data-donate]").click()
    page.wait_for_url("**/give/LWXYZ**")
    assert any("giving code LWXYZ: 404" in line for line in console), console


def test_a_policy_without_the_service(open_page: OpenPage, demo: Demo, site: HostSite) -> None:
    """If the page's policy forbids to connect, the console says so, and the link still leads on."""
    page = open_page()
    console = host.read_console(page)
    policy = f"default-src 'none'; script-src {demo.service}"
    host.Host(page, demo, site).show(host.button(demo), policy=policy)
    page.locator("a[data-donate]").click()
    page.wait_for_url("**/give/LWCAN*")
    assert any(f"connect-src name {demo.service}" in line for line in console), console


def test_in_a_frame_it_is_a_link_to_a_new_tab(
    open_page: OpenPage, demo: Demo, site: HostSite
) -> None:
    """In a frame of a page builder, the button opens the Give page in a tab of its own."""
    page = open_page()
    frame = f'<iframe srcdoc="{host.button(demo)}" width="300" height="400"></iframe>'
    host.Host(page, demo, site).show(frame)
    link = page.frame_locator("iframe").locator("a[data-donate]")
    expect(link).to_have_attribute("target", "_blank")
    with page.expect_popup() as opened:
        link.click()
    opened.value.wait_for_url("**/give/LWCAN?**")
    expect(page.frame_locator("iframe").locator("dialog")).to_have_count(0)


@pytest.mark.parametrize("keys", [["Control"], ["Meta"], ["Shift"]])
def test_a_new_tab_is_the_donors_choice(open_page: OpenPage, demo: Demo, keys: list[str]) -> None:
    """A click with a key that opens tabs or windows opens no dialog."""
    page = open_page()
    page.goto(f"{demo.example}/")
    page.locator("a[data-donate]").click(modifiers=keys)  # type: ignore[arg-type]
    no_dialog(page)


def no_dialog(page: Page) -> None:
    page.wait_for_timeout(300)
    expect(page.locator("dialog")).to_have_count(0)
