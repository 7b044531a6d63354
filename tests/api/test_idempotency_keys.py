"""A key is a secret: what others could guess is refused, and it gives access for a day only."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from starlette.testclient import TestClient

from donate.api.idempotency_keys import form_key_of_program
from donate.app import build_app
from donate.clock import FixedClock
from donate.errors import BadInput
from donate.wiring.parts import build_parts
from tests.api.program import ANN, GIFT, REGIONS, new_key
from tests.real_parts import make_settings

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@contextmanager
def clocked(database_url: str) -> Iterator[tuple[TestClient, FixedClock]]:
    clock = FixedClock(NOW)
    settings = make_settings(database_url, regions_file=REGIONS)
    parts = build_parts(settings, clock)
    with TestClient(build_app(parts, settings)) as client:
        yield client, clock


@pytest.mark.parametrize(
    "key",
    [
        "1" * 40,
        "12345678901234567890123",
        "2026-03-01T12:00:00.000000Z",
        "ab" * 40,
        "00000000-0000-4000-8000-000000000000",
        "6fa459ea-ee8a-11ef-9f9e-0242ac120002",
        "6FA459EA-EE8A-31EF-9F9E-0242AC120002",
        '"6fa459ea-ee8a-51ef-9f9e-0242ac120002"',
        "gift-6fa459ea-ee8a-11ef-9f9e-0242ac120002",
        "0123456789abcdef0123456",
        "gift-00000000000000000001",
        "-" * 100 + "aBcDeF",
    ],
)
def test_a_key_that_can_be_guessed_is_refused(key: str) -> None:
    """Counters, times, and UUIDs that are made of a time or a name are refused."""
    with pytest.raises(BadInput, match="Others could guess this key"):
        form_key_of_program(key)


def test_random_keys_are_taken() -> None:
    """Keys of 128 random bits are taken in each usual notation, the Give dialog's included."""
    random = Random(17)
    for _ in range(2_000):
        number = random.getrandbits(128)
        dialog = "-".join(str(number >> 32 * part & 0xFFFFFFFF) for part in range(4))
        random_uuid = uuid.UUID(int=number, version=4)
        for key in (str(random_uuid), str(random_uuid).upper(), f'"{random_uuid}"', dialog):
            form_key_of_program(key)
        for key in (f"{number:032x}", random_uuid.hex, base62(number)):
            form_key_of_program(key)


def base62(number: int) -> str:
    digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
    text = ""
    for _ in range(22):
        number, digit = divmod(number, 62)
        text += digits[digit]
    return text


def test_a_weak_key_opens_nothing(database_url: str) -> None:
    """A request with a weak key is refused with a sentence that says what to send."""
    with clocked(database_url) as (client, _):
        headers = {"Idempotency-Key": "gift-00000000000000000001"}
        answer = client.post("/api/v1/gifts", json=GIFT, headers=headers)
        assert answer.status_code == 422
        (error,) = answer.json()["errors"]
        assert error["header"] == "Idempotency-Key"
        assert "a version 4 UUID" in error["detail"]


def test_the_token_is_given_again_for_a_day(database_url: str) -> None:
    """For a day a request that is sent again gets the same token; later it is refused."""
    headers = {"Idempotency-Key": new_key()}
    with clocked(database_url) as (client, clock):
        first = client.post("/api/v1/gifts", json=GIFT, headers=headers)
        clock.instant += timedelta(hours=23, minutes=59)
        again = client.post("/api/v1/gifts", json=GIFT, headers=headers)
        assert again.json() == first.json()
        clock.instant += timedelta(minutes=1)
        late = client.post("/api/v1/gifts", json=GIFT, headers=headers)
        assert late.status_code == 422
        assert "more than a day ago" in late.json()["errors"][0]["detail"]
        assert first.json()["token"] not in late.text


def test_another_program_gets_no_token(database_url: str) -> None:
    """Whoever knows all of a gift but its key, or its key but not all of it, gets no token."""
    key = new_key()
    with clocked(database_url) as (client, _):
        first = client.post("/api/v1/gifts", json=GIFT, headers={"Idempotency-Key": key})
        secrets = (first.json()["token"], first.json()["id"], first.json()["reference"])
        other_key = client.post("/api/v1/gifts", json=GIFT, headers={"Idempotency-Key": new_key()})
        other_body = client.post(
            "/api/v1/gifts",
            json=GIFT | {"donor": ANN | {"name": "Eve"}},
            headers={"Idempotency-Key": key},
        )
        assert other_key.status_code == 201
        assert other_body.status_code == 422
        for answer in (other_key, other_body):
            assert [secret for secret in secrets if secret in answer.text] == []
