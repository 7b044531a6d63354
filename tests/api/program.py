"""An API client that calls the service over HTTP, on a real port."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from sqlmodel import col, select

from donate.app import create_app
from donate.gifts.models import Gift
from donate.storage.database import Database
from tests.real_parts import caller, make_settings, served
from tests.sandbox.running import run_sandbox

REGIONS = Path(__file__).with_name("regions.toml")

ANN = {"name": "Ann Lee", "email": "ann@example.com"}
GIFT: dict[str, Any] = {
    "code": "LWCAN",
    "mode": "interac",
    "amount_minor": 5000,
    "currency": "CAD",
    "frequency": "once",
    "country": "CA",
    "donor": ANN,
}


def new_key() -> str:
    return str(uuid.uuid4())


@dataclass(frozen=True)
class Program:
    url: str
    http: httpx.Client
    database: Database

    def open(self, key: str | None = None, /, **changes: Any) -> httpx.Response:
        """Request the gift GIFT with these changes; without a key, the idempotency key is new."""
        return self.http.post("/api/v1/gifts", json=GIFT | changes, headers=keyed(key))

    def send(self, body: bytes, **headers: str) -> httpx.Response:
        """Request a gift with exactly these bytes as the body."""
        all_headers = {"Content-Type": "application/json"} | keyed(None) | headers
        return self.http.post("/api/v1/gifts", content=body, headers=all_headers)

    def show(self, gift_id: object, token: str | None) -> httpx.Response:
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        return self.http.get(f"/api/v1/gifts/{gift_id}", headers=headers)

    def gifts(self) -> list[Gift]:
        with self.database.reading() as session:
            return list(session.exec(select(Gift).order_by(col(Gift.id))))


def keyed(key: str | None) -> dict[str, str]:
    return {"Idempotency-Key": key or new_key()}


@contextmanager
def calling(database_url: str, **settings: Any) -> Iterator[Program]:
    """Serve the API on this database over HTTP, and yield a client that calls it."""
    database = Database(database_url)
    app = create_app(make_settings(database_url, regions_file=REGIONS, **settings))
    with (
        served(app) as url,
        caller(url) as http,
    ):
        yield Program(url, http, database)
    database.close()


@contextmanager
def calling_with_stripe(database_url: str, **settings: Any) -> Iterator[tuple[Program, str]]:
    """Like `calling`, but with the sandbox as Stripe; yield the sandbox's URL as well."""
    with (
        run_sandbox() as stripe,
        calling(database_url, **stripe_at(stripe.url), **settings) as program,
    ):
        yield program, stripe.url


def stripe_at(url: str) -> dict[str, str]:
    return {"stripe_api_base": url, "checkout_hosts": url.removeprefix("http://")}


def problem_in(answer: httpx.Response, status: int) -> dict[str, Any]:
    """Check that the answer is a problem document with this status; return the document."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = answer.json()
    assert problem["status"] == status
    assert problem["type"] == "about:blank"
    assert problem["title"]
    return problem


def pointers_in(answer: httpx.Response) -> list[str]:
    return [error["pointer"] for error in problem_in(answer, 422)["errors"]]
