"""Who changes how somebody signs in proves first who they are, with all that signing in needs."""

import re
from dataclasses import replace
from datetime import timedelta

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response

from donate.finance.models import Staff
from donate.finance.roles import Role
from donate.finance.sessions import start_session
from donate.storage.database import Database
from tests.finance.finance_site import (
    NOW,
    OPTIONS,
    PASSWORD,
    FinanceSite,
    csrf,
    fields,
    open_site,
    sign_in,
)
from tests.finance.people_site import (
    STEP_S,
    add_admin,
    code_at,
    confirm,
    enter,
    half_signed_in,
    number_of,
    post,
    with_factor,
)
from tests.finance.staff_routes import about_nothing, every_route

ANN, ME = "ann@example.org", "/finance/me"
ASKED = "Confirm that it’s you"
# The form for a new password has the old one and the code in it.
PROVES_ITSELF = {f"{ME}/password", f"{ME}/confirmed"}


def two_sessions(site: FinanceSite) -> tuple[TestClient, TestClient]:
    """Return two browsers in which Ann is signed in."""
    site.add_staff(ANN)
    browsers = site.browser(), site.browser()
    for browser in browsers:
        assert sign_in(browser).status_code == 303
    return browsers


def end_others(browser: TestClient) -> Response:
    return post(browser, f"{ME}/sessions-ended", ME)


def is_in(browser: TestClient) -> bool:
    return browser.get("/finance/gifts").status_code == 200


def test_every_form_about_signing_in_asks(site: FinanceSite) -> None:
    """Each form on the pages of one's own account and of people asks for a fresh proof."""
    paths = {
        route.path
        for route in every_route()
        if route.path.startswith((f"{ME}/", "/finance/people")) and "POST" in (route.methods or ())
    }
    assert len(paths - PROVES_ITSELF) >= 14
    admin = site.signed_in(Role.ADMIN)
    site.wait(minutes=5)
    data = {"csrf": csrf(admin)}
    for path in paths - PROVES_ITSELF:
        answer = admin.post(about_nothing(path), data=data)
        assert (answer.status_code, ASKED in answer.text) == (401, True), path
    assert [act.act for act in site.acts()] == ["staff_added"]


@pytest.mark.parametrize(("after_s", "is_fresh"), [(0, True), (299, True), (300, False)])
def test_a_proof_lasts_five_minutes(site: FinanceSite, after_s: int, is_fresh: bool) -> None:
    """Signing in is a proof, and so it is not asked for again within five minutes."""
    browser, other = two_sessions(site)
    site.wait(seconds=after_s)
    answer = end_others(browser)
    assert answer.status_code == (303 if is_fresh else 401)
    assert is_in(other) != is_fresh


def test_the_form_is_carried_out_after_the_proof(site_on_each: FinanceSite) -> None:
    """After the proof, what was asked for is done, in a session that has a new token."""
    site = site_on_each
    browser, other = two_sessions(site)
    site.wait(minutes=5)
    page = end_others(browser)
    old = browser.cookies["donate_staff"]
    answer = confirm(browser, page)
    assert answer.headers["location"] == f"{ME}?done=sessions"
    assert (is_in(browser), is_in(other)) == (True, False)
    thief = site.browser()
    thief.cookies.set("donate_staff", old)
    assert not is_in(thief)
    assert end_others(browser).status_code == 303, "the proof lasts for a while"


@pytest.mark.parametrize("typed", [{}, {"own_password": ""}, {"own_password": "not hers"}])
def test_a_wrong_password_changes_nothing(site_on_each: FinanceSite, typed: dict[str, str]) -> None:
    """A wrong password gets a sentence, is recorded, is not shown again, and changes nothing."""
    site = site_on_each
    browser, other = two_sessions(site)
    site.wait(minutes=5)
    page = end_others(browser)
    data = {"csrf": fields(page)["csrf"], "then": f"{ME}/sessions-ended"} | typed
    answer = browser.post(f"{ME}/confirmed", data=data)
    assert answer.status_code == 401
    assert "That password is wrong." in answer.text
    assert "not hers" not in answer.text
    assert is_in(other)
    assert site.refusals() == ["wrong proof"]
    assert confirm(browser, answer).status_code == 303, "the form was kept"
    assert not is_in(other)


def test_the_code_is_part_of_the_proof(site_on_each: FinanceSite) -> None:
    """Who has a second factor proves both, and a code that was used proves nothing."""
    site = site_on_each
    secret, _ = with_factor(site)
    used = code_at(secret, site.clock.now())
    browser = half_signed_in(site)
    assert enter(browser, used).status_code == 303
    site.wait(minutes=5)
    page = post(browser, f"{ME}/second-factor/removed", f"{ME}/second-factor")
    for wrong in ({}, {"own_code": "000000"}, {"own_code": used}):
        answer = confirm(browser, page, **wrong)
        assert answer.status_code == 401
        assert "That code is wrong" in answer.text
    half_signed_in(site)  # it asks for a code, so the second factor is still there
    code = code_at(secret, site.clock.now())
    assert confirm(browser, page, own_password="wrong", own_code=code).status_code == 401
    answer = confirm(browser, page, own_code=code)
    assert answer.headers["location"] == f"{ME}?done=factor-removed"
    assert sign_in(site.browser()).headers["location"] == "/finance/gifts"


def test_a_recovery_code_proves_it_too(site: FinanceSite) -> None:
    """Who lost the phone proves with a recovery code that it is them, once."""
    _, codes = with_factor(site)
    browser = half_signed_in(site)
    enter(browser, codes[0])
    site.wait(minutes=5)
    page = post(browser, f"{ME}/second-factor/codes", f"{ME}/second-factor")
    assert confirm(browser, page, own_code=codes[0]).status_code == 401
    assert confirm(browser, page, own_code=codes[1].upper()).status_code == 200


