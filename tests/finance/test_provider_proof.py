"""People of an identity provider prove who they are by signing in there again."""

from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response

from donate.finance.roles import Role
from donate.finance.staff.accounts import insert_staff
from donate.storage.database import Database
from tests.finance.finance_site import NOW, OPTIONS, open_site
from tests.finance.oidc_provider import OidcProvider
from tests.finance.people_site import code_at, confirm, enter, post, with_factor
from tests.finance.provider_desk import BACK, THERE, Desk, desk_on, is_in, options_for

ANN, ME = "ann@example.org", "/finance/me"
AT = int(NOW.timestamp())


def add_ann(desk: Desk) -> None:
    """Add Ann, who has no password."""
    with desk.site.database.writing() as session:
        insert_staff(session, ANN, name="Ann Lee", role=Role.VIEWER, now=NOW)


def end_others(browser: TestClient) -> Response:
    return post(browser, f"{ME}/sessions-ended", ME)


def again(desk: Desk, browser: TestClient, **claims: Any) -> Response:
    """Sign in at the provider once more, from the link of the page that asks for a proof."""
    desk.provider.claims = claims
    leads = browser.get(THERE, params={"again": "yes", "next": f"{ME}?done=confirmed"})
    location = leads.headers["location"]
    asked = parse_qs(urlsplit(location).query)
    assert (asked["prompt"], asked["max_age"]) == (["login"], ["0"])
    return browser.get(BACK, params=desk.provider.authorize(location))


def test_a_new_sign_in_there_is_a_proof(database: Database, provider: OidcProvider) -> None:
    """A sign-in is no proof until the provider says that the person has just signed in there."""
    desk = desk_on(database, provider)
    add_ann(desk)
    browser, other = desk.browser(), desk.browser()
    desk.come_back(browser)
    desk.come_back(other)
    page = end_others(browser)
    assert page.status_code == 401
    assert f"{THERE}?again=yes&amp;next=%2Ffinance%2Fme%3Fdone%3Dconfirmed" in page.text
    assert 'name="own_password"' not in page.text
    old = browser.cookies["donate_staff"]
    answer = again(desk, browser, auth_time=AT)
    assert answer.headers["location"] == f"{ME}?done=confirmed"
    assert "please press the button again" in browser.get(f"{ME}?done=confirmed").text
    assert end_others(browser).status_code == 303
    assert (is_in(browser), is_in(other)) == (True, False)
    thief = desk.browser()
    thief.cookies.set("donate_staff", old)
    assert not is_in(thief)


@pytest.mark.parametrize(
    "claims",
    [{}, {"auth_time": AT - 61}, {"auth_time": AT + 61}, {"auth_time": str(AT)}]
    + [{"auth_time": value} for value in (-1, 1e300, True, None, [AT])],
    ids=str,
)
def test_an_old_sign_in_there_is_no_proof(desk: Desk, claims: dict[str, Any]) -> None:
    """If the provider does not say that somebody has just signed in, it is no proof."""
    add_ann(desk)
    browser = desk.browser()
    desk.come_back(browser)
    answer = again(desk, browser, **claims)
    assert answer.status_code == 401
    assert "didn’t confirm that you signed in there just now" in answer.text
    assert is_in(browser)
    assert end_others(browser).status_code == 401
    assert desk.site.refusals() == ["old sign-in at the provider"]


@pytest.mark.parametrize(("age_s", "is_fresh"), [(0, True), (299, True), (300, False)])
def test_the_provider_says_how_old_a_sign_in_is(desk: Desk, age_s: int, is_fresh: bool) -> None:
    """A sign-in at the provider counts from when the person signed in there, if it says so."""
    add_ann(desk)
    desk.provider.claims = {"auth_time": AT - age_s}
    browser = desk.browser()
    desk.come_back(browser)
    assert end_others(browser).status_code == (303 if is_fresh else 401)


def test_a_password_proves_it_as_well(desk: Desk) -> None:
    """Who signed in at the provider and has a password here may prove it with that."""
    desk.site.add_staff(ANN)
    browser = desk.browser()
    desk.come_back(browser)
    page = end_others(browser)
    assert confirm(browser, page).status_code == 303


@pytest.mark.parametrize("auth_time", [AT + 30, AT - 400])
def test_our_code_is_part_of_the_proof(
    database: Database, provider: OidcProvider, auth_time: int
) -> None:
    """With OIDC_SECOND_FACTOR=ours a proof is a new sign-in at the provider, and then our code."""
    there = options_for(provider, checks_second_factor=False)
    desk = Desk(open_site(database, options=replace(OPTIONS, provider=there)), provider)
    secret, codes = with_factor(desk.site)
    provider.claims = {"auth_time": auth_time}
    browser = desk.browser()
    assert desk.come_back(browser).headers["location"] == "/finance/sign-in/code"
    assert enter(browser, code_at(secret, desk.site.clock.now())).status_code == 303
    is_fresh = auth_time > AT
    assert end_others(browser).status_code == (303 if is_fresh else 401)
    answer = again(desk, browser, auth_time=AT + 30)
    assert answer.headers["location"] == "/finance/sign-in/code"
    assert enter(browser, codes[0]).status_code == 303
    assert end_others(browser).status_code == 303


def test_a_broken_provider_leaves_people_signed_in(desk: Desk) -> None:
    """If the provider refuses, the person stays signed in, and reads what to do."""
    add_ann(desk)
    browser = desk.browser()
    desk.come_back(browser)
    answer = again(desk, browser, nonce="another")
    assert answer.status_code == 401
    assert "didn’t sign you in" in answer.text
    assert is_in(browser)


def test_only_people_who_are_signed_in_are_asked_again(desk: Desk) -> None:
    """`again` changes nothing for others, and for those who are signed in nothing without it."""
    add_ann(desk)
    browser = desk.browser()
    location = browser.get(THERE, params={"again": "yes"}).headers["location"]
    assert "prompt" not in parse_qs(urlsplit(location).query)
    desk.come_back(browser)
    assert browser.get(THERE).headers["location"] == "/finance"
