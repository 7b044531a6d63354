"""The security headers and cookies of every route, and of every kind of error."""

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest
from httpx2 import Response
from starlette.requests import Request
from starlette.responses import Response as Answer
from starlette.routing import Route
from starlette.testclient import TestClient

from donate.app import create_app
from donate.clock import SystemClock
from donate.finance.roles import Role
from donate.storage.database import Database
from donate.web.secret_tokens import TokenCookies
from tests.finance.finance_site import start_staff_session
from tests.real_parts import Sqlite, make_settings

HOST = "https://give.example.org"
METHODS = ("GET", "POST", "PUT", "OPTIONS")
ID, NUMBER = "018f0000-0000-7000-8000-000000000000", "987654321"
PLACEHOLDERS = {"code": "LWCAN", "name": "donate.css", "number": NUMBER, "person_id": NUMBER}

# The paths whose answers a browser may keep, and those that pages of other sites may show.
MAY_BE_KEPT = re.compile(r"/static/.*|/give/[A-Z]+|/give/[A-Z]+/qr\.svg|/api/v1/regions/.*")
FOR_ANY_SITE = re.compile(r"/static/.*|/give/[A-Z]+/qr\.svg")


def csp(text: str) -> dict[str, list[str]]:
    return {name: rest for name, *rest in (part.split() for part in text.split(";") if part)}


def is_tight(policy: str, _path: str) -> bool:
    """Return whether a page runs no foreign code and stands in no foreign frame."""
    rules = csp(policy)
    nothing = ["'none'"]
    scripts = rules.get("script-src", rules["default-src"])
    return (
        rules["default-src"] == nothing
        and rules["base-uri"] == nothing
        and rules.get("object-src", rules["default-src"]) == nothing
        and rules["frame-ancestors"] in (nothing, ["'self'"])
        and scripts in (nothing, ["'self'"])
        and not {"*", "https:", "http:"} & {*rules["form-action"]}
    )


# One rule for each header of every answer over https.
RULES: dict[str, Callable[[str, str], bool]] = {
    "content-security-policy": is_tight,
    "strict-transport-security": lambda v, _: v == "max-age=31536000; includeSubDomains",
    "x-content-type-options": lambda value, _: value == "nosniff",
    "referrer-policy": lambda value, _: value == "no-referrer",
    "cross-origin-opener-policy": lambda value, _: value == "same-origin",
    "cross-origin-resource-policy": lambda value, path: (
        value == "same-origin" or (value == "cross-origin" and bool(FOR_ANY_SITE.fullmatch(path)))
    ),
    "permissions-policy": lambda value, _: (
        {"camera=()", "microphone=()", "geolocation=()"} <= {*value.split(", ")}
    ),
    "cache-control": lambda value, path: value == "no-store" or bool(MAY_BE_KEPT.fullmatch(path)),
}


def says_its_type(answer: Response) -> bool:
    """Return whether a body has a media type, and a text in one of XML's or HTML's also UTF-8."""
    kind, _, charset = answer.headers.get("content-type", "").partition(";")
    is_text = kind.startswith("text/") or kind.endswith(("/xml", "+xml"))
    return not answer.content or (bool(kind) and (not is_text or "charset=utf-8" in charset))


def broken_rules(answer: Response, path: str) -> list[str]:
    """Return which headers of an answer break their rule, and which cookies theirs."""
    headers = answer.headers
    broken = [name for name, holds in RULES.items() if not holds(headers.get(name, "x"), path)]
    broken += [c for c in headers.get_list("set-cookie") if not is_safe_cookie(c)]
    broken += [] if says_its_type(answer) else ["content-type"]
    return broken + (["server"] if "server" in headers else [])


def is_safe_cookie(cookie: str) -> bool:
    name, *rest = cookie.lower().split("; ")
    return name.startswith("__host-") and {"httponly", "secure", "path=/", "samesite=lax"} <= {
        *rest
    }


def every_path(routes: Iterable[Any]) -> Iterator[str]:
    """Yield the path of each route, also of routers inside routers."""
    for route in routes:
        if hasattr(route, "path"):
            yield route.path
        elif hasattr(route, "effective_candidates"):
            yield from every_path(route.effective_candidates())
        else:
            yield from every_path(route.routes)


def filled(path: str) -> str:
    return re.sub(r"{(\w+)(:\w+)?}", lambda m: PLACEHOLDERS.get(m[1], ID), path)


