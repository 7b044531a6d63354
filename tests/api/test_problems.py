"""Whatever goes wrong under /api/ is a problem document, with the headers of every answer."""

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
def test_no_such_place(program: Program, path: str) -> None:
    """An address that never was is a 404 problem."""
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
    """Another method is a 405 problem that says which are allowed."""
    answer = program.http.request(method, path)
    problem_in(answer, 405)
    assert answer.headers["allow"] == allowed


def test_headers_of_every_answer(program: Program) -> None:
    """A refusal has the headers that keep answers from being kept or sniffed, large ones too."""
    for answer in (program.http.get("/api/v1/x"), program.send(b" " * 70_000)):
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"


def test_database_out_of_reach(sqlite: Sqlite) -> None:
    """With a database that takes no write the answer is 503 with a time to wait, not 500."""
    with calling(sqlite.fresh_url()) as program:
        with program.database.writing() as session:
            session.connection()  # as another process would, for longer than anybody waits
            answer = program.open()
        problem_in(answer, 503)
        assert int(answer.headers["retry-after"]) > 0
        assert program.open().status_code == 201


def test_nothing_internal() -> None:
    """An error that nobody foresaw is a 500 problem without a word of what it was."""
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
