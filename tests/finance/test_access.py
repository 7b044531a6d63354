"""Every route of the staff pages checks the role, the CSRF token and the origin of a request."""

from functools import cache

import pytest
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient
from sqlalchemy import delete, update
from sqlalchemy.exc import DBAPIError
from sqlmodel import col
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from donate.clock import FixedClock
from donate.finance.access import EVERYBODY, Gate
from donate.finance.models import Role, Staff, StaffAct
from donate.finance.routes import FinancePages
from donate.storage.database import Database
from donate.web.templating import Pages
from tests.finance.finance_site import (
    CHEAP,
    NO_STRIPE,
    NOW,
    REGIONS,
    TRIES,
    FinanceSite,
    csrf,
    refunds_through,
)

ALL = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
UNKNOWN = {"{gift_id}": "018f0000-0000-7000-8000-000000000000", "{number}": "987654321"}


@cache
def all_routes() -> list[BaseRoute]:
    """Return all routes of the staff pages, from the router."""
    nowhere = Database("sqlite:////nowhere/at/all")
    finance = FinancePages(
        nowhere,
        REGIONS,
        Pages(),
        FixedClock(NOW),
        https=False,
        limits=TRIES,
        on_due=lambda: None,
        refunds=refunds_through(NO_STRIPE, nowhere, FixedClock(NOW)),
        passwords=CHEAP,
    )
    return list(finance.router.routes)


def every_route() -> list[APIRoute]:
    """Return the routes of the staff pages, without those that only answer 405."""
    return [route for route in all_routes() if isinstance(route, APIRoute)]


def needed(route: APIRoute) -> str | None:
    return getattr(route.endpoint, "needs", None)


def about_nothing(path: str) -> str:
    """Fill the placeholders of a path with ids that do not exist."""
    for placeholder, unknown in UNKNOWN.items():
        path = path.replace(placeholder, unknown)
    assert "{" not in path
    return path


ROUTES = [
    (method, about_nothing(route.path), needed(route))
    for route in every_route()
    for method in sorted(route.methods or ())
]
PROTECTED = [(method, path, role) for method, path, role in ROUTES if role != EVERYBODY]

each = pytest.mark.parametrize(("method", "path"), [case[:2] for case in PROTECTED])
each_post = pytest.mark.parametrize(
    "path", [path for method, path, _ in PROTECTED if method == "POST"]
)


def request_status(browser: TestClient, method: str, path: str, **more: str) -> int:
    data = {"csrf": more.pop("csrf")} if "csrf" in more else None
    return browser.request(method, path, data=data, headers=more).status_code


def test_every_route_declares_a_role() -> None:
    """Every route declares which role it needs, and only the sign-in form needs none."""
    assert all(needed(route) in (*Role, EVERYBODY) for route in every_route())
    open_to_all = {r.path for r in every_route() if needed(r) == EVERYBODY}
    names = {r.endpoint.__name__ for r in every_route() if needed(r) == EVERYBODY}
    assert names == {"form", "sign_in"}
    assert open_to_all == {"/finance/sign-in"}
    for route in all_routes():
        if not isinstance(route, APIRoute):
            assert isinstance(route, Route)
            assert route.endpoint.func.__func__ is Gate.refuse_method  # type: ignore[attr-defined]
    assert len(PROTECTED) >= 8


def test_a_route_without_a_role_is_closed(site: FinanceSite) -> None:
    """A route that declares no role answers 403 to everybody, even to finance staff."""

    def undeclared() -> Response:
        return Response("secret")

    site.finance.router.add_api_route("/forgotten", undeclared, methods=["GET"])
    site.app.router.routes.append(site.finance.router.routes[-1])
    browser = site.signed_in()
    answer = browser.get("/finance/forgotten")
    assert answer.status_code == 403
    assert "secret" not in answer.text
    assert site.refusals() == ["not open"]


@each
def test_a_stranger_is_sent_to_sign_in(site: FinanceSite, method: str, path: str) -> None:
    """Without a session, every route redirects to the sign-in form, and the trail records that."""
    answer = site.browser().request(method, path, data={"csrf": "x"} if method == "POST" else None)
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/finance/sign-in?next=%2Ffinance")
    assert site.refusals() == ["not signed in"]


def test_a_form_without_a_session_is_not_saved(site: FinanceSite) -> None:
    """If a form is sent after the session ended, the sign-in page says that nothing was saved."""
    gift = site.gift(mode="interac")
    browser = site.browser()
    answer = browser.post(f"/finance/gifts/{gift.id}/received", data={"csrf": "x"})
    page = browser.get(answer.headers["location"]).text
    assert "nothing was saved" in page
    assert f'name="next" value="/finance/gifts/{gift.id}"' in page


