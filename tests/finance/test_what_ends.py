"""When sessions and tokens of staff end."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from fastapi.testclient import TestClient
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher
from sqlmodel import Session, select

from donate.finance.models import Role, StaffSession
from donate.finance.sessions import (
    ABSOLUTE_LIMIT,
    IDLE_LIMIT,
    SignedIn,
    end_session,
    find_session,
    hash_of,
    mark_seen,
    same_secret,
    start_session,
)
from donate.finance.staff.accounts import disable, enable, set_password, staff_by_email
from donate.finance.staff.tokens import add_token, is_staff_token
from donate.storage.database import Database
from tests.finance.finance_site import CHEAP, NOW, PASSWORD, FinanceSite, fields, open_site, sign_in
from tests.finance.sign_ins import ANN, NEW, ZOE, change_password, shut_out
from tests.real_parts import Sqlite

SECOND = timedelta(seconds=1)


def open_all(site: FinanceSite, email: str) -> list[str]:
    """Add a staff member, and return two sessions and a token of theirs."""
    staff_id = site.add_staff(email)
    with site.database.writing() as session:
        sessions = [start_session(session, staff_id, now=NOW) for _ in range(2)]
        return [*sessions, add_token(session, email, now=NOW)]


def which_work(site: FinanceSite, secrets: list[str]) -> list[bool]:
    """Return for each session or token whether it still works."""
    with site.database.reading() as session:
        return [
            is_staff_token(session, secret)
            if secret.startswith("staff_")
            else find_session(session, secret, now=NOW) is not None
            for secret in secrets
        ]


@pytest.mark.parametrize("act", [change_password, shut_out])
def test_all_that_one_person_holds_ends(
    site_on_each: FinanceSite, act: Callable[[Session], None]
) -> None:
    """A new password, or disabling, ends all sessions and tokens of that user only."""
    site = site_on_each
    hers, others = open_all(site, ANN), open_all(site, ZOE)
    assert which_work(site, hers + others) == [True] * 6
    with site.database.writing() as session:
        act(session)
    assert which_work(site, hers + others) == [False] * 3 + [True] * 3
    with site.database.writing() as session:
        enable(session, ANN, now=NOW)
    assert which_work(site, hers) == [False] * 3


def test_who_is_disabled_twice_was_disabled_first(site: FinanceSite) -> None:
    """Disabling twice keeps the first date, and the trail records both."""
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
    """An Argon2 hasher that calls `meanwhile` before each verification."""

    meanwhile: Callable[[], None] | None = None

    def verify(self, password: str | bytes, hash: str | bytes) -> bool:  # noqa: A002
        if self.meanwhile:
            self.meanwhile()
        return super().verify(password, hash)


@pytest.mark.parametrize("act", [change_password, shut_out, remove])
def test_what_ends_while_somebody_signs_in_has_ended(
    sqlite: Sqlite, act: Callable[[Session], None]
) -> None:
    """A sign-in fails if the account changes while its password is verified."""
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


def test_signing_in_again_ends_what_the_browser_held(site: FinanceSite) -> None:
    """Signing in again ends the browser's earlier session, and no other."""
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
def test_a_session_is_good_until_its_limit(
    site: FinanceSite, passes: timedelta, late: timedelta, is_good: bool
) -> None:
    """A session ends after an hour idle, and after twelve hours in any case."""
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
    """A session gives the user, a form token and the last visit, which never moves back."""
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
def test_a_visit_is_noted_once_a_minute(site: FinanceSite, after_s: int, is_noted: bool) -> None:
    """A visit extends the idle limit, and is written at most once a minute."""
    browser = site.signed_in()
    site.wait(seconds=after_s)
    assert browser.get("/finance/gifts").status_code == 200
    with site.database.reading() as session:
        (row,) = session.exec(select(StaffSession))
    assert row.last_seen_at == (site.clock.now() if is_noted else NOW)


def test_signing_out_ends_one_session(site: FinanceSite) -> None:
    """Signing out ends exactly one session, and an empty token ends none."""
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
def test_finance_may_what_viewers_may(role: Role, needed: Role, may: bool) -> None:
    """Finance staff may do what viewers may, but not the reverse."""
    person = SignedIn(1, "Ann Lee", ANN, role, "c", "t", NOW)
    assert person.may(needed) == may


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("a", "a", True),
        ("é", "é", True),
        ("a", "b", False),
        ("a", "A", False),
        ("a", "", False),
        ("", "a", False),
        ("", "", False),
        ("\ud800", "a", False),
    ],
    ids=ascii,
)
def test_no_secret_is_no_match(one: str, other: str, same: bool) -> None:
    """Empty or unequal secrets do not match, and odd text raises no error."""
    assert same_secret(one, other) == same
