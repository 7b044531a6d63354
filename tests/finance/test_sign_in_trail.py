"""How the trail records sign-ins, sign-outs and refusals, and details of the sign-in form."""

from typing import Any

import pytest
from fastapi.testclient import TestClient
from starlette.responses import Response

from donate.clock import FixedClock
from donate.finance.access import Gate
from donate.finance.models import StaffAct
from donate.finance.roles import Role
from donate.storage.database import Database
from tests.finance.finance_site import NOW, PAGES, FinanceSite, csrf, fields, open_site, sign_in


def summary(act: StaffAct) -> tuple[Any, ...]:
    return act.act, act.staff_id, act.address, act.happened_at


def test_signing_in_and_out_is_recorded(site: FinanceSite) -> None:
    """The trail records who signed in or out, when, and from which IP address."""
    staff_id = site.add_staff()
    site.wait(hours=1)
    signed_in_at = site.clock.now()
    browser = site.browser("2001:db8::1")
    sign_in(browser)
    site.wait(minutes=3)
    browser.post("/finance/sign-out", data={"csrf": csrf(browser)})
    assert [summary(act) for act in site.acts()[1:]] == [
        ("signed_in", staff_id, "2001:db8::/56", signed_in_at),
        ("signed_out", staff_id, "2001:db8::1", site.clock.now()),
    ]


@pytest.mark.parametrize(
    ("method", "path", "typed", "why"),
    [
        ("POST", "/finance/sign-out", {"csrf": "stale"}, "stale form"),
        ("GET", "/finance/activity", {}, "needs finance"),
        ("DELETE", "/finance/gifts", {}, "wrong method"),
    ],
    ids=["stale form", "not allowed", "wrong method"],
)
def test_a_refusal_says_who_tried_what(
    site: FinanceSite, method: str, path: str, typed: dict[str, str], why: str
) -> None:
    """The trail records which request of a user was refused, and why."""
    browser = site.signed_in(Role.VIEWER)
    staff_id = site.staff("viewer@example.org").id
    site.wait(seconds=5)
    answer = browser.request(method, path, data=typed or None)
    assert "Signed in as Ann Lee (Viewer)." in answer.text
    act = site.acts()[-1]
    assert summary(act) == ("refused", staff_id, "203.0.113.5", site.clock.now())
    assert (act.about, act.detail) == (f"{method} {path}", {"why": why})


@pytest.mark.parametrize("password", ["not the password", ""])
def test_a_refused_sign_in_is_recorded(site: FinanceSite, password: str) -> None:
    """The trail records a sign-in with a wrong password by IP address and account."""
    site.add_staff()
    assert sign_in(site.browser(), password=password).status_code == 401
    act = site.acts()[-1]
    assert summary(act) == ("refused", None, "203.0.113.5", NOW)
    assert act.detail == {"why": "wrong e-mail or password", "account": "ann@example.org"}


@pytest.mark.parametrize(
    ("query", "target"),
    [
        ("", "/finance"),
        ("?next=/finance/activity", "/finance/activity"),
        ("?next=//evil.example", "/finance"),
    ],
)
def test_who_is_signed_in_is_redirected(site: FinanceSite, query: str, target: str) -> None:
    """A signed-in user who opens the sign-in form is redirected to the requested page."""
    answer = site.signed_in().get(f"/finance/sign-in{query}")
    assert (answer.status_code, answer.headers["location"]) == (303, target)


def test_a_form_token_is_used_once(site: FinanceSite) -> None:
    """Signing in deletes the cookie of the sign-in form, so the next form has another token."""
    site.add_staff()
    browser = site.browser()
    before = fields(browser.get("/finance/sign-in"))["form_token"]
    assert sign_in(browser).status_code == 303
    assert "donate_form" not in browser.cookies
    browser.post("/finance/sign-out", data={"csrf": csrf(browser)})
    assert fields(browser.get("/finance/sign-in"))["form_token"] != before


def test_the_sign_in_form_needs_no_database() -> None:
    """The sign-in form opens even if the database cannot be reached."""
    site = open_site(Database("sqlite:////nowhere/at/all"))
    assert site.browser().get("/finance/sign-in").status_code == 200


@pytest.mark.parametrize("https", [True, False])
def test_a_cookie_is_deleted_with_its_attributes(https: bool) -> None:
    """A `__Host-` cookie is deleted with the attributes it was set with, as browsers require."""
    gate = Gate(Database("sqlite:////nowhere/at/all"), PAGES, FixedClock(NOW), https=https)

    def attributes(response: Response) -> set[str]:
        parts = {part.strip().lower() for part in response.headers["set-cookie"].split(";")[1:]}
        return {part for part in parts if not part.startswith(("expires=", "max-age="))}

    set_response, drop_response = Response(), Response()
    gate.cookies.set(set_response, gate.session_cookie, "secret")
    gate.cookies.drop(drop_response, gate.session_cookie)
    safe = {"secure"} if https else set()
    assert attributes(set_response) == {"httponly", "samesite=lax", "path=/"} | safe
    assert attributes(drop_response) == attributes(set_response)
    assert "max-age=0" in drop_response.headers["set-cookie"].lower()


def post(browser: TestClient, **more: Any) -> int:
    return browser.post("/finance/sign-in", **more).status_code


@pytest.mark.parametrize(
    ("how_many", "status"), [(40, 403), (41, 400)], ids=["the most", "one more"]
)
def test_a_form_has_at_most_forty_fields(site: FinanceSite, how_many: int, status: int) -> None:
    """A form with more than forty fields gets 400, before it is parsed further."""
    typed = {f"field_{number}": "x" for number in range(how_many)}
    assert post(site.browser(), data=typed) == status


def test_no_file_is_taken(site: FinanceSite) -> None:
    """A form with a file is refused before the file is stored."""
    sent = {"email": ("a.txt", b"ann@example.org")}
    assert post(site.browser(), files=sent) == 400


def test_a_broken_form_is_refused(site: FinanceSite) -> None:
    """A form that cannot be parsed gets 400."""
    headers = {"content-type": "multipart/form-data; boundary=b"}
    assert post(site.browser(), content=b"--c\r\nno form at all", headers=headers) == 400


def test_the_body_of_a_get_request_is_ignored(site: FinanceSite) -> None:
    """The staff pages ignore the body of a GET request."""
    headers = {"content-type": "multipart/form-data; boundary=b; charset=punycode"}
    answer = site.browser().request("GET", "/finance/sign-in", content=b"x", headers=headers)
    assert answer.status_code == 200


def test_a_link_on_another_site_opens_a_page(site: FinanceSite) -> None:
    """A link on another site can open a staff page, because a GET request changes nothing."""
    answer = site.signed_in().get("/finance/gifts", headers={"sec-fetch-site": "cross-site"})
    assert answer.status_code == 200


def test_openapi_lists_no_staff_page(site: FinanceSite) -> None:
    """The OpenAPI description lists no staff page."""
    assert site.app.openapi()["paths"] == {}