def fail(_request: Request) -> Answer:
    raise RuntimeError("an error that nobody foresaw")


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """Return a browser at the whole service over https, signed in as an admin."""
    folder = tmp_path_factory.mktemp("headers")
    url = Sqlite(folder).fresh_url()
    settings = make_settings(
        url,
        public_url=HOST,
        demo=True,
        letters_folder=folder,
        mail_from="give@example.org",
        metrics_token="a token for the metrics only",
        embed_origins=["https://www.example.org"],
    )
    app = create_app(settings)
    app.router.routes.insert(0, Route("/broken", fail))
    app.router.routes.insert(0, Route("/api/broken", fail))
    with TestClient(app, base_url=HOST, raise_server_exceptions=False) as client:
        client.follow_redirects = False
        database = Database(url)
        with database.writing() as session:
            token = start_staff_session(session, role=Role.ADMIN, now=SystemClock().now())
        database.close()
        client.cookies.set("__Host-donate_staff", token, domain="give.example.org")
        yield client


def test_every_route_has_every_header(client: TestClient) -> None:
    """Each route answers each method with all headers, to staff and to strangers."""
    paths = sorted({filled(path) for path in every_path(client.app.router.routes)})  # type: ignore[attr-defined]
    assert {"/give/LWCAN", "/webhooks/stripe", "/metrics", "/api/v1/gifts", "/my-gifts"} <= {*paths}
    assert len(paths) > 100
    cookies = client.cookies
    broken, statuses = {}, set()
    for path in paths:
        for method in METHODS:
            if path == "/finance/sign-out" or path.endswith(("/me/session-ended", "s-ended")):
                continue  # these would end the session that this test needs
            answer = client.request(method, path)
            statuses.add(answer.status_code)
            if found := broken_rules(answer, path):
                broken[method, path] = found
        client.cookies = {} if path.startswith("/finance") else cookies
        stranger = client.get(path)
        client.cookies = cookies
        if found := broken_rules(stranger, path):
            broken["stranger", path] = found
    assert broken == {}
    assert {200, 303, 403, 404, 405, 422, 500} <= statuses


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/nowhere/at/all", b"", 404),
        ("GET", "/api/v1/nowhere", b"", 404),
        ("GET", "/static/nothing.js", b"", 404),
        ("GET", "/finance/nowhere", b"", 404),
        ("PUT", "/", b"", 405),
        ("POST", "/give/LWCAN", b"x" * 70_000, 413),
        ("POST", "/api/v1/gifts", b"x" * 70_000, 413),
        ("POST", "/webhooks/stripe", b"x" * 600_000, 413),
        ("POST", "/webhooks/stripe", b"{}", 400),
        ("POST", "/give/LWCAN", b"", 422),
        ("POST", "/api/v1/gifts", b"{}", 415),
        ("GET", "/metrics", b"", 404),
        ("GET", "/give/LWCAN/", b"", 308),
        ("GET", "/broken", b"", 500),
        ("GET", "/api/broken", b"", 500),
    ],
)
def test_every_error_has_every_header(
    client: TestClient, method: str, path: str, body: bytes, status: int
) -> None:
    """Errors of each kind have all headers, on pages, in the API and in webhooks."""
    answer = client.request(method, path, content=body)
    assert answer.status_code == status
    assert broken_rules(answer, path) == []


@pytest.mark.parametrize("path", ["/", "/give/LWCAN", "/api/v1/gifts", "/webhooks/stripe"])
def test_trace_is_refused(client: TestClient, path: str) -> None:
    """TRACE, which would show a script the headers of its own request, gets 405 and no echo."""
    answer = client.request("TRACE", path, headers={"X-Echo": "canary"})
    assert answer.status_code == 405
    assert "canary" not in answer.text


def test_cookies_of_a_sign_in(client: TestClient) -> None:
    """The cookies of the sign-in form and of the language are safe."""
    kept, client.cookies = client.cookies, {}
    answer = client.get("/finance/sign-in?lang=fr-CA")
    client.cookies = kept
    names = {cookie.partition("=")[0] for cookie in answer.headers.get_list("set-cookie")}
    assert names == {"__Host-donate_form", "__Host-donate_language"}
    assert broken_rules(answer, "/finance/sign-in") == []


def test_a_cookie_needs_its_prefix() -> None:
    """Over https, no cookie can be set or deleted without `__Host-` and its attributes."""
    cookies, answer = TokenCookies(https=True), Answer()
    with pytest.raises(ValueError, match="prefix"):
        cookies.set(answer, "donate_staff", "secret")
    cookies.set(answer, cookies.name("donate_staff"), "secret")
    cookies.drop(answer, cookies.name("donate_staff"))
    assert [is_safe_cookie(each) for each in answer.headers.getlist("set-cookie")] == [True, True]


def test_plain_http_promises_no_https(sqlite: Sqlite) -> None:
    """Without https there is no HSTS header, but all others are there."""
    app = create_app(make_settings(sqlite.fresh_url()))
    with TestClient(app) as client:
        answer = client.get("/give/LWCAN")
    assert broken_rules(answer, "/give/LWCAN") == ["strict-transport-security"]
    assert "strict-transport-security" not in answer.headers
