"""A URL with a trailing slash redirects donors and staff to the page; programs get no redirect."""

from collections.abc import Iterator

import pytest

from tests.links import token_of
from tests.real_parts import Sqlite
from tests.stripe_gateway.gifts_and_events import as_bytes, event, give, session_for
from tests.stripe_gateway.service import WEBHOOK_PATH, Service, serving


@pytest.fixture(scope="module")
def service(sqlite: Sqlite) -> Iterator[Service]:
    with serving(sqlite.fresh_url(), metrics_token="  clé ") as service:
        yield service


@pytest.mark.parametrize(
    ("path", "to"),
    [
        ("/give/LWCAN/", "/give/LWCAN"),
        ("/give/LWCAN/?amount=50&lang=fr-CA", "/give/LWCAN?amount=50&lang=fr-CA"),
        ("/give/LWCAN//", "/give/LWCAN"),
        ("/gifts/{token}/", "/gifts/{token}"),
        ("/pledges/{token}/", "/pledges/{token}"),
        ("/finance/", "/finance"),
        ("/finance/gifts/?status=confirmed", "/finance/gifts?status=confirmed"),
        ("/give/%0d%0aSet-Cookie:x/", "/give/%0d%0aSet-Cookie:x"),
    ],
)
def test_a_trailing_slash_redirects(service: Service, path: str, to: str) -> None:
    """A page's URL with a trailing slash redirects to the URL without it, and keeps the query."""
    token = token_of(give(service.database))
    for method in ("GET", "HEAD"):
        answer = service.http.request(method, path.format(token=token))
        assert (answer.status_code, answer.headers["location"]) == (308, to.format(token=token))
        assert answer.headers["cache-control"] == "no-store"
    assert service.http.get("/give/LWCAN/", follow_redirects=True).status_code == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/give/LWCAN/"),
        ("POST", "/api/v1/gifts/"),
        ("GET", "/api/v1/regions/LWCAN/"),
        ("POST", "/finance/sign-in/"),
        ("GET", "//evil.example/"),
        ("GET", "/\\evil.example/"),
        ("GET", "/static/"),
        ("GET", "/healthz/"),
    ],
)
def test_nothing_else_redirects(service: Service, method: str, path: str) -> None:
    """POST requests, API calls and paths that are no page get no redirect."""
    answer = service.http.request(method, f"{service.url}{path}")
    assert answer.status_code in (401, 403, 404, 405)
    assert "location" not in answer.headers


def test_the_webhook_never_redirects(service: Service) -> None:
    """The webhook with a trailing slash is 404, because Stripe follows no redirect."""
    body = as_bytes(event("checkout.session.completed", session_for(give(service.database))))
    answer = service.http.post(f"{WEBHOOK_PATH}/", content=body)
    assert answer.status_code == 404
    assert service.http.get(f"{WEBHOOK_PATH}/").status_code == 404


def test_a_token_may_have_accents(service: Service) -> None:
    """The bearer token of /metrics may have accents, and a wrong one with accents gets 404."""
    for token, status in (("clé", 200), ("cle", 404), ("\u00e9", 404)):
        headers = {b"authorization": f"Bearer {token}".encode()}
        assert service.http.get("/metrics", headers=headers).status_code == status
