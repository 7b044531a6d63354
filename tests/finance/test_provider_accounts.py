"""People of an identity provider are known there by `sub`, and not by their e-mail address."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Barrier, BrokenBarrierError
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, select

from donate.cli import main
from donate.finance.models import ProviderAccount, Staff
from donate.finance.people.acts import release_provider_account
from donate.finance.provider import people
from donate.finance.provider.people import OtherAccount, person_of
from donate.finance.roles import Role
from donate.finance.staff.accounts import disable, find_staff, staff_by_email
from donate.storage.database import Database
from tests.finance.finance_site import NOW, open_site
from tests.finance.oidc_provider import OidcProvider
from tests.finance.people_site import add_admin, number_of, post
from tests.finance.provider_desk import Desk, desk_on, is_in, options_for

ANN, ZOE = "ann@example.org", "zoe@example.org"


def come_in(desk: Desk, subject: str, email: str = ANN, **claims: Any) -> TestClient | str:
    """Sign in at the provider. Return the browser, or the page of whom we refuse."""
    desk.provider.person = {"sub": subject, "email": email, "email_verified": True} | claims
    browser = desk.browser()
    answer = desk.come_back(browser)
    assert answer.status_code in (303, 403)
    assert is_in(browser) == (answer.status_code == 303)
    return browser if answer.status_code == 303 else answer.text


def name_in(browser: TestClient | str) -> str:
    """Return the address of the person who is signed in."""
    assert isinstance(browser, TestClient), browser
    page = browser.get("/finance/me").text
    return ANN if ANN in page else ZOE


def tied(database: Database) -> list[tuple[str, int]]:
    with database.reading() as session:
        rows = session.exec(select(ProviderAccount).order_by(ProviderAccount.subject)).all()
    return [(row.subject, row.staff_id) for row in rows]


def test_the_first_account_with_the_address_is_theirs(
    database: Database, provider: OidcProvider
) -> None:
    """The first sign-in ties the account there; another one with the same address is refused."""
    desk = desk_on(database, provider)
    ann = desk.site.add_staff(ANN)
    assert name_in(come_in(desk, "s-1")) == ANN
    assert name_in(come_in(desk, "s-1")) == ANN
    refused = come_in(desk, "s-2")
    assert "belongs to another account of your organisation" in str(refused)
    assert "ask an admin to release it" in str(refused)
    assert tied(database) == [("s-1", ann)]
    assert desk.site.refusals()[0] == "another account at the provider"
    assert [act.act for act in desk.site.acts()].count("provider_account_tied") == 1


def test_a_new_address_there_changes_nobody(database: Database, provider: OidcProvider) -> None:
    """A person whose address changes at the provider stays who they are, whatever it is now."""
    desk = desk_on(database, provider, roles={"admins": Role.ADMIN})
    desk.site.add_staff(ANN)
    desk.site.add_staff(ZOE, Role.ADMIN)
    come_in(desk, "s-1")
    assert name_in(come_in(desk, "s-1", "ann.lee@example.org", groups=["admins"])) == ANN
    assert name_in(come_in(desk, "s-1", ZOE)) == ANN
    assert name_in(come_in(desk, "s-1", ZOE, email_verified=False)) == ANN
    assert name_in(come_in(desk, "s-2", ZOE)) == ZOE


def test_an_admin_releases_an_account(database: Database, provider: OidcProvider) -> None:
    """After an admin released it, the next account with the address is theirs, and no other."""
    desk = desk_on(database, provider)
    desk.site.add_staff(ANN)
    admin, old = add_admin(desk.site), come_in(desk, "s-1")
    page = f"/finance/people/{number_of(desk.site, ANN)}"
    assert "Release the organisation’s account" in admin.get(page).text
    for _ in range(2):
        answer = post(admin, f"{page}/provider-account-released", page)
        assert answer.headers["location"] == f"{page}?done=released"
    assert "Release the organisation’s account" not in admin.get(page).text
    assert isinstance(old, TestClient)
    assert not is_in(old)
    assert name_in(come_in(desk, "s-2")) == ANN
    assert "another account" in str(come_in(desk, "s-1"))
    entries = [act for act in desk.site.acts() if act.act == "provider_account_released"]
    assert [entry.about for entry in entries] == [ANN]


def test_a_disabled_person_stays_out(desk: Desk) -> None:
    """An account that is tied to a disabled person signs nobody in, and ties nobody."""
    ann = desk.site.add_staff(ANN)
    come_in(desk, "s-1")
    with desk.site.database.writing() as session:
        disable(session, ANN, now=NOW)
    for subject in ("s-1", "s-2"):
        assert "no staff account" in str(come_in(desk, subject))
    assert tied(desk.site.database) == [("s-1", ann)]


def test_of_two_first_accounts_one_is_theirs(database: Database) -> None:
    """If two accounts with one address sign in first at once, one of them is refused."""
    site, provider = open_site(database), options_for(OidcProvider(issuer="https://id.example"))
    site.add_staff(ANN)

    def sign_in_as(number: int) -> bool:
        claims = {"sub": f"s-{number}", "email": ANN, "email_verified": True}
        try:
            with database.writing() as session:
                return person_of(session, claims, provider, now=NOW) is not None
        except OtherAccount:
            return False

    with ThreadPoolExecutor(4) as threads:
        answers = sorted(threads.map(sign_in_as, range(4)))
    assert answers == [False, False, False, True]
    assert len(tied(database)) == 1


def test_a_new_person_signs_in_four_times_at_once(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A new person whose first four sign-ins arrive at once gets one account, and all succeed."""
    provider = options_for(OidcProvider(issuer="https://id.example"), roles={"desk": Role.VIEWER})
    together = Barrier(4)

    def find_together(session: Session, email: str) -> Staff | None:
        staff = find_staff(session, email)
        if not database.is_sqlite:  # SQLite lets only one of them write
            with suppress(BrokenBarrierError):
                together.wait(1)
        return staff

    monkeypatch.setattr(people, "find_staff", find_together)

    def sign_in(_: int) -> bool:
        claims = {"sub": "s-1", "email": ANN, "email_verified": True, "groups": ["desk"]}
        with database.writing() as session:
            return person_of(session, claims, provider, now=NOW) is not None

    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(sign_in, range(4))) == [True] * 4
    assert len(tied(database)) == 1


