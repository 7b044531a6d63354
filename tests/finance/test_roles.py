"""Every staff route for each role, and for people who have not finished signing in."""

from dataclasses import replace

import pytest
from fastapi.routing import APIRoute

from donate.finance.access import EVERYBODY
from donate.finance.people.words import ROLE_NAMES
from donate.finance.roles import Role
from donate.finance.second_factor.pending import begin_pending
from donate.storage.database import Database
from tests.finance.finance_site import NOW, OPTIONS, FinanceSite, csrf, fields, open_site
from tests.finance.staff_routes import (
    PROTECTED,
    UNKNOWN,
    about_nothing,
    every_route,
    needed,
    request_status,
)
from tests.real_parts import Sqlite

ORDER = [Role.VIEWER, Role.FINANCE, Role.ADMIN]


@pytest.mark.parametrize(("method", "path", "role"), PROTECTED)
def test_a_role_opens_its_routes(site: FinanceSite, method: str, path: str, role: Role) -> None:
    """A role may use its routes and those of lesser roles; others answer 403 and are recorded."""
    refusals = []
    for own_role in ORDER:
        browser = site.signed_in(own_role)
        status = request_status(
            browser, method, path, **({"csrf": csrf(browser)} if method == "POST" else {})
        )
        if ORDER.index(own_role) < ORDER.index(role):
            assert status == 403
            refusals.append(f"needs {role}")
        else:
            is_unknown = any(unknown in path for unknown in UNKNOWN.values())
            # A proof without a password is wrong, and recorded as such.
            refusals += ["wrong proof"] if status == 401 else []
            assert status in ((404, 422) if is_unknown else (200, 303, 308, 401, 422))
    assert site.refusals() == refusals


def test_half_signed_in_is_not_signed_in(site: FinanceSite) -> None:
    """Between the password and the code, every route redirects to the sign-in form."""
    browser, staff_id = site.browser(), site.add_staff(role=Role.ADMIN)
    with site.database.writing() as session:
        token = begin_pending(session, staff_id, "/finance", now=NOW)
    for cookie in ("donate_pending", "donate_staff"):
        browser.cookies.set(cookie, token)
    assert browser.get("/finance/sign-in/code").status_code == 200
    for method, path, _ in PROTECTED:
        data = {"csrf": "x"} if method == "POST" else None
        answer = browser.request(method, path, data=data)
        assert answer.status_code == 303
        assert answer.headers["location"].startswith("/finance/sign-in?next=%2Ffinance")
    assert set(site.refusals()) == {"not signed in"}


def protected_routes() -> list[APIRoute]:
    return [route for route in every_route() if needed(route) != EVERYBODY]


@pytest.mark.parametrize(
    ("setting", "role"),
    [(Role.FINANCE, Role.FINANCE), (Role.FINANCE, Role.ADMIN), (Role.VIEWER, Role.VIEWER)],
)
def test_without_a_required_second_factor_little_is_open(
    sqlite: Sqlite, setting: Role, role: Role
) -> None:
    """If a role requires a second factor, only its setup and signing out work without it."""
    url = sqlite.fresh_url()
    database = Database(url)
    site = open_site(database, options=replace(OPTIONS, second_factor_from=setting))
    browser = site.signed_in(role)
    token = fields(browser.get("/finance/me/second-factor"))["csrf"]
    opened = set()
    # Signing out comes last, because it ends the session.
    for route in sorted(protected_routes(), key=lambda route: "sign-out" in route.path):
        method = next(iter(route.methods or ()))
        data = {"csrf": token} if method == "POST" else None
        answer = browser.request(method, about_nothing(route.path), data=data)
        if answer.headers.get("location") != "/finance/me/second-factor":
            opened.add(f"{method} {route.path}")
    assert opened == {
        "GET /finance/me/second-factor",
        # "POST /finance/me/second-factor/begun" works, and leads to the setup as the others do.
        "POST /finance/me/confirmed",
        "POST /finance/me/second-factor/confirmed",
        "POST /finance/sign-out",
    }
    viewer = site.signed_in(Role.VIEWER, "zoe@example.org")
    is_open = viewer.get("/finance/gifts").status_code == 200
    assert is_open == (setting != Role.VIEWER)
    database.close()
    sqlite.drop(url)


def test_every_role_has_words() -> None:
    """Each page names the role of the person who is signed in, so every role has words."""
    assert set(ROLE_NAMES) == set(Role)
