"""Which web pages may open a gift: those that are named, and only that."""

from collections.abc import Iterator

import pytest

from tests.api.program import GIFT, Program, calling, keyed
from tests.real_parts import Sqlite

PAGE = "https://www.example.org"


@pytest.fixture
def named(sqlite: Sqlite) -> Iterator[Program]:
    """A service that names one page."""
    with calling(sqlite.fresh_url(), embed_origins=PAGE) as program:
        yield program


def asks_first(program: Program, origin: str, path: str = "/api/v1/gifts") -> dict[str, str]:
    asked = {
        "Origin": origin,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type,idempotency-key,accept-language",
    }
    return dict(program.http.options(path, headers=asked).headers)


def test_a_named_page_may_open_a_gift(named: Program) -> None:
    """Its browser is told so beforehand, and may read the answer, errors included."""
    assert asks_first(named, PAGE)["access-control-allow-origin"] == PAGE
    for changes, status in (({}, 201), ({"code": "NOWHERE"}, 422)):
        answer = named.http.post(
            "/api/v1/gifts", json=GIFT | changes, headers=keyed(None) | {"Origin": PAGE}
        )
        assert answer.status_code == status
        assert answer.headers["access-control-allow-origin"] == PAGE
        assert "access-control-allow-credentials" not in answer.headers


@pytest.mark.parametrize(
    "origin",
    ["https://evil.example", f"{PAGE}.evil.example", "null", f"{PAGE}:8443"],
)
def test_no_other_page_may(named: Program, origin: str) -> None:
    """What is not exactly a named origin is told nothing, before or after."""
    assert "access-control-allow-origin" not in asks_first(named, origin)
    answer = named.http.post("/api/v1/gifts", json=GIFT, headers=keyed(None) | {"Origin": origin})
    assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize("path", ["/api/v1/gifts/x", "/give/LWCAN", "/finance", "/webhooks/stripe"])
def test_nothing_else_is_opened(named: Program, path: str) -> None:
    """A named page may post a gift; it may read no gift, no page and no staff page."""
    assert "access-control-allow-origin" not in asks_first(named, PAGE, path)
    answer = named.http.get(path, headers={"Origin": PAGE})
    assert "access-control-allow-origin" not in answer.headers


def test_without_names_nobody_may(program: Program) -> None:
    """As it is shipped, no page may open gifts from a script."""
    assert "access-control-allow-origin" not in asks_first(program, PAGE)