def test_a_new_password_needs_the_code(site_on_each: FinanceSite) -> None:
    """A new password needs the old one and the code at any time, and renews the session."""
    site = site_on_each
    secret, _ = with_factor(site)
    browser = half_signed_in(site)
    enter(browser, code_at(secret, site.clock.now()))
    site.wait(seconds=STEP_S)
    old, new = browser.cookies["donate_staff"], "three loud geese"
    typed = {"own_password": PASSWORD, "new_password": new}
    assert post(browser, f"{ME}/password", ME, **typed).status_code == 422
    assert sign_in(site.browser(), password=new).status_code == 401
    code = code_at(secret, site.clock.now())
    assert post(browser, f"{ME}/password", ME, **typed, own_code=code).status_code == 303
    assert is_in(browser)
    assert browser.cookies["donate_staff"] != old
    assert sign_in(site.browser(), password=new).status_code == 303


def test_guesses_are_slowed_down(site: FinanceSite) -> None:
    """After five wrong passwords or codes, even a right proof is refused for a while."""
    secret, _ = with_factor(site)
    browser = half_signed_in(site)
    enter(browser, code_at(secret, site.clock.now()))
    site.wait(minutes=5)
    page = end_others(browser)
    for _ in range(5):
        confirm(browser, page, own_code="000000")
    answer = confirm(browser, page, own_code=code_at(secret, site.clock.now()))
    assert answer.status_code == 401
    assert "Too many attempts" in answer.text
    site.wait(minutes=15)
    assert confirm(browser, page, own_code=code_at(secret, site.clock.now())).status_code == 303


def test_a_proof_is_as_old_as_its_first_part(site_on_each: FinanceSite) -> None:
    """If the code came six minutes after the password, signing in is no fresh proof."""
    site = site_on_each
    secret, _ = with_factor(site)
    browser = half_signed_in(site)
    site.wait(minutes=6)
    assert enter(browser, code_at(secret, site.clock.now())).status_code == 303
    assert end_others(browser).status_code == 401


def test_what_an_admin_typed_is_kept(site_on_each: FinanceSite) -> None:
    """An admin proves who they are before they add a person, and types nothing twice."""
    site = site_on_each
    admin, new = add_admin(site), "/finance/people/new"
    form = fields(admin.get(new)) | {"name": 'Zoe "Z" Roy', "email": "zoe@example.org"}
    site.wait(minutes=5)
    page = admin.post(new, data=form | {"role": "viewer"})
    assert page.status_code == 401
    assert confirm(admin, page).status_code == 200
    assert site.staff("zoe@example.org").name == 'Zoe "Z" Roy'


def test_a_stolen_session_makes_nobody_an_admin(site: FinanceSite) -> None:
    """Without the admin's password, their open session gives nobody a role and no new password."""
    site.add_staff(ANN, Role.VIEWER)
    admin = add_admin(site)
    site.wait(minutes=30)
    page = f"/finance/people/{number_of(site, ANN)}"
    for what in ("role", "invited", "second-factor-reset", "disabled"):
        answer = post(admin, f"{page}/{what}", page, role="admin")
        assert confirm(admin, answer, own_password="guess").status_code == 401
    assert (site.staff(ANN).role, site.staff(ANN).disabled_at) == (Role.VIEWER, None)


@pytest.mark.parametrize("then", ["https://evil.example/x", "//evil.example", "/gifts/x", "\\x"])
def test_a_proof_leads_nowhere_else(site: FinanceSite, then: str) -> None:
    """The proof leads only to forms of the staff pages."""
    browser, _ = two_sessions(site)
    data = {"csrf": csrf(browser), "own_password": PASSWORD, "then": then}
    answer = browser.post(f"{ME}/confirmed", data=data)
    assert answer.headers["location"] == "/finance"


@pytest.mark.parametrize("how", ["ended", "disabled"])
def test_an_ended_session_proves_nothing(site: FinanceSite, how: str) -> None:
    """After another session or an admin ended it, a session cannot be renewed by a proof."""
    browser, other = two_sessions(site)
    admin = add_admin(site)
    token = csrf(browser)
    page = f"/finance/people/{number_of(site, ANN)}"
    if how == "ended":
        end_others(other)
    else:
        post(admin, f"{page}/disabled", page)
    data = {"csrf": token, "own_password": PASSWORD, "then": f"{ME}/sessions-ended"}
    answer = browser.post(f"{ME}/confirmed", data=data)
    assert answer.headers["location"].startswith("/finance/sign-in?")
    assert not is_in(browser)


def test_someone_without_a_password_is_told_how(database: Database) -> None:
    """Someone who can prove nothing here is told to ask an admin for a link."""
    site = open_site(database, options=replace(OPTIONS, provider=None))
    staff_id, browser = site.add_staff(ANN), site.browser()
    with site.database.writing() as session:
        session.get_one(Staff, staff_id).password_hash = ""
        token = start_session(session, staff_id, now=NOW - timedelta(minutes=1))
    browser.cookies.set("donate_staff", token)
    page = end_others(browser)
    assert page.status_code == 401
    assert "Ask an admin for a link to set one." in page.text
    assert not re.search(r'name="own_password"', page.text)
    data = {"csrf": csrf(browser), "then": f"{ME}/sessions-ended", "own_password": ""}
    assert browser.post(f"{ME}/confirmed", data=data).status_code == 401
