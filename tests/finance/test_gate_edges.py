"""Which headers show that another site sent a form, and where a sign-in may lead."""

from urllib.parse import parse_qs, urlsplit

import pytest
from starlette.requests import Request

from donate.finance.staff.addresses import HOME, safe_next
from donate.web.origins import is_cross_site
from tests.finance.finance_site import FinanceSite, fields


def request_with(**headers: str) -> Request:
    headers = {"host": "give.example.org"} | headers
    raw = [(key.replace("_", "-").encode(), value.encode()) for key, value in headers.items()]
    return Request({"type": "http", "headers": raw})


@pytest.mark.parametrize(
    ("headers", "is_elsewhere"),
    [
        ({}, False),
        ({"sec_fetch_site": "same-origin"}, False),
        ({"sec_fetch_site": "none"}, False),
        ({"sec_fetch_site": "same-site"}, True),
        ({"sec_fetch_site": "cross-site"}, True),
        ({"sec_fetch_site": ""}, True),
        ({"sec_fetch_site": "cross-site", "origin": "https://give.example.org"}, True),
        ({"sec_fetch_site": "same-origin", "origin": "https://evil.example"}, False),
        ({"origin": "null"}, False),
        ({"origin": "https://give.example.org"}, False),
        ({"origin": "http://give.example.org"}, False),
        ({"origin": "https://give.example.org:8443"}, True),
        ({"origin": "https://evil.example"}, True),
        ({"origin": "https://evil.example/give.example.org"}, True),
        ({"origin": "give.example.org"}, True),
        ({"origin": ""}, True),
    ],
    ids=str,
)
def test_a_form_of_another_site_is_recognised(headers: dict[str, str], is_elsewhere: bool) -> None:
    """A form of another site is recognised by `Sec-Fetch-Site` or, if that is missing, `Origin`."""
    assert is_cross_site(request_with(**headers)) == is_elsewhere


@pytest.mark.parametrize(
    "target",
    [
        "/finance",
        "/finance/",
        "/finance/gifts",
        "/finance/gifts?status=awaited&q=%20a",
        "/finance/gifts?next=//evil.example",
        "/finance/gifts?q=../..",
        "/finance/a.b/..c",
    ],
)
def test_a_sign_in_may_lead_to_a_staff_page(target: str) -> None:
    """After a sign-in, the URL in `next` is opened if it is a staff page."""
    assert safe_next(target) == target


@pytest.mark.parametrize(
    "target",
    [
        "",
        "/",
        "finance/gifts",
        "/finance.evil",
        "evil.example/finance/gifts",
        "javascript:/finance/gifts",
        "/Finance/gifts",
        "/finance/./gifts",
        "/finance/..",
        "/finance//gifts",
        "//finance/gifts",
        "/finance/gifts?q=\u00e9",
        "/finance/\u00e9",
        "/finance/gifts?q=\x7f",
        "/finance/gifts\t",
        "/finance/gifts#top",
        "/finance/gifts?q=#top",
        "/finance/gifts?q=\\",
        "/finance/sign-in",
        "/finance/sign-in?next=/finance",
        "/finance/sign-out",
    ],
    ids=ascii,
)
def test_a_sign_in_leads_nowhere_else(target: str) -> None:
    """After a sign-in, the overview is opened if `next` is not a staff page."""
    assert safe_next(target) == HOME == "/finance"


@pytest.mark.parametrize(
    ("method", "path", "back", "done"),
    [
        ("GET", "/finance/gifts", "/finance/gifts", None),
        ("GET", "/finance/gifts?status=awaited", "/finance/gifts?status=awaited", None),
        ("POST", "/finance/gifts/1/received?x=1", "/finance/gifts/1", "not-recorded"),
        ("POST", "/finance/sign-out", "/finance", "not-recorded"),
    ],
)
def test_who_was_sent_to_sign_in_comes_back(
    site: FinanceSite, method: str, path: str, back: str, done: str | None
) -> None:
    """After a sign-in, the user gets the page they requested, or the page of the form they sent."""
    answer = site.browser().request(method, path)
    assert answer.status_code == 303
    target = urlsplit(answer.headers["location"])
    query = {key: value[0] for key, value in parse_qs(target.query).items()}
    assert target.path == "/finance/sign-in"
    assert query == {"next": back} | ({"done": done} if done else {})
    assert site.refusals() == ["not signed in"]


@pytest.mark.parametrize(
    ("token", "is_kept"),
    [
        ("a" * 20, True),
        ("a" * 100, True),
        ("a" * 19, False),
        ("a" * 101, False),
        ("\u00e9" * 30, False),
    ],
    ids=["shortest", "longest", "too short", "too long", "not ASCII"],
)
def test_only_a_token_like_ours_is_kept(site: FinanceSite, token: str, is_kept: bool) -> None:
    """The sign-in form keeps the token in the browser's cookie only if it could be one of ours."""
    browser = site.browser()
    cookie = f"donate_form={token}".encode("latin-1")
    answer = browser.get("/finance/sign-in", headers=[(b"cookie", cookie)])
    assert answer.status_code == 200
    assert (fields(answer)["form_token"] == token) == is_kept
