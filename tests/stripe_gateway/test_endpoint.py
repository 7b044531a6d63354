"""The webhook endpoint stores only events that Stripe signed."""

import json
import time
from collections.abc import Callable, Iterator

import pytest

from tests.real_parts import Sqlite
from tests.stripe_gateway.gifts_and_events import as_bytes, event, sign
from tests.stripe_gateway.service import WEBHOOK_PATH, Service, seconds_since, serving
from tests.stripe_gateway.signatures import mac

QUICK_S = 1.0
OLD_SECRET, NEW_SECRET = "whsec_theOldOneOfThese01", "whsec_theNewOneOfThese02"


@pytest.fixture(scope="module")
def service(sqlite: Sqlite) -> Iterator[Service]:
    with serving(sqlite.fresh_url()) as service:
        yield service


def new_event() -> bytes:
    return as_bytes(event("customer.created", {"id": "cus_1", "object": "customer"}))


def arabic(at: int) -> str:
    return "".join(chr(0x0660 + int(digit)) for digit in str(at))


def full_width(at: int) -> str:
    return "".join(chr(0xFF10 + int(digit)) for digit in str(at))


def odd_headers(now: int, body: bytes) -> dict[str, str]:
    """Return signature headers that do not fit this body and Unix time, each with a name."""
    good = mac(body, now)
    return {
        "empty": "",
        "blank": "   ",
        "commas": ",,,,",
        "words": "let me in",
        "no t": f"v1={good}",
        "no v1": f"t={now}",
        "empty v1": f"t={now},v1=",
        "v1 without =": f"t={now},v1",
        "another scheme": f"t={now},v0={good}",
        "not hexadecimal": f"t={now},v1={'z' * 64}",
        "upper case": f"t={now},v1={good.upper()}",
        "cut short": f"t={now},v1={good[:-1]}",
        "another secret": f"t={now},v1={mac(body, now, OLD_SECRET)}",
        "t empty": f"t=,v1={good}",
        "t a word": f"t=now,v1={good}",
        "t NaN": f"t=NaN,v1={good}",
        "t with a plus": f"t=+{now},v1={good}",
        "t with spaces": f"t= {now} ,v1={good}",
        "t with underscores": f"t={now:_},v1={good}",
        "t a fraction": f"t={now}.0,v1={good}",
        "t in hexadecimal": f"t={now:#x},v1={good}",
        "t negative": f"t=-{now},v1={mac(body, -now)}",
        "t zero": f"t=0,v1={mac(body, 0)}",
        "t of 5,000 digits": f"t={'9' * 5_000},v1={good}",
        "t of 2,000 digits": f"t={'9' * 2_000},v1={good}",
        "t in Arabic digits": f"t={arabic(now)},v1={good}",
        "t in full-width digits": f"t={full_width(now)},v1={good}",
        "t twice": f"t={now},t={now},v1={good}",
        "t and a bare t": f"t={now},t,v1={good}",
        "an old t hidden behind a fresh one": (
            f"t={now - 4_000} ,t={now},v1={mac(body, now - 4_000)}"
        ),
        "a fresh t before an old one": (f"t={now}, t={now - 4_000},v1={mac(body, now - 4_000)}"),
        "too old": f"t={now - 310},v1={mac(body, now - 310)}",
        "too far ahead": f"t={now + 310},v1={mac(body, now + 310)}",
        "beyond ASCII": f"t={now},v1={good}\u00e9",
        "v1 beyond ASCII": f"t={now},v1=\u20ac\u20ac",
        "ten thousand signatures": (f"t={now}," + f"v1={'0' * 64}," * 9_999 + f"v1={good}"),
        "ten thousand empty signatures": f"t={now}," + "v1=," * 10_000,
    }


@pytest.mark.alone
@pytest.mark.parametrize("name", odd_headers(0, b""))
def test_an_odd_signature_is_refused(service: Service, name: str) -> None:
    """An invalid signature is refused quickly with a 400, and the event is not stored."""
    body, now, before = new_event(), int(time.time()), service.stored()
    header = odd_headers(now, body)[name]
    start = time.monotonic()
    signed = b"stripe-signature: " + header.encode()
    assert service.send_as_it_is(f"POST {WEBHOOK_PATH}", signed, body) == 400
    assert service.stored() == before
    assert seconds_since(start) < QUICK_S


def test_an_unsigned_event_is_refused(service: Service) -> None:
    """An event without a signature is refused with a 400 and not stored."""
    before = service.stored()
    assert service.http.post(WEBHOOK_PATH, content=new_event()).status_code == 400
    assert service.stored() == before


