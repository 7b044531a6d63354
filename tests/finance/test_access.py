"""Every route of the staff pages checks the role, the CSRF token and the origin of a request."""

import pytest
from fastapi.routing import APIRoute
from sqlalchemy import delete, update
from sqlalchemy.exc import DBAPIError
from sqlmodel import col
from starlette.responses import Response
from starlette.routing import Route

from donate.finance.access import EVERYBODY, Gate
from donate.finance.models import Staff, StaffAct
from donate.finance.roles import Role
from donate.storage.database import Database
from tests.finance.finance_site import (
    NOW,
    FinanceSite,
    csrf,
)
from tests.finance.staff_routes import (
    ALL,
    OPEN_TO_ALL,
    PROTECTED,
    ROUTES,
    about_nothing,
    all_routes,
    every_route,
    needed,
    request_status,
)

POSTS = [path for method, path, _ in PROTECTED if method == "POST"]
FROM_ANOTHER_SITE = (
    {"sec-fetch-site": "cross-site"},
    {"sec-fetch-site": "same-site"},
    {"origin": "https://evil.example"},
    {"origin": "http://testserver.evil.example"},
    {"origin": "http://[broken"},
)
WRONG_METHODS = [
    (method, about_nothing(path))
    for path in sorted({r.path for r in every_route()})
    for method in sorted(
        ALL - {m for r in every_route() if r.path == path for m in (r.methods or ())}
    )
]


def test_every_route_declares_a_role() -> None:
    """Every route declares which role it needs, and only those for signing in need none."""
    assert all(needed(route) in (*Role, EVERYBODY) for route in every_route())
    assert {f"{method} {path}" for method, path, role in ROUTES if role == EVERYBODY} == OPEN_TO_ALL
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


def test_a_stranger_is_sent_to_sign_in(site: FinanceSite) -> None:
    """Without a session, every route redirects to the sign-in form, and the trail records that."""
    browser, targets = site.browser(), {}
    for method, path, _ in PROTECTED:
        site.wait(minutes=2)  # at most 50 refusals of strangers are recorded an hour
        answer = browser.request(method, path, data={"csrf": "x"} if method == "POST" else None)
        target = answer.headers.get("location", "").startswith("/finance/sign-in?next=%2Ffinance")
        targets[method, path] = (answer.status_code, target)
    assert targets == dict.fromkeys(targets, (303, True))
    assert site.refusals() == ["not signed in"] * len(PROTECTED)


def test_a_form_without_a_session_is_not_saved(site: FinanceSite) -> None:
    """If a form is sent after the session ended, the sign-in page says that nothing was saved."""
    gift = site.gift(mode="interac")
    browser = site.browser()
    answer = browser.post(f"/finance/gifts/{gift.id}/received", data={"csrf": "x"})
    page = browser.get(answer.headers["location"]).text
    assert "nothing was saved" in page
    assert f'name="next" value="/finance/gifts/{gift.id}"' in page


def test_a_disabled_user_is_signed_out(site: FinanceSite) -> None:
    """A disabled user is signed out, even if the session row still exists."""
    browser = site.signed_in(Role.ADMIN, "ann@example.org")
    token = csrf(browser)
    with site.database.writing() as session:
        session.execute(update(Staff).values(disabled_at=NOW))
    statuses = {}
    for method, path, _ in PROTECTED:
        site.wait(minutes=2)
        sent = {"csrf": token} if method == "POST" else {}
        statuses[method, path] = request_status(browser, method, path, **sent)
    assert statuses == dict.fromkeys(statuses, 303)
    assert site.refusals() == ["not signed in"] * len(PROTECTED)


@pytest.mark.parametrize("token", [None, "", "stale", "é"])
def test_a_form_needs_its_token(site: FinanceSite, token: str | None) -> None:
    """A form without the session's CSRF token gets 403, and the trail records that."""
    browser = site.signed_in()
    sent = {} if token is None else {"csrf": token}
    statuses = {path: request_status(browser, "POST", path, **sent) for path in POSTS}
    assert statuses == dict.fromkeys(POSTS, 403)
    assert site.refusals() == ["stale form"] * len(POSTS)


def test_a_token_of_an_earlier_session_is_stale(site: FinanceSite) -> None:
    """A form with the CSRF token of another session gets 403."""
    other, browser = csrf(site.signed_in(Role.FINANCE, "other@example.org")), site.signed_in()
    statuses = {path: request_status(browser, "POST", path, csrf=other) for path in POSTS}
    assert statuses == dict.fromkeys(POSTS, 403)


@pytest.mark.parametrize("headers", FROM_ANOTHER_SITE, ids=str)
def test_another_site_may_not_send_our_forms(site: FinanceSite, headers: dict[str, str]) -> None:
    """A form that another site sends gets 403, even for sign-in, and the trail records that."""
    browser = site.signed_in()
    token, paths = csrf(browser), [path for method, path, _ in ROUTES if method == "POST"]
    statuses = {
        path: request_status(browser, "POST", path, csrf=token, **headers) for path in paths
    }
    assert statuses == dict.fromkeys(paths, 403)
    assert site.refusals() == ["cross-site"] * len(paths)


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


def test_a_wrong_method_is_refused(site: FinanceSite) -> None:
    """A request with a wrong HTTP method gets 405, and the trail records that."""
    browser = site.browser()
    answers = {}
    for case in WRONG_METHODS:
        site.wait(minutes=2)
        answers[case] = browser.request(*case)
    assert {case: answer.status_code for case, answer in answers.items()} == dict.fromkeys(
        WRONG_METHODS, 405
    )
    assert all(answer.headers["allow"] for answer in answers.values())
    assert site.refusals() == ["wrong method"] * len(WRONG_METHODS)


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
