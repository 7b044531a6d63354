"""Signing in and out of the staff pages, and the cookies and sessions for it."""

import re

import pytest
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher
from sqlmodel import select

from donate.finance.models import StaffSession
from donate.finance.roles import Role
from donate.finance.staff.accounts import disable, enable, set_password
from donate.storage.database import Database
from donate.web.secret_tokens import hash_of
from tests.finance.finance_site import (
    CHEAP,
    NOW,
    PASSWORD,
    FinanceSite,
    csrf,
    fields,
    open_site,
    sign_in,
)
from tests.real_parts import Sqlite


def test_the_right_password_signs_in(site: FinanceSite) -> None:
    """A sign-in with the right password opens the requested page."""
    site.add_staff()
    browser = site.browser()
    answer = sign_in(browser, next="/finance/gifts?status=awaited")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/finance/gifts?status=awaited"
    assert browser.get("/finance/gifts").status_code == 200
    assert [act.act for act in site.acts()] == ["staff_added", "signed_in"]


def test_the_address_is_taken_in_any_case(site: FinanceSite) -> None:
    """Case and outer spaces matter in a password, but not in an e-mail address."""
    site.add_staff()
    assert sign_in(site.browser(), " Ann@Example.ORG ").status_code == 303
    assert sign_in(site.browser(), "ann@example.org", PASSWORD.upper()).status_code == 401


@pytest.mark.parametrize(
    ("email", "password"),
    [
        ("ann@example.org", "not her password"),
        ("ann@example.org", ""),
        ("ann@example.org", "x" * 60_000),
        ("nobody@example.org", PASSWORD),
        ("disabled@example.org", PASSWORD),
        ("", ""),
        ("ann@example.org\x00", PASSWORD),
        ("' OR 1=1 --", PASSWORD),
        ("a" * 30_000, PASSWORD),
    ],
)
def test_every_failed_sign_in_gets_the_same_response(
    site_on_each: FinanceSite, email: str, password: str
) -> None:
    """A wrong password, an unknown e-mail address and a disabled user get the same response."""
    site = site_on_each
    site.add_staff()
    site.add_staff("disabled@example.org")
    with site.database.writing() as session:
        disable(session, "disabled@example.org", now=NOW)
    browser = site.browser()
    answer = sign_in(browser, email, password)
    assert answer.status_code == 401
    assert "Wrong e-mail or password." in answer.text
    without = re.sub(r'(name="(form_token|email)"[^>]* value=")[^"]*', r"\1", answer.text)
    wrong = sign_in(site.browser(), "someone@example.org", "something else")
    assert without == re.sub(r'(name="(form_token|email)"[^>]* value=")[^"]*', r"\1", wrong.text)
    assert browser.get("/finance/gifts").status_code == 303


@pytest.mark.parametrize(
    "charset", ["unicode_escape", "undefined", "punycode", "utf-8; charset=idna", "utf-8x"]
)
def test_a_form_with_an_unknown_charset_is_refused(site: FinanceSite, charset: str) -> None:
    """A sign-in form with an unknown or unusual charset gets 400."""
    browser = site.browser()
    typed = fields(browser.get("/finance/sign-in"))
    typed |= {"email": "\\ud800\\x00@b.c", "password": "\\udfff", "next": "\\ud800"}
    body = "".join(
        f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in typed.items()
    )
    answer = browser.post(
        "/finance/sign-in",
        content=f"{body}--b--\r\n".encode(),
        headers={"content-type": f"multipart/form-data; boundary=b; charset={charset}"},
    )
    assert answer.status_code == 400


def test_the_password_is_never_sent_back(site: FinanceSite) -> None:
    """After a wrong password, the form shows the e-mail address again, and not the password."""
    answer = sign_in(site.browser(), "ann@example.org", "hunter2 hunter2")
    assert "ann@example.org" in answer.text
    assert "hunter2" not in answer.text


