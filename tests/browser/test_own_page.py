"""A donor sees all their gifts through a one-time link, without account or password."""

import pytest
from playwright.sync_api import expect

from tests.browser import steps
from tests.browser.conftest import OpenPage, on_both_databases

pytestmark = on_both_databases


@pytest.mark.parametrize(
    ("language", "subject", "show", "done"),
    [
        ("en", "Your link to see your gifts", "Show my gifts", "You’re done"),
        ("fr", "Votre lien pour voir vos dons", "Afficher mes dons", "C’est terminé"),
    ],
)
def test_an_email_leads_to_all_gifts(
    open_page: OpenPage, language: str, subject: str, show: str, done: str
) -> None:
    """From any e-mail, a donor gets to all gifts with a link that works once."""
    page = open_page()
    steps.give(page, "interac", language=language)
    page.wait_for_url("**/gifts/**")
    reference = steps.reference_on(page)
    steps.open_letter(page, reference)
    with page.expect_popup() as popup:
        page.frame_locator("iframe").locator("a[href$='/my-gifts']").click()
    gifts = popup.value
    gifts.wait_for_load_state()
    steps.press_and_open_link(gifts, subject)
    link = gifts.url
    gifts.get_by_role("button", name=show).click()
    gifts.wait_for_url("**/my-gifts?**")
    expect(gifts.locator(".months li")).to_have_count(1)
    gifts.locator(".months a").click()
    assert steps.reference_on(gifts) == reference
    gifts.go_back()
    gifts.locator("form[action^='/my-gifts/done'] button").click()
    expect(gifts.locator(".notice")).to_contain_text(done)
    gifts.goto(link)
    expect(gifts.locator("#email")).to_be_visible()
    assert gifts.locator(".months").count() == 0


def test_the_give_form_leads_there(open_page: OpenPage) -> None:
    """From the Give form, a donor asks for a link by typing the address; a wrong one is told."""
    page = open_page()
    page.goto("/give/LWCAN?lang=en")
    page.locator("a[href^='/my-gifts']").click()
    page.locator("#email").fill("nobody at all")
    page.locator("#ask-form button.button-big").click()
    expect(page.locator("#email-error")).to_be_visible()
    expect(page.locator("#email")).to_have_value("nobody at all")
    page.locator("#email").fill("nobody@example.org")
    page.keyboard.press("Enter")
    page.wait_for_url("**asked=yes**")
    expect(page.locator(".notice")).to_contain_text("a link is on its way")