@pytest.mark.parametrize(
    "tamper",
    [
        lambda body: body.replace(b"cus_1", b"cus_2"),
        lambda body: body + b"\n",
        lambda body: body[:-1],
        lambda body: json.dumps(json.loads(body)).encode(),
        lambda body: b"\xef\xbb\xbf" + body,
        lambda _: b"",
    ],
    ids=["a byte", "a line more", "cut", "written out again", "a byte order mark", "emptied"],
)
def test_a_changed_body_is_refused(service: Service, tamper: Callable[[bytes], bytes]) -> None:
    """A body that differs in any byte from what was signed is refused."""
    body, before = new_event(), service.stored()
    answer = service.http.post(
        WEBHOOK_PATH, content=tamper(body), headers={"stripe-signature": sign(body)}
    )
    assert (answer.status_code, service.stored()) == (400, before)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"\xff\xfe{}", id="UTF-16"),
        pytest.param(b'{"id":"\xc3"}', id="a cut character"),
        pytest.param(b"\x80" * 100_000, id="long"),
    ],
)
def test_a_body_that_is_not_utf8_is_refused(service: Service, body: bytes) -> None:
    """A body that is not UTF-8 is refused even if its signature is valid."""
    now, before = int(time.time()), service.stored()
    answer = service.http.post(
        WEBHOOK_PATH, content=body, headers={"stripe-signature": f"t={now},v1={mac(body, now)}"}
    )
    assert (answer.status_code, service.stored()) == (400, before)


@pytest.mark.parametrize("age", [-290, 0, 290])
def test_a_clock_may_differ_a_little(service: Service, age: int) -> None:
    """A signature is accepted if its time is up to five minutes before or after ours."""
    body, before = new_event(), service.stored()
    answer = service.http.post(
        WEBHOOK_PATH, content=body, headers={"stripe-signature": sign(body, at=time.time() - age)}
    )
    assert (answer.status_code, service.stored()) == (200, before + 1)


def test_one_good_signature_among_several_is_enough(service: Service) -> None:
    """A header with several signatures is accepted if one of them is valid."""
    body, now = new_event(), int(time.time())
    header = f"t={now},v1={'0' * 64},v1={mac(body, now)},v0={'1' * 64}"
    answer = service.http.post(WEBHOOK_PATH, content=body, headers={"stripe-signature": header})
    assert answer.status_code == 200


def test_a_replay_changes_nothing(service: Service) -> None:
    """An event that is delivered again is answered with a 200 and stored once."""
    body, before = new_event(), service.stored()
    assert [service.deliver(body).status_code for _ in range(3)] == [200] * 3
    assert service.stored() == before + 1


@pytest.mark.parametrize(
    ("in_force", "answers"),
    [
        (f"{OLD_SECRET},{NEW_SECRET}", {OLD_SECRET: 200, NEW_SECRET: 200}),
        (NEW_SECRET, {OLD_SECRET: 400, NEW_SECRET: 200}),
    ],
    ids=["while rolling", "afterwards"],
)
def test_a_secret_is_rolled(sqlite: Sqlite, in_force: str, answers: dict[str, int]) -> None:
    """While a signing secret is being replaced, the old and the new work; later only the new."""
    with serving(sqlite.fresh_url(), stripe_webhook_secret=in_force) as service:
        for secret, status in answers.items():
            body = new_event()
            header = {"stripe-signature": sign(body, secret)}
            assert (
                service.http.post(WEBHOOK_PATH, content=body, headers=header).status_code == status
            )


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_only_post_is_a_delivery(service: Service, method: str) -> None:
    """The endpoint answers every method but POST with a 405, and never with a redirect."""
    body = new_event()
    answer = service.http.request(
        method, WEBHOOK_PATH, content=body, headers={"stripe-signature": sign(body)}
    )
    assert answer.status_code == 405
    assert "location" not in answer.headers


@pytest.mark.parametrize(
    "path", [f"{WEBHOOK_PATH}/", f"/{WEBHOOK_PATH}", "/webhooks", "/webhooks/STRIPE"]
)
def test_a_similar_path_is_not_redirected(service: Service, path: str) -> None:
    """A path like the endpoint's is a 404 and not a redirect, which would lose the body."""
    body, before = new_event(), service.stored()
    answer = service.http.post(
        f"{service.url}{path}", content=body, headers={"stripe-signature": sign(body)}
    )
    assert (answer.status_code in (404, 405), service.stored()) == (True, before)


@pytest.mark.parametrize(
    "forged",
    [
        b"",
        b",,,,",
        b"unknown",
        b"127.0.0.1",
        b"127.0.0.1, 127.0.0.1",
        b"[::1",
        b"[::1]:99999",
        b"1.2.3.4:99999999999999999999",
        b"::ffff:1.2.3.4%eth0",
        b"999.999.999.999",
        b"\xff\xfe\x80",
        "\u0661.\u0662.\u0663.\u0664".encode(),
        b"<script>alert(1)</script>",
        b"' OR 1=1 --",
        b"1.2.3.4," * 1_000,
        b"a" * 20_000,
    ],
    ids=lambda forged: repr(forged[:24]),
)
def test_a_forged_forwarded_for_is_harmless(service: Service, forged: bytes) -> None:
    """No forged X-Forwarded-For prevents an event from being stored, or makes a page fail."""
    headers = b"\r\n".join(
        name + b": " + forged for name in (b"X-Forwarded-For", b"X-Forwarded-Proto", b"Forwarded")
    )
    body = new_event()
    signed = headers + b"\r\nstripe-signature: " + sign(body).encode()
    assert service.send_as_it_is(f"POST {WEBHOOK_PATH}", signed, body) == 200
    assert service.send_as_it_is("GET /healthz", headers) == 200
    assert service.send_as_it_is("GET /gifts/nobodys", headers) == 404
