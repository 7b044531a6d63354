"""A person's own account: the password, and the list of sessions."""

import re

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response

from donate.finance.staff.browsers import browser_name
from donate.finance.staff.tokens import add_token, is_staff_token
from tests.finance.finance_site import PASSWORD, FinanceSite, fields, sign_in
from tests.finance.people_site import post

ANN, ME, NEW = "ann@example.org", "/finance/me", "three loud geese"


def signed_in(site: FinanceSite, user_agent: str = "") -> TestClient:
    browser = site.browser()
    browser.headers["user-agent"] = user_agent
    assert sign_in(browser).status_code == 303
    return browser


def change(browser: TestClient, old: str = PASSWORD, new: str = NEW) -> Response:
    return post(browser, f"{ME}/password", ME, own_password=old, new_password=new)


def is_in(browser: TestClient) -> bool:
    return browser.get("/finance/gifts").status_code == 200


def test_a_person_changes_their_password(site_on_each: FinanceSite) -> None:
    """A new password ends the other sessions and the tokens, and keeps this session."""
    site = site_on_each
    site.add_staff(ANN)
    browser, other = signed_in(site), signed_in(site)
    with site.database.writing() as session:
        token = add_token(session, ANN, now=site.clock.now())
    answer = change(browser)
    assert answer.headers["location"] == f"{ME}?done=password"
    assert "Your password is changed." in browser.get(f"{ME}?done=password").text
    assert (is_in(browser), is_in(other)) == (True, False)
    with site.database.reading() as session:
        assert not is_staff_token(session, token)
    assert sign_in(site.browser()).status_code == 401
    assert sign_in(site.browser(), password=NEW).status_code == 303


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("not her password", NEW, "That password is wrong."),
        ("", NEW, "That password is wrong."),
        (PASSWORD, "short", "at least 12 characters"),
        (PASSWORD, PASSWORD, "your old password"),
        (PASSWORD, ANN, "the e-mail address as the password"),
        (PASSWORD, "x" * 501, "at most 500 characters"),
    ],
    ids=["wrong", "empty", "short", "the same", "like the address", "long"],
)
def test_a_mistake_changes_no_password(site: FinanceSite, old: str, new: str, problem: str) -> None:
    """A wrong old password, or an unusable new one, gets a sentence and changes nothing."""
    site.add_staff(ANN)
    browser, other = signed_in(site), signed_in(site)
    answer = change(browser, old, new)
    assert answer.status_code == 422
    assert problem in answer.text
    assert is_in(other)
    assert sign_in(site.browser()).status_code == 303


def test_wrong_old_passwords_are_slowed_down(site: FinanceSite) -> None:
    """After five wrong old passwords even the right one is refused for a while."""
    site.add_staff(ANN)
    browser = signed_in(site)
    for _ in range(5):
        change(browser, "not her password")
    answer = change(browser)
    assert answer.status_code == 422
    assert "Too many attempts" in answer.text
    site.wait(minutes=15)
    assert change(browser).status_code == 303


def test_sessions_are_listed_and_ended(site_on_each: FinanceSite) -> None:
    """A person sees their sessions by browser and address, ends one, and then all others."""
    site = site_on_each
    site.add_staff(ANN)
    site.add_staff("zoe@example.org")
    firefox = signed_in(site, "Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/130.0")
    phone = signed_in(site, "Mozilla/5.0 (iPhone; CPU) AppleWebKit/605 Version/18 Safari/604")
    third, zoe = signed_in(site), site.browser()
    sign_in(zoe, "zoe@example.org")
    page = firefox.get(ME)
    for text in ("Firefox, Linux", "Safari, iPhone", "Unknown browser", "203.0.113.5"):
        assert text in page.text
    names = re.findall(r'name="session" value="([0-9a-f]{16})"', page.text)
    assert len(names) == 2
    data = {"csrf": fields(page)["csrf"]}
    assert firefox.post(f"{ME}/session-ended", data=data | {"session": names[0]}).status_code == 303
    assert sorted((is_in(phone), is_in(third))) == [False, True]
    assert firefox.post(f"{ME}/sessions-ended", data=data).status_code == 303
    assert (is_in(firefox), is_in(phone), is_in(third), is_in(zoe)) == (True, False, False, True)
    acts = [act.act for act in site.acts()]
    assert acts.count("sessions_ended") == 2


def test_nobody_ends_the_sessions_of_others(site: FinanceSite) -> None:
    """A person cannot end the session of another person by sending its name."""
    site.add_staff(ANN)
    site.add_staff("zoe@example.org")
    ann, zoe, other = signed_in(site), site.browser(), signed_in(site)
    sign_in(zoe, "zoe@example.org")
    (name,) = re.findall(r'name="session" value="([0-9a-f]{16})"', ann.get(ME).text)
    assert post(zoe, f"{ME}/session-ended", ME, session=name).status_code == 303
    assert is_in(other)


@pytest.mark.parametrize(
    ("user_agent", "name"),
    [
        ("Mozilla/5.0 (Windows NT 10.0) Chrome/130.0 Safari/537.36 Edg/130.0", "Edge, Windows"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X) Chrome/130.0 Safari/537.36", "Chrome, macOS"),
        ("Mozilla/5.0 (Linux; Android 14) Chrome/130.0 Mobile Safari", "Chrome, Android"),
        ("<script>alert(1)</script>", ""),
        ("", ""),
        ("Firefox/" * 10_000, "Firefox"),
    ],
    ids=lambda text: text[:40],
)
def test_a_browser_is_named(user_agent: str, name: str) -> None:
    """A browser's name is one of a fixed list, whatever its User-Agent header says."""
    assert browser_name(user_agent) == name
