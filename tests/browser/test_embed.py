"""The Give dialog on another site's page, with a strict content security policy."""

import pytest
from playwright.sync_api import Page, Route, expect

from donate.web.assets.static_files import StaticFile
from tests.browser import embed_pages as host, steps
from tests.browser.conftest import Demo, OpenPage


def open_dialog(open_page: OpenPage, address: str, **more: object) -> Page:
    page = open_page(**more)
    page.goto(address)
    host.click_button(page)
    return page


def test_the_script_is_small() -> None:
    """The script that other sites load is smaller than 15 kB, and half of that when compressed."""
    served = StaticFile.of(host.SCRIPT.name, host.SCRIPT.read_bytes())
    assert len(served.content) < 15_000
    assert len(served.compressed or b"") < 7_500


@pytest.mark.parametrize("language", ["en", "fr"])
def test_a_card_gift_from_another_page(open_page: OpenPage, demo: Demo, language: str) -> None:
    """A donor who gives by card in the dialog goes on to Stripe's page, and can pay there."""
    address = f"{demo.example}/{'fr' if language == 'fr' else ''}"
    page = open_dialog(open_page, address)
    expect(page.locator("dialog h2")).to_have_text("Donner" if language == "fr" else "Give")
    host.fill_in(page, "card")
    expect(host.submit(page)).to_have_text("Donner 50 $" if language == "fr" else "Give $50")
    host.submit(page).click()
    page.wait_for_url("**/pay/**")
    steps.pay(page)
    page.wait_for_url("**/gifts/**")
    steps.expect_status(page, "confirmed")
    expect(page.locator(f"html[lang^={language}]")).to_have_count(1)


def test_an_interac_gift_leads_to_its_instructions(open_page: OpenPage, demo: Demo) -> None:
    """An Interac gift leads to the page with its instructions."""
    page = open_dialog(open_page, f"{demo.example}/")
    host.give(page, "interac")
    page.wait_for_url("**/gifts/**")
    steps.reference_on(page)


def test_a_double_click_opens_one_gift(open_page: OpenPage, demo: Demo) -> None:
    """A donor who presses Give twice sends one gift, and the button asks for patience."""
    page = open_dialog(open_page, f"{demo.example}/")
    sent: list[str] = []

    def count(route: Route) -> None:
        sent.append(route.request.headers["idempotency-key"])
        # No answer yet, so that the button still waits.

    page.route("**/api/v1/gifts", count)
    host.fill_in(page, "card")
    host.submit(page).dblclick()
    expect(host.submit(page)).to_have_text("One moment…")
    host.submit(page).click()
    assert len(sent) == 1


def test_mistakes_are_reported_beside_the_fields(open_page: OpenPage, demo: Demo) -> None:
    """Each mistake has its sentence beside its field, until the donor has mended it."""
    page = open_dialog(open_page, f"{demo.example}/")
    host.submit(page).click()
    expect(page.locator("#amount-error")).to_contain_text("in digits")
    expect(page.locator("#name-error")).to_have_text("Please fill this in.")
    expect(page.locator("#email-error")).to_have_text("Please fill this in.")
    expect(page.locator("[name=amount]")).to_be_focused()
    for odd in ("1,000", "1e2", "-5", "0", "50.123", "0x10", "99999999999"):
        page.locator("[name=amount]").fill(odd)
        host.submit(page).click()
        expect(page.locator("#amount-error")).to_contain_text("in digits")
    page.locator("[name=name]").fill("Ann Lee")
    expect(page.locator("#name-error")).to_be_empty()
    expect(page.locator("#amount-error")).to_contain_text("in digits")
    page.locator("[name=preset]").first.check()
    expect(page.locator("#amount-error")).to_be_empty()
    expect(page.locator("[name=amount]")).to_have_value("")
    expect(page.locator("[aria-invalid]")).to_have_count(1)


def test_the_services_objections_are_shown_beside_the_fields(
    open_page: OpenPage, demo: Demo
) -> None:
    """What only the service can judge is reported beside its field, too."""
    page = open_dialog(open_page, f"{demo.example}/")
    host.fill_in(page, "card")
    page.locator("[name=amount]").fill("0.50")
    expect(page.locator("[name=preset]:checked")).to_have_count(0)
    host.submit(page).click()
    expect(page.locator("#amount-error")).to_contain_text(
        "minimum for this payment method is $2.00"
    )
    expect(page.locator("[name=amount]")).to_be_focused()
    expect(page.locator("[name=amount][aria-invalid]")).to_be_in_viewport()
    expect(page.locator("#amount-error")).to_be_in_viewport()
    page.locator("[name=amount]").fill("50,25")
    expect(host.submit(page)).to_have_text("Give $50.25")
    page.locator("[name=email]").fill("ann@")
    host.submit(page).click()
    expect(page.locator("#email-error")).to_contain_text("e-mail")
    expect(page.locator("[name=email]")).to_be_focused()
    expect(page.locator("[aria-invalid]")).to_have_count(1)
    assert page.url == f"{demo.example}/"


