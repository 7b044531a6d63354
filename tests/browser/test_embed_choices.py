"""What donors choose in the dialog: amounts for each frequency, and a fund; on both databases."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser import embed_pages as host
from tests.browser.conftest import Demo, OpenPage, on_both_databases
from tests.browser.host_site import HostSite

pytestmark = on_both_databases

ONCE, MONTHLY = ["$25", "$50", "$100", "$150", "$250"], ["$10", "$20", "$35", "$50", "$100"]


def offered(page: Page) -> list[str]:
    """Return the amounts that the dialog offers."""
    return page.locator("label:has([name=preset])").all_inner_texts()


def choose(page: Page, name: str, value: str) -> None:
    page.locator(f"[name={name}][value='{value}']").check()


def test_each_frequency_has_its_amounts(open_page: OpenPage, demo: Demo) -> None:
    """The dialog offers other amounts for monthly gifts, as the Give page does."""
    page = open_page()
    page.goto("/give/LWCAN")
    shown = [
        page.locator(f".amounts-{each} label").all_inner_texts() for each in ("once", "monthly")
    ]
    page.goto(f"{demo.example}/")
    host.click_button(page)
    assert offered(page) == ONCE == shown[0][:-1]
    choose(page, "frequency", "monthly")
    assert offered(page) == MONTHLY
    page.goto("/give/LWCAN?frequency=monthly")
    assert page.locator(".amounts-monthly label").all_inner_texts()[:-1] == MONTHLY


def test_an_amount_stays_when_the_frequency_changes(open_page: OpenPage, demo: Demo) -> None:
    """The chosen amount stays: as a button if the frequency offers it, otherwise in the field."""
    page = open_page()
    page.goto(f"{demo.example}/")
    host.click_button(page)
    amount = page.locator("[name=amount]")
    choose(page, "preset", "5000")
    choose(page, "frequency", "monthly")
    expect(page.locator("[name=preset][value='5000']")).to_be_checked()
    expect(host.submit(page)).to_have_text("Give $50 every month")
    choose(page, "frequency", "once")
    choose(page, "preset", "25000")
    choose(page, "frequency", "monthly")
    expect(page.locator("[name=preset]:checked")).to_have_count(0)
    expect(amount).to_have_value("250")
    expect(host.submit(page)).to_have_text("Give $250 every month")
    choose(page, "frequency", "once")
    expect(page.locator("[name=preset][value='25000']")).to_be_checked()
    expect(amount).to_have_value("")
    amount.fill("12.34")
    choose(page, "frequency", "monthly")
    expect(amount).to_have_value("12.34")
    expect(host.submit(page)).to_have_text("Give $12.34 every month")


def test_a_link_with_a_monthly_amount(open_page: OpenPage, demo: Demo, site: HostSite) -> None:
    """An amount that only monthly gifts offer is a button if the link is for a monthly gift."""
    page = open_page()
    for frequency, count in (("monthly", 1), ("once", 0)):
        body = host.button(demo, f"data-amount='35' data-frequency='{frequency}'")
        host.Host(page, demo, site).show(body)
        host.click_button(page)
        expect(page.locator("[name=preset]:checked")).to_have_count(count)
        expect(page.locator("[name=amount]")).to_have_value("" if count else "35")


@pytest.mark.parametrize("language", ["en", "fr"])
def test_a_donor_chooses_a_fund(open_page: OpenPage, demo: Demo, language: str) -> None:
    """The fund that a donor chooses in the dialog stands on the page of the recorded gift."""
    page = open_page()
    page.goto(f"{demo.example}/{'fr' if language == 'fr' else ''}")
    host.click_button(page)
    fund = page.get_by_role("combobox", name="Pour" if language == "fr" else "For", exact=True)
    names = [
        "Là où c’est le plus utile",
        "Repas communautaires",
        "Repas livrés aux personnes âgées",
    ]
    if language == "fr":
        assert fund.locator("option").all_inner_texts()[:3] == names
    fund.select_option("delivery")
    host.give(page, "interac")
    page.wait_for_url("**/gifts/**")
    name = names[2] if language == "fr" else "Meals delivered to seniors"
    expect(page.get_by_text(name).first).to_be_visible()


def test_the_fund_goes_along_to_the_give_page(open_page: OpenPage, demo: Demo) -> None:
    """The link to more options takes the chosen fund along."""
    page = open_page()
    page.goto(f"{demo.example}/")
    host.click_button(page)
    page.locator("[name=fund]").select_option("kitchen")
    page.locator("dialog .donate-page").click()
    page.wait_for_url("**/give/LWCAN?**")
    expect(page.locator("#fund")).to_have_value("kitchen")


def test_a_region_without_funds(open_page: OpenPage, demo: Demo, site: HostSite) -> None:
    """Without funds in the region, the dialog asks for none."""
    page = open_page()
    host.change_region(page, funds={})
    host.Host(page, demo, site).show(host.button(demo))
    host.click_button(page)
    expect(page.locator("[name=fund]")).to_have_count(0)
    host.give(page, "interac")
