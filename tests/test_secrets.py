"""Who shows a secret is let in, and nobody who shows a part of it, or something like it."""

from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from donate.app import create_app
from donate.web.secret_tokens import same_secret
from tests.real_parts import Sqlite, make_settings

TOKEN = "scrape-me-6fa459eaee8a"


@pytest.fixture(scope="module")
def client(sqlite: Sqlite) -> Iterator[TestClient]:
    with TestClient(create_app(make_settings(sqlite.fresh_url(), metrics_token=TOKEN))) as client:
        yield client


def metrics(client: TestClient, header: str | None) -> int:
    headers = {} if header is None else {"Authorization": header}
    return client.get("/metrics", headers=headers).status_code


def test_the_right_token_opens_the_metrics(client: TestClient) -> None:
    """The whole token, as a bearer token, opens the metrics."""
    assert metrics(client, f"Bearer {TOKEN}") == 200


@pytest.mark.parametrize(
    "header",
    [
        *(None, "", " ", "Bearer", "Bearer ", TOKEN, f"Basic {TOKEN}", f"Token {TOKEN}"),
        *(f"Bearer{TOKEN}", f"Bearer  {TOKEN}", f"Bearer\t{TOKEN}", f"Bearer Bearer {TOKEN}"),
        *(f"Bearer {TOKEN[:-1]}", f"Bearer {TOKEN[:1]}", f"Bearer {TOKEN}x", f"Bearer x{TOKEN}"),
        *(f"Bearer {TOKEN[1:]}", f"Bearer {TOKEN.upper()}", f"Bearer {TOKEN[::-1]}"),
        *(f"Bearer {TOKEN} {TOKEN}", f"Bearer {TOKEN},", f"bearer {TOKEN}"),
    ],
)
def test_nothing_else_opens_the_metrics(client: TestClient, header: str | None) -> None:
    """A part of the token, more than the token, or another scheme gets 404."""
    assert metrics(client, header) == 404


@pytest.mark.parametrize("token", ["", " ", "\t"])
def test_without_a_token_there_are_no_metrics(sqlite: Sqlite, token: str) -> None:
    """If no token is configured, no header opens the metrics, an empty one least of all."""
    with TestClient(create_app(make_settings(sqlite.fresh_url(), metrics_token=token))) as client:
        for header in (None, "", "Bearer", "Bearer ", "Bearer  ", f"Bearer {token}", "Bearer None"):
            assert metrics(client, header) == 404


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ("abc", "abc", True),
        ("é", "é", True),
        *(("", "", False), ("abc", "", False), ("", "abc", False)),
        *(("abc", "abcd", False), ("abc", "ab", False), ("abc", "abc ", False)),
        *((" abc", "abc", False), ("ABC", "abc", False), ("é", "e", False), ("\ud800", "é", False)),
    ],
)
def test_only_equal_secrets_are_the_same(one: str, other: str, *, is_same: bool) -> None:
    """Two secrets are the same if every character is, and an empty one is no secret."""
    assert same_secret(one, other) == is_same
