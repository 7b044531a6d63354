"""Malformed request bodies and headers get a 4xx with the reason, never a 500."""

import json
from collections.abc import Iterator

import pytest

from tests.api.program import GIFT, Program, new_key, problem_in

KEY = "mEJDuFYX5yE1bOlz0Rxd_wQ-2qMT6eBn"
WELL_FORMED = json.dumps(GIFT).encode()


def with_amount(text: bytes) -> bytes:
    return WELL_FORMED.replace(b"5000", text)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"{",
        b"code=LWCAN",
        WELL_FORMED + b"x",
        WELL_FORMED * 2,
        b"\xef\xbb\xbf" + WELL_FORMED,
        WELL_FORMED.replace(b"Ann", b"\xff\xfe"),
        WELL_FORMED.decode().encode("utf-16"),
        WELL_FORMED.replace(b"Ann", b"\x00"),
        WELL_FORMED.replace(b"Ann", b"\\ud800"),
        b'{"\\udfff": 1}',
        b"[" * 60_000,
        b'{"a":' * 10_000,
        b"[" * 30_000 + b"]" * 30_000,
        *(with_amount(text) for text in (b"NaN", b"Infinity", b"-Infinity", b"9" * 5_000, b"05")),
        with_amount(b'5000, "amount_minor": 6000'),
        WELL_FORMED.replace(b'"name"', b'"email": "eve@example.com", "name"'),
    ],
    ids=[
        "empty", "blank", "unclosed", "a form", "trailing text", "two objects", "byte order mark",
        "invalid UTF-8", "UTF-16", "null byte", "lone surrogate", "lone surrogate in a key",
        "open arrays", "open objects", "deep arrays", "NaN", "Infinity", "-Infinity", "5000 digits",
        "leading zero", "amount twice", "e-mail twice",
    ],
)  # fmt: skip
def test_no_json(program: Program, body: bytes) -> None:
    """A body that is not strict JSON in UTF-8 gets 400."""
    before = len(program.gifts())
    assert "JSON" in problem_in(program.send(body), 400)["detail"]
    assert len(program.gifts()) == before


@pytest.mark.parametrize(
    "body",
    [b"null", b"true", b"7", b'"x"', b"[]", WELL_FORMED.join([b"[", b"]"])],
    ids=["null", "true", "number", "string", "empty array", "array"],
)
def test_no_object(program: Program, body: bytes) -> None:
    """A JSON body that is not an object gets 422 with an empty pointer: the whole body is bad."""
    (error,) = problem_in(program.send(body), 422)["errors"]
    assert error == {"detail": "This has to be a JSON object.", "pointer": ""}


@pytest.mark.parametrize("text", [b"1e400", b"-1e400", b"5e3", b"5000.0", b"1E3"])
def test_no_floats(program: Program, text: bytes) -> None:
    """An amount with a decimal point or an exponent is refused, even if it is whole."""
    (error,) = problem_in(program.send(with_amount(text)), 422)["errors"]
    assert error["pointer"] == "/amount_minor"


@pytest.mark.parametrize(
    "media_type",
    ["", "text/plain", "application/x-www-form-urlencoded", "application/jsonx", "multipart/x"],
)
def test_other_media_types(program: Program, media_type: str) -> None:
    """A body that is not sent as application/json gets 415."""
    answer = program.send(WELL_FORMED, **{"Content-Type": media_type})
    assert problem_in(answer, 415)["detail"] == "The body has to be sent as application/json."


@pytest.mark.parametrize("media_type", ["application/json; charset=utf-8", "Application/JSON"])
def test_media_type_in_other_notation(program: Program, media_type: str) -> None:
    """The media type may be in any case and have parameters, such as a charset."""
    assert program.send(WELL_FORMED, **{"Content-Type": media_type}).status_code == 201


def endless() -> Iterator[bytes]:
    for _ in range(80):
        yield b" " * 1024


def test_too_large(program: Program) -> None:
    """A body above 64 KB gets 413, with or without Content-Length."""
    problem_in(program.send(b" " * 66_000), 413)
    answer = program.http.post(
        "/api/v1/gifts",
        content=endless(),
        headers={"Content-Type": "application/json", "Idempotency-Key": new_key()},
    )
    problem_in(answer, 413)


def test_at_most_twenty_errors_are_reported(program: Program) -> None:
    """A body with thousands of unknown fields gets only twenty error messages."""
    body = json.dumps(GIFT | {f"x{i}": i for i in range(3_000)}).encode()
    assert len(problem_in(program.send(body), 422)["errors"]) == 20


@pytest.mark.parametrize("key", ["", "short", KEY[:21], KEY * 8, "has a space in the middle"])
def test_unfit_keys(program: Program, key: str) -> None:
    """An idempotency key that is not 22 to 255 visible ASCII characters gets 400."""
    answer = program.send(WELL_FORMED, **{"Idempotency-Key": key})
    (error,) = problem_in(answer, 400)["errors"]
    assert error["header"] == "Idempotency-Key"


def test_no_ascii_in_a_key(program: Program) -> None:
    """An idempotency key with an accented letter gets 400."""
    headers = [
        (b"content-type", b"application/json"),
        (b"idempotency-key", "clé-numéro-0123456789".encode("latin-1")),
    ]
    answer = program.http.post("/api/v1/gifts", content=WELL_FORMED, headers=headers)
    problem_in(answer, 400)


@pytest.mark.parametrize("key", [KEY, (KEY * 8)[:255], f'"!~{{}}[]:;<>?@/{KEY}\\"'])
def test_fit_keys(program: Program, key: str) -> None:
    """The shortest, the longest and the oddest valid idempotency keys are accepted."""
    assert program.send(WELL_FORMED, **{"Idempotency-Key": key}).status_code == 201


def test_without_a_key(program: Program) -> None:
    """An idempotency key is required, because a retry without it would open a second gift."""
    answer = program.http.post("/api/v1/gifts", json=GIFT)
    assert problem_in(answer, 400)["errors"] == [
        {"detail": "This is missing.", "header": "Idempotency-Key"}
    ]
