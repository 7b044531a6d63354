"""Web pages of configured origins may open gifts through the API, and do nothing else."""

from collections.abc import Iterator

import pytest

from tests.api.program import GIFT, Program, calling, keyed
from tests.real_parts import Sqlite

PAGE = "https://www.example.org"


@pytest.fixture
def with_origin(sqlite: Sqlite) -> Iterator[Program]:
    """A client of a service with one configured origin."""
    with calling(sqlite.fresh_url(), embed_origins=PAGE) as program:
        yield program


def preflight(program: Program, origin: str, path: str = "/api/v1/gifts") -> dict[str, str]:
    headers = {
        "Origin": origin,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type,idempotency-key,accept-language",
    }
    return dict(program.http.options(path, headers=headers).headers)


def test_a_configured_origin_may_open_a_gift(with_origin: Program) -> None:
    """A page of a configured origin passes the preflight, and may read answers and errors."""
    assert preflight(with_origin, PAGE)["access-control-allow-origin"] == PAGE
    for changes, status in (({}, 201), ({"code": "NOWHERE"}, 422)):
        answer = with_origin.http.post(
            "/api/v1/gifts", json=GIFT | changes, headers=keyed(None) | {"Origin": PAGE}
        )
        assert answer.status_code == status
        assert answer.headers["access-control-allow-origin"] == PAGE
        assert "access-control-allow-credentials" not in answer.headers


@pytest.mark.parametrize(
    "origin",
    ["https://evil.example", f"{PAGE}.evil.example", "null", f"{PAGE}:8443"],
)
def test_no_other_origin_may_open_a_gift(with_origin: Program, origin: str) -> None:
    """A page of any other origin gets no CORS headers."""
    assert "access-control-allow-origin" not in preflight(with_origin, origin)
    answer = with_origin.http.post(
        "/api/v1/gifts", json=GIFT, headers=keyed(None) | {"Origin": origin}
    )
    assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize("path", ["/api/v1/gifts/x", "/give/LWCAN", "/finance", "/webhooks/stripe"])
def test_no_other_path_has_cors_headers(with_origin: Program, path: str) -> None:
    """A configured origin gets CORS headers for opening gifts, and for no other path."""
    assert "access-control-allow-origin" not in preflight(with_origin, PAGE, path)
    answer = with_origin.http.get(path, headers={"Origin": PAGE})
    assert "access-control-allow-origin" not in answer.headers


def test_by_default_no_origin_may_open_a_gift(program: Program) -> None:
    """If no origin is configured, no page of another site may open gifts."""
    assert "access-control-allow-origin" not in preflight(program, PAGE)
