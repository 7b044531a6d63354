"""An HTTP client that acts as a donor's browser without JavaScript."""

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
from tests.links import token_of
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
    """Ids of the gifts that existed before this visit."""

    def get(self, path: str, language: str = "en-CA") -> Response:
        return self.client.get(path, headers={"accept-language": language}, follow_redirects=False)

    def nonce(self, code: str = "LWCAN") -> str:
        match = re.search(r'name="nonce" value="([^"]+)"', self.get(f"/give/{code}").text)
        assert match
        return match[1]

    def give(self, code: str = "LWCAN", **fields: Any) -> Response:
        """Send the form filled in for ANNE, with these fields replaced; None leaves a field out."""
        filled = ANNE | {"lang": "en-CA"} | fields
        if "nonce" not in filled:
            filled["nonce"] = self.nonce(code)
        return self.post(f"/give/{code}", **filled)

    def post(self, path: str, **fields: Any) -> Response:
        data = {name: value for name, value in fields.items() if value is not None}
        return self.client.post(path, data=data, follow_redirects=False)

    def gifts(self) -> list[Gift]:
        """Return the gifts that this visitor opened, oldest first."""
        with self.database.reading() as session:
            rows = session.exec(select(Gift).order_by(col(Gift.id)))
            return [gift for gift in rows if gift.id not in self.before]

    def open_gift(self, code: str = "LWCAN", **fields: Any) -> Gift:
        """Send the form, and return the gift that it opened."""
        answer = self.give(code, **fields)
        assert answer.status_code == 303, words_of(answer.text)
        token = re.split(r"[/?]", answer.headers["location"])[2]
        return next(gift for gift in self.gifts() if token_of(gift) == token)


@contextmanager
def visiting(database: Database, url: str, **settings: Any) -> Iterator[Visitor]:
    app = create_app(make_settings(url, **settings))
    with TestClient(app, raise_server_exceptions=False) as client:
        yield Visitor(client, database)


def words_of(page: str) -> str:
    """Return the visible text of the page's <main> element."""
    main = re.search(r"<main.*</main>", page, re.DOTALL)
    bare = re.sub(r"<[^>]+>", " ", re.sub(r"<wbr>", "", main[0] if main else page))
    return re.sub(r"[ \n]+", " ", html.unescape(bare))


def value_of(page: str, field: str) -> str:
    match = re.search(rf'<input [^>]*\bid="{field}"[^>]*?\bvalue="([^"]*)"', page)
    assert match, field
    return html.unescape(match[1])


def error_at(page: str, field: str) -> str:
    """Return the error message at a field of the page, or an empty string."""
    match = re.search(rf'id="{field}-error">(.*?)</p>', page, re.DOTALL)
    return html.unescape(match[1]) if match else ""