class CountingHasher(Argon2Hasher):
    """An Argon2 hasher that counts its verifications."""

    verifications = 0

    def verify(self, password: str | bytes, hash: str | bytes) -> bool:  # noqa: A002
        self.verifications += 1
        return super().verify(password, hash)


@pytest.mark.parametrize("email", ["ann@example.org", "nobody@example.org", "gone@example.org"])
def test_every_failed_sign_in_verifies_one_hash(sqlite: Sqlite, email: str) -> None:
    """Every failed sign-in verifies one hash, so that its duration does not reveal who is staff."""
    hasher = CountingHasher(time_cost=1, memory_cost=64, parallelism=1)
    database = Database(sqlite.fresh_url())
    site = open_site(database, passwords=PasswordHash((hasher,)))
    site.add_staff()
    site.add_staff("gone@example.org")
    with database.writing() as session:
        disable(session, "gone@example.org", now=NOW)
    assert sign_in(site.browser(), email, "not the password").status_code == 401
    assert hasher.verifications == 1
    database.close()


def test_only_a_hash_of_the_cookie_is_kept(site: FinanceSite) -> None:
    """The database has the SHA-256 hash of a session's cookie, and not the cookie."""
    browser = site.signed_in()
    token = browser.cookies["donate_staff"]
    with site.database.reading() as session:
        (row,) = session.exec(select(StaffSession))
    assert row.token_hash == hash_of(token)
    assert token not in row.model_dump_json()
    assert len(token) == 43


@pytest.mark.parametrize(
    ("https", "name", "secure"),
    [(True, "__Host-donate_staff", True), (False, "donate_staff", False)],
)
def test_the_cookie_has_safe_attributes(
    sqlite: Sqlite, https: bool, name: str, secure: bool
) -> None:
    """The session's cookie is HttpOnly and SameSite=Lax, and with https also Secure."""
    database = Database(sqlite.fresh_url())
    site = open_site(database, https=https)
    site.add_staff()
    browser = site.browser()
    browser.base_url = f"{'https' if https else 'http'}://testserver"
    answer = sign_in(browser)
    (cookie,) = [c for c in answer.headers.get_list("set-cookie") if c.startswith(f"{name}=")]
    flags = {part.strip().lower() for part in cookie.split(";")[1:]}
    assert {"httponly", "samesite=lax", "path=/"} <= flags
    assert ("secure" in flags) == secure
    assert not any(flag.startswith(("domain", "max-age", "expires")) for flag in flags)
    database.close()


def test_a_sign_in_begins_a_new_session(site: FinanceSite) -> None:
    """Every sign-in sets a new session cookie, even if one was planted in the browser."""
    site.add_staff()
    browser = site.browser()
    browser.cookies.set("donate_staff", "planted")
    sign_in(browser)
    first = browser.cookies.get("donate_staff", domain="testserver.local")
    assert first
    assert first != "planted"
    assert len(first) * 6 >= 256  # bits
    other = site.browser()
    sign_in(other)
    assert other.cookies["donate_staff"] != first


def test_signing_out_ends_the_session(site: FinanceSite) -> None:
    """After a user signed out, even a copy of the session's cookie is refused."""
    browser = site.signed_in()
    token = browser.cookies["donate_staff"]
    answer = browser.post("/finance/sign-out", data={"csrf": csrf(browser)})
    assert answer.status_code == 303
    assert answer.headers["clear-site-data"] == '"cache"'  # Back shows no page of the session
    assert "donate_staff" not in browser.cookies
    assert "You’re signed out." in browser.get(answer.headers["location"]).text
    thief = site.browser()
    thief.cookies.set("donate_staff", token)
    assert thief.get("/finance/gifts").status_code == 303