@pytest.mark.parametrize(
    "row",
    [
        {"subject": "s-2", "staff": ANN},
        {"subject": "s-1", "staff": ZOE},
        {"subject": "", "staff": ZOE},
        {"issuer": "", "staff": ZOE},
    ],
    ids=["second", "another's", "no subject", "no issuer"],
)
def test_the_database_holds_the_rule(database: Database, row: dict[str, str]) -> None:
    """The database itself refuses a second account, one of two people, and one without a name."""
    site = open_site(database)
    numbers = {email: site.add_staff(email) for email in (ANN, ZOE)}

    def add(issuer: str, subject: str, staff: str) -> None:
        with database.writing() as session:
            session.add(
                ProviderAccount(
                    issuer=issuer, subject=subject, staff_id=numbers[staff], tied_at=NOW
                )
            )

    add("https://id.example", "s-1", ANN)
    add("https://other.example", "s-1", ZOE)
    with pytest.raises(IntegrityError):
        add(**{"issuer": "https://id.example", "subject": "s-9"} | row)


def test_the_command_line_releases_an_account(environment: dict[str, str], capsys: Any) -> None:
    """`donate staff release-provider-account` helps if no admin can sign in any more."""
    database = Database(environment["DATABASE_URL"])
    site = open_site(database)
    ann = site.add_staff(ANN, Role.ADMIN)
    with database.writing() as session:
        session.add(ProviderAccount(issuer="https://x", subject="s", staff_id=ann, tied_at=NOW))
    for sentence in ("The next account there", "has never signed in"):
        assert main(["staff", "release-provider-account", ANN]) == 0
        assert sentence in capsys.readouterr().out
    assert tied(database) == []
    assert [act.act for act in site.acts()] == ["staff_added", "provider_account_released"]
    with database.writing() as session:
        assert not release_provider_account(session, staff_by_email(session, ANN))
    database.close()
