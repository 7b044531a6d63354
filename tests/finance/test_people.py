"""Admins manage people: roles, accounts, sessions, second factors and invitations."""

import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response
from sqlmodel import select

from donate.finance.models import StaffInvitation
from donate.finance.roles import Role
from donate.finance.staff.accounts import disable, give_role
from donate.storage.database import Database
from donate.web.secret_tokens import hash_of
from tests.finance.finance_site import OPTIONS, PASSWORD, FinanceSite, fields, open_site, sign_in
from tests.finance.people_site import add_admin, number_of, post, state_of, with_factor
from tests.letters.mailer import run_mail_server, smtp_to

ANN, ADMIN = "ann@example.org", "admin@example.org"
NEW = "/finance/people/new"
NEW_PASSWORD = "three loud geese"


def act(browser: TestClient, site: FinanceSite, email: str, what: str, **typed: str) -> Response:
    page = f"/finance/people/{number_of(site, email)}"
    return post(browser, f"{page}/{what}", page, **typed)


def token_on(page: Response) -> str:
    shown = re.search(r"/finance/invitation\?token=([0-9a-f]{64})", page.text)
    assert shown, page.text
    return shown[1]


def accept(site: FinanceSite, token: str, password: str = NEW_PASSWORD) -> Response:
    data = {"token": token, "password": password}
    return site.browser().post("/finance/invitation", data=data)


def test_an_admin_changes_a_role(site_on_each: FinanceSite) -> None:
    """An admin gives a person another role, which counts at once and is recorded with the admin."""
    site = site_on_each
    site.add_staff(ANN, Role.VIEWER)
    admin, ann = add_admin(site), site.browser()
    sign_in(ann)
    assert ann.get("/finance/activity").status_code == 403
    answer = act(admin, site, ANN, "role", role="finance")
    assert answer.status_code == 303
    assert "The role is changed." in admin.get(answer.headers["location"]).text
    assert ann.get("/finance/activity").status_code == 200
    entry = next(entry for entry in site.acts() if entry.act == "role_changed")
    assert (entry.staff_id, entry.about) == (number_of(site, ADMIN), ANN)
    assert entry.detail == {"from": "viewer", "to": "finance"}


def test_of_two_admins_the_second_is_told(site_on_each: FinanceSite) -> None:
    """A form that shows an older state of the person changes nothing and gets 409."""
    site = site_on_each
    site.add_staff(ANN, Role.VIEWER)
    page = f"/finance/people/{number_of(site, ANN)}"
    first, second = add_admin(site), add_admin(site, "zoe@example.org")
    form = fields(second.get(page))
    act(first, site, ANN, "role", role="finance")
    answer = second.post(f"{page}/disabled", data=form)
    assert answer.status_code == 409
    assert "Another admin changed this person" in answer.text
    assert state_of(site.staff(ANN)) == ("finance", False)
    answer = second.post(f"{page}/role", data=form | {"role": "finance"})
    assert answer.status_code == 303, "what is asked for is already so"


def test_disabling_ends_everything(site_on_each: FinanceSite) -> None:
    """A disabled person is signed out and cannot sign in, until an admin enables them."""
    site = site_on_each
    site.add_staff(ANN)
    admin, ann = add_admin(site), site.browser()
    sign_in(ann)
    page = f"/finance/people/{number_of(site, ANN)}"
    form = fields(admin.get(page))
    for _ in range(2):
        assert admin.post(f"{page}/disabled", data=form).status_code == 303
    assert ann.get("/finance/gifts").status_code == 303
    assert sign_in(site.browser()).status_code == 401
    assert act(admin, site, ANN, "invited").status_code == 409
    assert act(admin, site, ANN, "enabled").status_code == 303
    assert sign_in(site.browser()).status_code == 303
    acts = [entry.act for entry in site.acts() if entry.staff_id == number_of(site, ADMIN)]
    assert acts == ["staff_disabled", "staff_enabled"]


@pytest.mark.parametrize(("what", "typed"), [("disabled", {}), ("role", {"role": "finance"})])
def test_the_last_admin_stays(site_on_each: FinanceSite, what: str, typed: dict[str, str]) -> None:
    """The last admin who can sign in can be neither disabled nor demoted."""
    site = site_on_each
    admin = add_admin(site)
    post(admin, NEW, NEW, name="Zoe", email="zoe@example.org", role="admin")
    answer = act(admin, site, ADMIN, what, **typed)
    assert answer.status_code == 409
    assert "the last admin" in answer.text
    assert state_of(site.staff(ADMIN)) == ("admin", False)
    add_admin(site, "yes@example.org")
    assert act(admin, site, ADMIN, what, **typed).status_code == 303
    assert admin.get("/finance/people").status_code in (303, 403)