@pytest.mark.parametrize("detail", ["Please try again later.", None])
def test_a_refusal_without_a_field_is_shown(
    open_page: OpenPage, demo: Demo, detail: str | None
) -> None:
    """If the service is too busy, the dialog says so and keeps what was typed."""
    page = open_dialog(open_page, f"{demo.example}/")
    problem = {"title": "Too many requests."} | ({"detail": detail} if detail else {})
    page.route(
        "**/api/v1/gifts",
        lambda route: route.fulfill(
            status=429, json=problem, headers={"Access-Control-Allow-Origin": demo.example}
        ),
    )
    host.give(page, "card")
    expect(page.locator("#all-error")).to_have_text(detail or "Too many requests.")
    expect(page.locator("[name=email]")).to_have_value("ann@example.org")
    expect(host.submit(page)).to_have_text("Give $50")


def test_a_monthly_gift_rules_out_interac(open_page: OpenPage, demo: Demo) -> None:
    """A mode that cannot be monthly says so; it is chosen again with a one-time gift."""
    page = open_dialog(open_page, f"{demo.example}/")
    interac = page.locator("[name=mode][value=interac]")
    host.fill_in(page, "interac")
    expect(page.locator("label", has=interac)).to_contain_text("From your Canadian bank’s app")
    page.locator("[name=frequency][value=monthly]").check()
    expect(interac).to_be_disabled()
    expect(page.locator("label", has=interac)).to_contain_text("One-time gifts only.")
    expect(page.locator("[name=mode][value=card]")).to_be_checked()
    expect(page.locator("[role=status]")).to_have_text("Interac e-Transfer: one-time gifts only.")
    expect(host.submit(page)).to_have_text("Give $50 every month")
    page.locator("[name=frequency][value=once]").check()
    expect(interac).to_be_checked()
    expect(page.locator("[role=status]")).to_be_empty()


def test_more_options_are_on_the_give_page(open_page: OpenPage, demo: Demo) -> None:
    """The link in the dialog opens the Give page, filled in with the donor's choice."""
    page = open_dialog(open_page, f"{demo.example}/")
    page.locator("[name=amount]").fill("70.50")
    page.locator("[name=mode][value=bank_debit]").check()
    page.locator("[name=frequency][value=monthly]").check()
    page.locator("dialog .donate-page").click()
    page.wait_for_url("**/give/LWCAN?**")
    expect(page.locator("#amount")).to_have_value("70.5")
    expect(page.locator("#mode-bank_debit")).to_be_checked()
    expect(page.locator("#frequency-monthly")).to_be_checked()


def test_a_closed_dialog_comes_back_as_it_was(open_page: OpenPage, demo: Demo) -> None:
    """A reopened dialog still has what the donor typed, and a double click opens one dialog."""
    page = open_dialog(open_page, f"{demo.example}/")
    page.locator("[name=name]").fill("Ann Lee")
    page.keyboard.press("Escape")
    expect(page.locator("dialog")).to_have_count(0)
    page.locator("a[data-donate]").dblclick()
    expect(page.locator("dialog")).to_have_count(1)
    expect(page.locator("[name=name]")).to_have_value("Ann Lee")


def test_without_script_it_is_a_link(open_page: OpenPage, demo: Demo) -> None:
    """Without JavaScript, the link that opens the dialog leads to the Give page."""
    page = open_page(java_script_enabled=False)
    page.goto(f"{demo.example}/")
    page.locator("a[data-donate]").click()
    page.wait_for_url("**/give/LWCAN")


def test_an_unlisted_site_continues_on_the_give_page(open_page: OpenPage, demo: Demo) -> None:
    """On a site that is not in EMBED_ORIGINS, the dialog opens the Give page, filled in."""
    page = open_page()
    console = host.read_console(page)
    page.goto(f"{demo.example.replace('127.0.0.1', 'localhost')}/")
    host.click_button(page)
    host.give(page, "card")
    page.wait_for_url("**/give/LWCAN?**")
    expect(page.locator("#preset-5000")).to_be_checked()
    expect(page.locator("#mode-card")).to_be_checked()
    assert any("EMBED_ORIGINS" in line for line in console)