@pytest.mark.parametrize(("method", "path", "role"), PROTECTED)
def test_a_viewer_only_looks(site: FinanceSite, method: str, path: str, role: str) -> None:
    """A viewer gets 403 from routes that need the finance role, and the trail records that."""
    browser = site.signed_in(Role.VIEWER)
    status = request_status(
        browser, method, path, **({"csrf": csrf(browser)} if method == "POST" else {})
    )
    if role == Role.VIEWER:
        assert status in (200, 303, 404)
        assert site.refusals() == []
    else:
        assert status == 403
        assert site.refusals() == ["needs finance"]


@each
def test_finance_staff_may_use_every_route(site: FinanceSite, method: str, path: str) -> None:
    """Finance staff may use every route, and get 404 for unknown ids."""
    browser = site.signed_in()
    status = request_status(
        browser, method, path, **({"csrf": csrf(browser)} if method == "POST" else {})
    )
    exists = not any(unknown in path for unknown in UNKNOWN.values())
    assert status in ((200, 303) if exists else (404,))
    assert site.refusals() == []


@each
def test_a_disabled_user_is_signed_out(site: FinanceSite, method: str, path: str) -> None:
    """A disabled user is signed out, even if the session row still exists."""
    browser = site.signed_in(Role.FINANCE, "ann@example.org")
    token = csrf(browser)
    with site.database.writing() as session:
        session.execute(update(Staff).values(disabled_at=NOW))
    assert (
        request_status(browser, method, path, **({"csrf": token} if method == "POST" else {}))
        == 303
    )
    assert site.refusals() == ["not signed in"]


@each_post
@pytest.mark.parametrize("token", [None, "", "stale", "é"])
def test_a_form_needs_its_token(site: FinanceSite, path: str, token: str | None) -> None:
    """A form without the session's CSRF token gets 403, and the trail records that."""
    browser = site.signed_in()
    assert (
        request_status(browser, "POST", path, **({} if token is None else {"csrf": token})) == 403
    )
    assert site.refusals() == ["stale form"]


@each_post
def test_a_token_of_an_earlier_session_is_stale(site: FinanceSite, path: str) -> None:
    """A form with the CSRF token of another session gets 403."""
    other = csrf(site.signed_in(Role.FINANCE, "other@example.org"))
    assert request_status(site.signed_in(), "POST", path, csrf=other) == 403


@pytest.mark.parametrize("path", [path for method, path, _ in ROUTES if method == "POST"])
@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"origin": "https://evil.example"},
        {"origin": "http://testserver.evil.example"},
        {"origin": "http://[broken"},
    ],
    ids=str,
)
def test_another_site_may_not_send_our_forms(
    site: FinanceSite, path: str, headers: dict[str, str]
) -> None:
    """A form that another site sends gets 403, even for sign-in, and the trail records that."""
    browser = site.signed_in()
    assert request_status(browser, "POST", path, csrf=csrf(browser), **headers) == 403
    assert site.refusals() == ["cross-site"]


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "same-origin", "origin": "null"},
        {"origin": "http://testserver"},
        {"origin": "null"},
        {},
    ],
    ids=str,
)
def test_our_own_forms_are_taken(site: FinanceSite, headers: dict[str, str]) -> None:
    """A form is accepted with each set of headers that browsers send with our own forms."""
    browser = site.signed_in()
    assert (
        request_status(browser, "POST", "/finance/sign-out", csrf=csrf(browser), **headers) == 303
    )


@pytest.mark.parametrize(
    ("method", "path"),
    [
        pytest.param(method, about_nothing(path), id=f"{method} {path}")
        for path in sorted({r.path for r in every_route()})
        for method in sorted(
            ALL - {m for r in every_route() if r.path == path for m in (r.methods or ())}
        )
    ],
)
def test_a_wrong_method_is_refused(site: FinanceSite, method: str, path: str) -> None:
    """A request with a wrong HTTP method gets 405, and the trail records that."""
    answer = site.browser().request(method, path)
    assert answer.status_code == 405
    assert answer.headers["allow"]
    assert site.refusals() == ["wrong method"]


def test_the_trail_is_only_added_to(database: Database) -> None:
    """The database refuses to change or delete entries of the trail."""
    with database.writing() as session:
        session.add(StaffAct(act="signed_in", happened_at=NOW))
    for statement in (
        update(StaffAct).values(act="nothing"),
        delete(StaffAct).where(col(StaffAct.id) > 0),
    ):
        with pytest.raises(DBAPIError, match="only ever added"), database.writing() as session:
            session.execute(statement)


def test_a_hostile_path_is_recorded_harmlessly(site_on_each: FinanceSite) -> None:
    """A path with bytes that PostgreSQL cannot store, such as zero, is still recorded."""
    answer = site_on_each.browser().get("/finance/gifts/%00%0d%0a<script>")
    assert answer.status_code == 303
    assert site_on_each.refusals() == ["not signed in"]