def test_two_admins_cannot_demote_each_other(database: Database) -> None:
    """If two admins demote each other at once, one of them stays an admin."""
    site = open_site(database)
    emails = (ADMIN, "zoe@example.org")
    browsers = [add_admin(site, email) for email in emails]
    pages = [f"/finance/people/{number_of(site, email)}" for email in reversed(emails)]
    forms = [
        fields(browser.get(page)) | {"role": "viewer"}
        for browser, page in zip(browsers, pages, strict=True)
    ]

    def demote(number: int) -> int:
        return browsers[number].post(f"{pages[number]}/role", data=forms[number]).status_code

    with ThreadPoolExecutor(2) as threads:
        answers = sorted(threads.map(demote, range(2)))
    assert answers[0] == 303
    assert answers[1] in (403, 409)
    assert sorted(site.staff(email).role for email in emails) == ["admin", "viewer"]


def test_sessions_and_second_factors_are_reset(site: FinanceSite) -> None:
    """An admin ends all sessions of a person, and resets a lost second factor."""
    with_factor(site)
    admin = add_admin(site)
    assert act(admin, site, ANN, "sessions-ended").status_code == 303
    assert sign_in(site.browser()).headers["location"] == "/finance/sign-in/code"
    for _ in range(2):
        assert act(admin, site, ANN, "second-factor-reset").status_code == 303
    assert sign_in(site.browser()).headers["location"] == "/finance/gifts"
    acts = [entry.act for entry in site.acts() if entry.staff_id == number_of(site, ADMIN)]
    assert acts == ["sessions_ended", "second_factor_reset"]


@pytest.mark.parametrize("role", ["", "owner", "ADMIN", "x" * 5_000])
def test_an_unknown_role_is_refused(site: FinanceSite, role: str) -> None:
    """A role that does not exist gets a sentence beside the field."""
    site.add_staff(ANN)
    answer = act(add_admin(site), site, ANN, "role", role=role)
    assert answer.status_code == 422
    assert "Please choose a role" in answer.text
    assert state_of(site.staff(ANN)) == ("finance", False)


def test_a_person_is_invited(site_on_each: FinanceSite) -> None:
    """An invitation sets the password of a new person, once; only its hash is stored."""
    site = site_on_each
    admin = add_admin(site)
    page = post(admin, NEW, NEW, name="Zoe Roy", email="Zoe@example.org", role="viewer")
    token = token_on(page)
    assert sign_in(site.browser(), "zoe@example.org", "").status_code == 401
    with site.database.reading() as session:
        (row,) = session.exec(select(StaffInvitation))
    assert row.token_hash == hash_of(token)
    assert "Zoe Roy" in site.browser().get(f"/finance/invitation?token={token}").text
    assert accept(site, token, "short").status_code == 422
    answer = accept(site, token)
    assert answer.headers["location"] == "/finance/sign-in?done=password-set"
    assert accept(site, token).status_code == 404
    assert sign_in(site.browser(), "zoe@example.org", NEW_PASSWORD).status_code == 303
    entry = next(entry for entry in site.acts() if entry.act == "invitation_accepted")
    assert entry.staff_id == number_of(site, "zoe@example.org")


def test_a_double_click_invites_once(site_on_each: FinanceSite) -> None:
    """The form that adds a person may be sent twice; both answers show the same link."""
    site = site_on_each
    admin = add_admin(site)
    data = fields(admin.get(NEW)) | {"name": "Zoe", "email": "zoe@example.org", "role": "viewer"}
    pages = [admin.post(NEW, data=data) for _ in range(2)]
    assert token_on(pages[0]) == token_on(pages[1])
    again = post(admin, NEW, NEW, name="Zoe", email="zoe@example.org", role="viewer")
    assert again.status_code == 409
    assert "already has an account" in again.text
    assert [entry.about for entry in site.acts()].count("zoe@example.org") == 1


