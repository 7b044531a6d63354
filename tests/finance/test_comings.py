"""Sign-ins, sign-outs and refusals in the trail, and what the sign-in page shows."""

from typing import Any

import pytest
from fastapi.testclient import TestClient
from starlette.responses import Response

from donate.clock import FixedClock
from donate.finance.access import Gate
from donate.finance.models import Role, StaffAct
from donate.storage.database import Database
from tests.finance.finance_site import NOW, PAGES, FinanceSite, csrf, fields, open_site, sign_in


def summary(act: StaffAct) -> tuple[Any, ...]:
    return act.act, act.staff_id, act.address, act.happened_at


def test_coming_and_going_is_recorded(site: FinanceSite) -> None:
    """The trail records who signed in and out, when and from where."""
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
        ("GET", "/finance/trail", {}, "needs finance"),
        ("DELETE", "/finance/gifts", {}, "wrong method"),
    ],
    ids=["stale form", "not allowed", "wrong method"],
)
def test_a_refusal_says_who_tried_what(
    site: FinanceSite, method: str, path: str, typed: dict[str, str], why: str
) -> None:
    """The trail records who was refused what, and the page still shows who is signed in."""
    browser = site.signed_in(Role.VIEWER)
    staff_id = site.staff("viewer@example.org").id
    site.wait(seconds=5)
    answer = browser.request(method, path, data=typed or None)
    assert "Signed in as Ann Lee (viewer)." in answer.text
    act = site.acts()[-1]
    assert summary(act) == ("refused", staff_id, "203.0.113.5", site.clock.now())
    assert (act.about, act.detail) == (f"{method} {path}", {"why": why})


@pytest.mark.parametrize("password", ["not the password", ""])
def test_a_refused_sign_in_is_recorded(site: FinanceSite, password: str) -> None:
    """The trail records a wrong password with the address, but without a user."""
    site.add_staff()
    assert sign_in(site.browser(), password=password).status_code == 401
    act = site.acts()[-1]
    assert summary(act) == ("refused", None, "203.0.113.5", NOW)
    assert act.detail == {"why": "wrong e-mail or password"}


@pytest.mark.parametrize(
    ("query", "target"),
    [
        ("", "/finance/gifts"),
        ("?next=/finance/trail", "/finance/trail"),
        ("?next=//evil.example", "/finance/gifts"),
    ],
)
def test_who_is_signed_in_is_led_on(site: FinanceSite, query: str, target: str) -> None:
    """A signed-in user who opens the sign-in form is redirected to the requested page."""
    answer = site.signed_in().get(f"/finance/sign-in{query}")
    assert (answer.status_code, answer.headers["location"]) == (303, target)


def test_the_form_is_used_up(site: FinanceSite) -> None:
    """Signing in removes the form's cookie, so the next form has another token."""
    site.add_staff()
    browser = site.browser()
    before = fields(browser.get("/finance/sign-in"))["form_token"]
    assert sign_in(browser).status_code == 303
    assert "donate_form" not in browser.cookies
    browser.post("/finance/sign-out", data={"csrf": csrf(browser)})
    assert fields(browser.get("/finance/sign-in"))["form_token"] != before


def test_a_stranger_sees_the_form_whatever_the_database_does() -> None:
    """Without a cookie the sign-in form needs no database."""
    site = open_site(Database("sqlite:////nowhere/at/all"))
    assert site.browser().get("/finance/sign-in").status_code == 200


@pytest.mark.parametrize("https", [True, False])
def test_a_cookie_is_dropped_as_it_was_set(https: bool) -> None:
    """A `__Host-` cookie is deleted with the attributes it was set with, as browsers require."""
    gate = Gate(Database("sqlite:////nowhere/at/all"), PAGES, FixedClock(NOW), https=https)

    def attributes(response: Response) -> set[str]:
        parts = {part.strip().lower() for part in response.headers["set-cookie"].split(";")[1:]}
        return {part for part in parts if not part.startswith(("expires=", "max-age="))}

    set_response, drop_response = Response(), Response()
    gate.set_cookie(set_response, gate.session_cookie, "secret")
    gate.drop_cookie(drop_response, gate.session_cookie)
    safe = {"secure"} if https else set()
    assert attributes(set_response) == {"httponly", "samesite=lax", "path=/"} | safe
    assert attributes(drop_response) == attributes(set_response)
    assert "max-age=0" in drop_response.headers["set-cookie"].lower()


def post(browser: TestClient, **more: Any) -> int:
    return browser.post("/finance/sign-in", **more).status_code


@pytest.mark.parametrize(
    ("how_many", "status"), [(40, 403), (41, 400)], ids=["the most", "one more"]
)
def test_a_form_has_so_many_fields(site: FinanceSite, how_many: int, status: int) -> None:
    """A form of forty fields is parsed and refused for its token; a larger one is not parsed."""
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


def test_what_a_link_brings_along_is_not_read(site: FinanceSite) -> None:
    """The body of a GET request is ignored."""
    headers = {"content-type": "multipart/form-data; boundary=b; charset=punycode"}
    answer = site.browser().request("GET", "/finance/sign-in", content=b"x", headers=headers)
    assert answer.status_code == 200


def test_a_link_on_another_site_leads_in(site: FinanceSite) -> None:
    """A link from another site opens a page, because reading changes nothing."""
    answer = site.signed_in().get("/finance/gifts", headers={"sec-fetch-site": "cross-site"})
    assert answer.status_code == 200


def test_programs_are_told_of_no_page_for_staff(site: FinanceSite) -> None:
    """The OpenAPI description lists no staff page."""
    assert site.app.openapi()["paths"] == {}
