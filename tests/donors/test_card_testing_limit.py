"""A limit on card gifts stops people who try stolen cards; other modes stay available."""

import pytest
from sqlmodel import func, select
from starlette.testclient import TestClient

from donate.app import create_app
from donate.gifts.models import Gift
from donate.storage.database import Database
from tests.real_parts import Sqlite, make_settings

FORM = {"preset": "2500", "name": "Ann Lee", "email": "ann@example.org", "country": "CA"}
BODY = {
    "code": "LWCAN",
    "mode": "card",
    "amount_minor": 2500,
    "currency": "CAD",
    "frequency": "once",
    "country": "CA",
    "donor": {"name": "Ann Lee", "email": "ann@example.org"},
}


@pytest.fixture
def database_url(sqlite: Sqlite) -> str:
    return sqlite.fresh_url()


def give(client: TestClient, number: int, mode: str) -> int:
    form = FORM | {"nonce": f"nonce-of-its-own-{number:04}", "mode": mode, "frequency": "once"}
    return client.post("/give/LWCAN", data=form, follow_redirects=False).status_code


def test_card_gifts_stop_and_interac_stays_open(database_url: str) -> None:
    """Card gifts above the limit are refused and not stored; Interac gifts are accepted."""
    settings = make_settings(database_url, card_gifts_per_network=3)
    with TestClient(create_app(settings)) as client:
        answers = [give(client, number, "card") for number in range(8)]
        by_api = client.post(
            "/api/v1/gifts", json=BODY, headers={"Idempotency-Key": "a-key-of-sixteen"}
        )
        assert give(client, 99, "interac") == 303
    assert answers == [303] * 3 + [429] * 5
    assert by_api.status_code == 429
    assert by_api.headers["Retry-After"] == "600"
    database = Database(database_url)
    with database.reading() as session:
        assert session.exec(select(func.count()).select_from(Gift)).one() == 4
    database.close()


def test_the_donor_reads_what_to_do_instead(database_url: str) -> None:
    """A donor above the limit is asked to choose another mode, and the form keeps its input."""
    settings = make_settings(database_url, card_gifts_per_network=1)
    with TestClient(create_app(settings)) as client:
        give(client, 1, "card")
        form = FORM | {"nonce": "nonce-of-its-own-0002", "mode": "card", "frequency": "once"}
        page = client.post("/give/LWCAN", data=form).text
    assert "choose another payment method" in page
    assert "Ann Lee" in page