@pytest.mark.parametrize("ends", [{"minutes": 60}, {"hours": 12}], ids=["idle", "absolute"])
def test_a_session_ends_by_itself(site: FinanceSite, ends: dict[str, float]) -> None:
    """A session ends after an hour without a request, and after twelve hours in any case."""
    browser = site.signed_in()
    if "hours" in ends:
        for _ in range(14):
            assert browser.get("/finance/gifts").status_code == 200
            site.wait(minutes=50)
        site.wait(minutes=19)
    else:
        site.wait(minutes=59)
        assert browser.get("/finance/gifts").status_code == 200
        site.wait(minutes=60)
    assert browser.get("/finance/gifts").status_code == 303


def test_ended_sessions_are_deleted(site: FinanceSite) -> None:
    """A sign-in deletes sessions that have ended."""
    site.add_staff()
    for _ in range(3):
        sign_in(site.browser())
        site.wait(hours=2)
    with site.database.reading() as session:
        assert len(session.exec(select(StaffSession)).all()) == 1


def test_disabling_ends_the_sessions(site_on_each: FinanceSite) -> None:
    """Disabling a user ends their sessions, and enabling them lets them sign in again."""
    site = site_on_each
    browser = site.signed_in(Role.FINANCE, "ann@example.org")
    with site.database.writing() as session:
        disable(session, "ann@example.org", now=NOW)
    assert browser.get("/finance/gifts").status_code == 303
    with site.database.writing() as session:
        enable(session, "ann@example.org", now=NOW)
    assert browser.get("/finance/gifts").status_code == 303
    assert sign_in(site.browser()).status_code == 303


def test_a_new_password_ends_the_sessions(site: FinanceSite) -> None:
    """Setting a new password ends the user's sessions, and the old password no longer works."""
    browser = site.signed_in(Role.FINANCE, "ann@example.org")
    with site.database.writing() as session:
        set_password(session, "ann@example.org", "three loud geese", now=NOW, passwords=CHEAP)
    assert browser.get("/finance/gifts").status_code == 303
    assert sign_in(site.browser()).status_code == 401
    assert sign_in(site.browser(), password="three loud geese").status_code == 303


def test_a_sign_in_needs_the_cookie_of_its_form(site: FinanceSite) -> None:
    """A sign-in without the cookie of the sign-in form is refused, even with the right password."""
    site.add_staff()
    form = fields(site.browser().get("/finance/sign-in"))
    data = form | {"email": "ann@example.org", "password": PASSWORD}
    answer = site.browser().post("/finance/sign-in", data=data)
    assert answer.status_code == 403
    assert "allow cookies" in answer.text
    assert "sign-in without its form" in site.refusals()


def test_two_tabs_share_one_form(site: FinanceSite) -> None:
    """A sign-in form that is open in one tab stays valid if another tab opens the form."""
    site.add_staff()
    browser = site.browser()
    first = fields(browser.get("/finance/sign-in"))
    browser.get("/finance/sign-in")
    data = first | {"email": "ann@example.org", "password": PASSWORD}
    assert browser.post("/finance/sign-in", data=data).status_code == 303


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/",
        "//evil.example/finance",
        "/\\evil.example",
        "/finance\\@evil.example",
        "/finance//evil.example",
        "/finance/../give/LWCAN",
        "/financeevil",
        "/finance/gifts\r\nSet-Cookie: x=1",
        "/finance/sign-out",
        "javascript:alert(1)",
        "",
    ],
)
def test_a_sign_in_leads_to_no_other_site(site: FinanceSite, target: str) -> None:
    """A sign-in opens a staff page, even if `next` has another site's URL."""
    site.add_staff()
    answer = sign_in(site.browser(), next=target)
    assert answer.headers["location"] == "/finance"


def test_an_outdated_hash_is_replaced(site: FinanceSite) -> None:
    """A sign-in replaces a password hash that was made with outdated parameters."""
    site.add_staff("old@example.org", cost=2)
    before = site.staff("old@example.org").password_hash
    assert sign_in(site.browser(), "old@example.org").status_code == 303
    after = site.staff("old@example.org").password_hash
    assert "t=2" in before
    assert "t=1" in after
    assert sign_in(site.browser(), "old@example.org").status_code == 303
