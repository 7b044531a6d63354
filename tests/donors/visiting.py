"""A donor's visit over HTTP, as a browser without JavaScript makes it."""

import html
import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from httpx2 import Response
from sqlmodel import col, select
from starlette.testclient import TestClient

from donate.app import create_app
from donate.gifts.models import Gift
from donate.storage.database import Database
from tests.real_parts import make_settings

REGIONS = Path(__file__).with_name("regions.toml")

ANNE = {
    "preset": "other",
    "amount": "50.00",
    "mode": "interac",
    "country": "CA",
    "name": "Anne Ouellet",
    "email": "anne@example.org",
    "frequency": "once",
}


@dataclass(frozen=True)
class Visitor:
    client: TestClient
    database: Database
    before: frozenset[uuid.UUID] = frozenset()
    """Gifts that were there when this visit began."""

    def get(self, path: str, language: str = "en-CA") -> Response:
        return self.client.get(path, headers={"accept-language": language}, follow_redirects=False)

    def nonce(self, code: str = "LWCAN") -> str:
        found = re.search(r'name="nonce" value="([^"]+)"', self.get(f"/give/{code}").text)
        assert found
        return found[1]

    def give(self, code: str = "LWCAN", **fields: Any) -> Response:
        """Post the form as Anne fills it in; a field that is None is left out."""
        filled = ANNE | {"lang": "en-CA"} | fields
        if "nonce" not in filled:
            filled["nonce"] = self.nonce(code)
        return self.post(f"/give/{code}", **filled)

    def post(self, path: str, **fields: Any) -> Response:
        given = {name: value for name, value in fields.items() if value is not None}
        return self.client.post(path, data=given, follow_redirects=False)

    def gifts(self) -> list[Gift]:
        """Return the gifts opened during this visit, the oldest first."""
        with self.database.reading() as session:
            found = session.exec(select(Gift).order_by(col(Gift.id)))
            return [gift for gift in found if gift.id not in self.before]

    def given(self, code: str = "LWCAN", **fields: Any) -> Gift:
        """Give, and return the gift whose page the donor was led to."""
        answer = self.give(code, **fields)
        assert answer.status_code == 303, words_of(answer.text)
        token = re.split(r"[/?]", answer.headers["location"])[2]
        return next(gift for gift in self.gifts() if gift.token == token)


@contextmanager
def visiting(database: Database, url: str, **settings: Any) -> Iterator[Visitor]:
    app = create_app(make_settings(url, **settings))
    with TestClient(app, raise_server_exceptions=False) as client:
        yield Visitor(client, database)


def words_of(page: str) -> str:
    """Return what one reads on a page, without its tags."""
    main = re.search(r"<main.*</main>", page, re.DOTALL)
    bare = re.sub(r"<[^>]+>", " ", re.sub(r"<wbr>", "", main[0] if main else page))
    return re.sub(r"[ \n]+", " ", html.unescape(bare))


def value_of(page: str, field: str) -> str:
    found = re.search(rf'<input [^>]*\bid="{field}"[^>]*?\bvalue="([^"]*)"', page)
    assert found, field
    return html.unescape(found[1])


def error_at(page: str, field: str) -> str:
    """Return the sentence that stands beside a field, or nothing."""
    found = re.search(rf'id="{field}-error">(.*?)</p>', page, re.DOTALL)
    return html.unescape(found[1]) if found else ""
