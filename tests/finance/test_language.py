"""Staff read pages in the language they chose, before and after they sign in."""

import re

import pytest
from fastapi.testclient import TestClient

from donate.finance.roles import Role
from donate.web.languages import LANGUAGE_COOKIE
from tests.finance.finance_site import PASSWORD, FinanceSite, csrf, fields, sign_in

FRENCH, ENGLISH = "fr-CA", "en-CA"


def language_on(page: str) -> str:
    match = re.search(r'<html lang="([^"]+)">', page)
    assert match
    return match[1]


def switch_to(browser: TestClient, language: str, page: str = "/finance/gifts") -> str:
    """Send a page's form to choose a language, and return the URL to which that redirects."""
    form = fields(browser.get(page)) | {"language": language}
    answer = browser.post("/finance/language", data=form)
    assert answer.status_code == 303
    return answer.headers["location"]


def test_the_filter_value_that_was_meant_is_translated(site: FinanceSite) -> None:
    """A French page names the value as its list of choices does."""
    browser = site.signed_in()
    switch_to(browser, FRENCH)
    page = browser.get("/finance/gifts?status=confirmd")
    assert "Vouliez-vous écrire «\u00a0Confirmé\u00a0»?" in page.text


@pytest.mark.parametrize("role", list(Role))
def test_staff_choose_their_own_language(site_on_each: FinanceSite, role: Role) -> None:
    """The switch changes the language of all pages for one person, and shows the page again."""
    site = site_on_each
    browser, other = site.signed_in(role), site.signed_in(role, "other@example.org")
    assert language_on(browser.get("/finance").text) == ENGLISH
    page = "/finance/gifts?status=awaited&by=received"
    assert switch_to(browser, FRENCH, page) == page
    assert language_on(browser.get("/finance").text) == FRENCH
    assert language_on(other.get("/finance").text) == ENGLISH
    assert site.staff(f"{role}@example.org").language == FRENCH
    act = site.acts()[-1]
    assert (act.act, act.detail) == ("language_chosen", {"language": FRENCH})
    switch_to(browser, ENGLISH)
    assert language_on(browser.get("/finance").text) == ENGLISH


def test_the_switch_returns_from_a_form_to_its_page(site: FinanceSite) -> None:
    """On a page with a refused form, the language switch leads to the page that has the form."""
    browser, gift = site.signed_in(), site.gift()
    form = {"csrf": csrf(browser)}
    answer = browser.post(f"/finance/gifts/{gift.id}/received", data=form)
    assert answer.status_code == 422
    assert fields(answer)["next"] == f"/finance/gifts/{gift.id}"


@pytest.mark.parametrize("language", ["", "fr", "de-DE", "fr-CA\0"])
def test_an_unknown_language_changes_nothing(site: FinanceSite, language: str) -> None:
    """Choosing a language that the pages do not have changes nothing, and is not recorded."""
    browser = site.signed_in(email="ann@example.org")
    switch_to(browser, FRENCH)
    switch_to(browser, language)
    assert site.staff("ann@example.org").language == FRENCH
    assert [act.act for act in site.acts()].count("language_chosen") == 1


def test_the_switch_leads_to_no_other_site(site: FinanceSite) -> None:
    """If the page to return to is not a staff page, the switch leads to the overview."""
    browser = site.signed_in()
    form = {"csrf": csrf(browser), "language": FRENCH, "next": "//evil.example/finance"}
    assert browser.post("/finance/language", data=form).headers["location"] == "/finance"


@pytest.mark.parametrize(
    ("accepts", "address", "language"),
    [
        ("", "/finance/sign-in", ENGLISH),
        ("fr-FR,fr;q=0.9,en;q=0.5", "/finance/sign-in", FRENCH),
        ("de", "/finance/sign-in", ENGLISH),
        ("fr", "/finance/sign-in?lang=en-CA", ENGLISH),
        ("en", "/finance/sign-in?lang=fr-CA", FRENCH),
        ("en", "/finance/sign-in?lang=xx", ENGLISH),
    ],
)
def test_the_sign_in_page_is_in_the_language_of_the_browser(
    site: FinanceSite, accepts: str, address: str, language: str
) -> None:
    """The sign-in page is in the language that its switch chose, otherwise in the browser's."""
    page = site.browser().get(address, headers={"accept-language": accepts})
    assert language_on(page.text) == language


def test_the_sign_in_page_remembers_the_language(site: FinanceSite) -> None:
    """A language chosen on the sign-in page stays after a mistake, and becomes the person's own."""
    site.add_staff()
    browser = site.browser()
    form = fields(browser.get("/finance/sign-in?lang=fr-CA&next=/finance/gifts"))
    typed = form | {"email": "ann@example.org"}
    wrong = browser.post("/finance/sign-in", data=typed | {"password": "wrong"})
    assert (wrong.status_code, language_on(wrong.text)) == (401, FRENCH)
    assert site.staff("ann@example.org").language == ENGLISH
    assert browser.post("/finance/sign-in", data=typed | {"password": PASSWORD}).is_redirect
    assert site.staff("ann@example.org").language == FRENCH
    assert language_on(browser.get("/finance").text) == FRENCH
    browser.post("/finance/sign-out", data={"csrf": csrf(browser)})
    assert language_on(browser.get("/finance/sign-in").text) == FRENCH


def test_a_sign_in_without_a_choice_keeps_the_own_language(site: FinanceSite) -> None:
    """A sign-in in a browser of another language does not change the person's own choice."""
    site.add_staff()
    browser = site.browser()
    browser.headers["accept-language"] = "fr"
    assert sign_in(browser).is_redirect
    assert language_on(browser.get("/finance").text) == ENGLISH
    assert browser.cookies[LANGUAGE_COOKIE] == ENGLISH


def test_errors_are_in_the_language(site: FinanceSite) -> None:
    """Pages about refusals and errors are in the language of the person or of the browser."""
    browser, stranger = site.signed_in(Role.VIEWER), site.browser()
    switch_to(browser, FRENCH)
    stranger.cookies.set(LANGUAGE_COOKIE, FRENCH)
    refused = browser.get("/finance/trail")
    assert (refused.status_code, language_on(refused.text)) == (403, FRENCH)
    assert "Votre rôle ne vous le permet pas." in refused.text
    for someone in (browser, stranger):
        wrong_method = someone.delete("/finance/gifts")
        assert (wrong_method.status_code, language_on(wrong_method.text)) == (405, FRENCH)
        missing = someone.get("/finance/nowhere")
        assert (missing.status_code, language_on(missing.text)) == (404, FRENCH)
    missing = browser.get("/finance/gifts/nowhere")
    assert (missing.status_code, language_on(missing.text)) == (404, FRENCH)
    assert "Nous n’avons pas trouvé ce que vous cherchez." in missing.text