@pytest.mark.parametrize(
    ("typed", "problem"),
    [
        ({"email": "zoe"}, "valid e-mail address"),
        ({"email": "é@example.org"}, "valid e-mail address"),
        ({"name": " "}, "Please enter a name"),
        ({"name": "x" * 300}, "Please enter a name"),
        ({"name": "<script>\x00"}, "Please enter a name"),
        ({"role": "owner"}, "Please choose a role"),
    ],
    ids=ascii,
)
def test_a_mistake_keeps_what_was_typed(
    site_on_each: FinanceSite, typed: dict[str, str], problem: str
) -> None:
    """A mistake in the form gets a sentence, and what was typed stays in the fields."""
    site = site_on_each
    form = {"name": "Zoe Roy", "email": "zoe@example.org", "role": "viewer"} | typed
    answer = post(add_admin(site), NEW, NEW, **form)
    assert answer.status_code == 422
    assert problem in answer.text
    kept = form["name" if "name" not in typed else "email"]
    assert f'value="{kept}"' in answer.text


@pytest.mark.parametrize("how", ["expired", "replaced", "disabled", "garbage"])
def test_an_invitation_ends(site: FinanceSite, how: str) -> None:
    """An invitation ends after three days, by a newer one, or if the account is disabled."""
    site.add_staff(ANN)
    admin = add_admin(site)
    token = token_on(act(admin, site, ANN, "invited"))
    if how == "expired":
        site.wait(days=3)
    elif how == "replaced":
        assert token_on(act(admin, site, ANN, "invited")) != token
    elif how == "disabled":
        with site.database.writing() as session:
            disable(session, ANN, now=site.clock.now() + timedelta(0))
    else:
        token = "\x00" * 40
    assert site.browser().get("/finance/invitation", params={"token": token}).status_code == 404
    assert accept(site, token).status_code == 404


def test_a_new_password_by_link_ends_sessions(site: FinanceSite) -> None:
    """Someone who sets a forgotten password by a link is signed out everywhere else."""
    site.add_staff(ANN)
    ann = site.browser()
    sign_in(ann)
    token = token_on(act(add_admin(site), site, ANN, "invited"))
    assert ann.get("/finance/gifts").status_code == 200
    assert accept(site, token).status_code == 303
    assert ann.get("/finance/gifts").status_code == 303
    assert sign_in(site.browser(), password=PASSWORD).status_code == 401


def test_a_new_password_by_link_keeps_the_second_factor(site: FinanceSite) -> None:
    """Someone who sets a forgotten password by a link still has to enter a code."""
    with_factor(site, ANN)
    browser = site.browser()
    token = token_on(act(add_admin(site), site, ANN, "invited"))
    assert accept(site, token).status_code == 303
    assert sign_in(browser, ANN, NEW_PASSWORD).headers["location"] == "/finance/sign-in/code"


@pytest.mark.parametrize("is_up", [True, False])
def test_an_invitation_is_mailed(database: Database, is_up: bool) -> None:
    """If e-mail is configured, the link is mailed once; if that fails, the page says so."""
    with run_mail_server() as mail_server:
        if not is_up:
            mail_server.rcpt_answers = ["550 5.1.1 no such mailbox"]
        options = replace(
            OPTIONS, mail_from="give@example.org", new_carrier=lambda: smtp_to(mail_server)
        )
        site = open_site(database, options=options)
        admin = add_admin(site)
        data = fields(admin.get(NEW)) | {"name": "Zoé", "email": "zoe@example.org"}
        pages = [admin.post(NEW, data=data | {"role": "viewer"}) for _ in range(2)]
    assert ("We sent this link" in pages[0].text) == is_up
    assert ("sent. Please give" in pages[0].text) == (not is_up)
    assert len(mail_server.messages) == is_up
    if is_up:
        (message,) = mail_server.messages
        assert f"token={token_on(pages[0])}" in message.get_content()
        assert message["To"] == "Zoé <zoe@example.org>"


def test_a_list_of_people_has_pages(site: FinanceSite) -> None:
    """A page of the list has fifty people, sorted by e-mail address, and links to the next page."""
    for number in range(55):
        site.add_staff(f"p{number:02}@example.org")
    admin = add_admin(site)
    first = admin.get("/finance/people")
    assert first.text.count('class="donor"') == 50
    following = re.search(r'rel="next" href="([^"]+)"', first.text)
    assert following
    assert admin.get(following[1]).text.count('class="donor"') == 6


def test_the_command_line_makes_the_first_admin(site: FinanceSite) -> None:
    """A role that is given on the command line counts, and the activity log records it."""
    site.add_staff(ANN)
    with site.database.writing() as session:
        give_role(session, ANN, Role.ADMIN, now=site.clock.now())
    assert state_of(site.staff(ANN)) == ("admin", False)
    assert site.acts()[-1].detail == {"from": "finance", "to": "admin"}
