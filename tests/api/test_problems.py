"""Every error under /api/ is a problem document, with the usual security headers."""

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from donate.web import error_answers
from donate.web.templating import Pages
from tests.api.program import Program, calling, problem_in
from tests.real_parts import Sqlite


@pytest.mark.parametrize(
    "path", ["/api/", "/api/v1", "/api/v1/gift", "/api/v2/gifts", "/api/v1/gifts/"]
)
def test_unknown_paths(program: Program, path: str) -> None:
    """An unknown path under /api/ gets 404 as a problem document."""
    problem_in(program.http.get(path), 404)


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/api/v1/gifts", "POST"),
        ("PUT", "/api/v1/gifts", "POST"),
        ("DELETE", "/api/v1/gifts/1", "GET"),
        ("POST", "/api/v1/regions/LWCAN", "GET"),
        ("POST", "/api/v1/openapi.json", "GET"),
    ],
)
def test_other_methods(program: Program, method: str, path: str, allowed: str) -> None:
    """A method that a path does not allow gets a problem document with 405 and an Allow header."""
    answer = program.http.request(method, path)
    problem_in(answer, 405)
    assert answer.headers["allow"] == allowed


def test_headers_of_every_answer(program: Program) -> None:
    """Error answers have the usual security headers, even if the body was too large."""
    for answer in (program.http.get("/api/v1/x"), program.send(b" " * 70_000)):
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"


def test_database_out_of_reach(sqlite: Sqlite) -> None:
    """If the database is locked, the answer is 503 with Retry-After."""
    with calling(sqlite.fresh_url()) as program:
        with program.database.writing() as session:
            session.connection()  # The write lock is held until the request times out.
            answer = program.open()
        problem_in(answer, 503)
        assert int(answer.headers["retry-after"]) > 0
        assert program.open().status_code == 201


def test_unexpected_errors_are_not_quoted() -> None:
    """An unexpected error gets 500 as a problem document that does not quote the error."""
    app = FastAPI(openapi_url=None)
    error_answers.install(app, Pages())

    @app.get("/api/v1/broken")
    def broken() -> None:
        raise RuntimeError("the secret is in the text")

    with TestClient(app, raise_server_exceptions=False) as client:
        answer = client.get("/api/v1/broken")
    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert "secret" not in answer.text
