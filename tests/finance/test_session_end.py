"""When the sessions and staff tokens of a staff member end."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from fastapi.testclient import TestClient
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher
from sqlmodel import Session, select

from donate.finance.models import StaffSession
from donate.finance.roles import Role
from donate.finance.sessions import (
    ABSOLUTE_LIMIT,
    IDLE_LIMIT,
    SignedIn,
    end_session,
    find_session,
    mark_seen,
    start_session,
)
from donate.finance.staff.accounts import disable, enable, set_password, staff_by_email
from donate.finance.staff.tokens import add_token, is_staff_token
from donate.storage.database import Database
from donate.web.secret_tokens import hash_of
from tests.finance.finance_site import CHEAP, NOW, PASSWORD, FinanceSite, fields, open_site, sign_in
from tests.finance.sign_ins import ANN, NEW, ZOE, change_password, shut_out
from tests.real_parts import Sqlite

SECOND = timedelta(seconds=1)


def open_all(site: FinanceSite, email: str) -> list[str]:
    """Add a staff member, and return the secrets of two sessions and one staff token of theirs."""
    staff_id = site.add_staff(email)
    with site.database.writing() as session:
        sessions = [start_session(session, staff_id, now=NOW) for _ in range(2)]
        return [*sessions, add_token(session, email, now=NOW)]


def which_work(site: FinanceSite, secrets: list[str]) -> list[bool]:
    """Return for each secret whether its session or staff token still works."""
    with site.database.reading() as session:
        return [
            is_staff_token(session, secret)
            if secret.startswith("staff_")
            else find_session(session, secret, now=NOW) is not None
            for secret in secrets
        ]


@pytest.mark.parametrize("act", [change_password, shut_out])
def test_all_sessions_and_tokens_of_a_user_end(
    site_on_each: FinanceSite, act: Callable[[Session], None]
) -> None:
    """A new password, or disabling, ends all sessions and staff tokens of one user."""
    site = site_on_each
    hers, others = open_all(site, ANN), open_all(site, ZOE)
    assert which_work(site, hers + others) == [True] * 6
    with site.database.writing() as session:
        act(session)
    assert which_work(site, hers + others) == [False] * 3 + [True] * 3
    with site.database.writing() as session:
        enable(session, ANN, now=NOW)
    assert which_work(site, hers) == [False] * 3


def test_disabling_twice_keeps_the_first_date(site: FinanceSite) -> None:
    """If a user is disabled twice, the first date is kept, and the trail records both."""
    site.add_staff(ANN)
    for later in (0, 1):
        with site.database.writing() as session:
            disable(session, ANN, now=NOW + timedelta(days=later))
    assert site.staff(ANN).disabled_at == NOW
    with site.database.writing() as session:
        enable(session, ANN, now=NOW)
        set_password(session, " ANN@example.org", NEW, now=NOW, passwords=CHEAP)
    assert site.staff(ANN).disabled_at is None
    acts = [(act.act, act.about) for act in site.acts()]
    assert acts == [
        ("staff_added", ANN),
        ("staff_disabled", ANN),
        ("staff_disabled", ANN),
        ("staff_enabled", ANN),
        ("password_set", ANN),
    ]


def remove(session: Session) -> None:
    session.delete(staff_by_email(session, ANN))


class InterruptedHasher(Argon2Hasher):
    """An Argon2 hasher that calls `meanwhile` before it verifies a password."""

    meanwhile: Callable[[], None] | None = None

    def verify(self, password: str | bytes, hash: str | bytes) -> bool:  # noqa: A002
        if self.meanwhile:
            self.meanwhile()
        return super().verify(password, hash)


@pytest.mark.parametrize("act", [change_password, shut_out, remove])
def test_a_change_during_a_sign_in_fails_it(sqlite: Sqlite, act: Callable[[Session], None]) -> None:
    """A sign-in fails if the account changes while the password is verified."""
    hasher = InterruptedHasher(time_cost=1, memory_cost=64, parallelism=1)
    database = Database(sqlite.fresh_url())
    site = open_site(database, passwords=PasswordHash((hasher,)))
    site.add_staff(ANN)

    def change_account() -> None:
        with database.writing() as session:
            act(session)

    hasher.meanwhile = change_account
    answer = sign_in(site.browser())
    assert answer.status_code == 503
    assert "donate_staff=" not in answer.headers.get("set-cookie", "")
    with database.reading() as session:
        assert session.exec(select(StaffSession)).all() == []
    database.close()


def cookie(browser: TestClient) -> str:
    return browser.cookies["donate_staff"]


def opens(site: FinanceSite, token: str) -> bool:
    browser = site.browser()
    browser.cookies.set("donate_staff", token)
    return browser.get("/finance/gifts").status_code == 200


def test_a_sign_in_ends_the_browsers_earlier_session(site: FinanceSite) -> None:
    """A sign-in ends the session that the same browser had before, and no other session."""
    site.add_staff(ANN)
    site.add_staff(ZOE)
    browser, elsewhere = site.browser(), site.browser()
    for each in (browser, elsewhere):
        sign_in(each)
    before = cookie(browser)
    browser.cookies.delete("donate_staff")
    data = fields(browser.get("/finance/sign-in")) | {"email": ZOE, "password": PASSWORD}
    browser.cookies.set("donate_staff", before, domain="testserver.local")
    assert browser.post("/finance/sign-in", data=data).status_code == 303
    assert cookie(browser) != before
    assert [opens(site, each) for each in (before, cookie(browser), cookie(elsewhere))] == [
        False,
        True,
        True,
    ]


@pytest.mark.parametrize("passes", [IDLE_LIMIT, ABSOLUTE_LIMIT], ids=["idle", "absolute"])
@pytest.mark.parametrize(
    ("late", "is_good"), [(-SECOND, True), (timedelta(0), False), (SECOND, False)], ids=str
)
def test_a_session_ends_at_its_limits(
    site: FinanceSite, passes: timedelta, late: timedelta, is_good: bool
) -> None:
    """A session ends after an hour without a request, and after twelve hours in any case."""
    assert (timedelta(hours=1), timedelta(hours=12)) == (IDLE_LIMIT, ABSOLUTE_LIMIT)
    staff_id = site.add_staff(ANN)
    at = NOW + passes + late
    with site.database.writing() as session:
        token = start_session(session, staff_id, now=NOW)
        if passes is ABSOLUTE_LIMIT:
            mark_seen(session, hash_of(token), now=at)
        assert (find_session(session, token, now=at) is not None) == is_good
        other = start_session(session, staff_id, now=at)
        hashes = set(session.exec(select(StaffSession.token_hash)))
        assert hashes == {hash_of(one) for one in ([token, other] if is_good else [other])}


def test_a_session_knows_whose_it_is(site: FinanceSite) -> None:
    """A session has its user, its CSRF token and the time of its last request."""
    staff_id = site.add_staff(ANN, Role.VIEWER)
    with site.database.writing() as session:
        token = start_session(session, staff_id, now=NOW)
        mark_seen(session, hash_of(token), now=NOW + SECOND)
        mark_seen(session, hash_of(token), now=NOW)
        mark_seen(session, hash_of("nobody's"), now=NOW)
        signed_in = find_session(session, token, now=NOW)
    assert signed_in
    assert (signed_in.name, signed_in.email, signed_in.role) == ("Ann Lee", ANN, Role.VIEWER)
    assert (signed_in.actor, signed_in.last_seen_at) == (f"staff:{staff_id}", NOW + SECOND)
    assert signed_in.token_hash == hash_of(token)
    assert len(signed_in.csrf_token) == len(token) == 43
    assert signed_in.csrf_token != token


@pytest.mark.parametrize(("after_s", "is_noted"), [(0, False), (59, False), (60, True), (61, True)])
def test_the_last_request_is_stored_once_a_minute(
    site: FinanceSite, after_s: int, is_noted: bool
) -> None:
    """The time of a session's last request is stored at most once a minute."""
    browser = site.signed_in()
    site.wait(seconds=after_s)
    assert browser.get("/finance/gifts").status_code == 200
    with site.database.reading() as session:
        (row,) = session.exec(select(StaffSession))
    assert row.last_seen_at == (site.clock.now() if is_noted else NOW)


def test_signing_out_ends_one_session(site: FinanceSite) -> None:
    """Signing out ends one session of the user, and not the others."""
    staff_id = site.add_staff(ANN)
    with site.database.writing() as session:
        tokens = [start_session(session, staff_id, now=NOW) for _ in range(3)]
        end_session(session, "")
        end_session(session, tokens[1])
        open_sessions = [
            find_session(session, one, now=NOW) is not None for one in (*tokens, "", "\ud800")
        ]
    assert open_sessions == [True, False, True, False, False]


@pytest.mark.parametrize(
    ("role", "needed", "may"),
    [
        (Role.VIEWER, Role.VIEWER, True),
        (Role.VIEWER, Role.FINANCE, False),
        (Role.FINANCE, Role.VIEWER, True),
        (Role.FINANCE, Role.FINANCE, True),
    ],
)
def test_finance_staff_may_do_what_viewers_may(role: Role, needed: Role, may: bool) -> None:
    """The finance role includes what viewers may do, and not the reverse."""
    person = SignedIn(1, "Ann Lee", ANN, role, "c", "t", NOW)
    assert person.may(needed) == may
