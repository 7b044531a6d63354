"""The examples for nginx and Caddy keep large, slow and greedy callers from the service."""

import json
import ssl
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from donate.web.limits.body_limits import (
    MAX_BODY_BYTES,
    MAX_EVENT_BYTES,
    MAX_UPLOAD_BYTES,
    UPLOAD_PATHS,
    WEBHOOK_PATH,
)
from tests.deploy.probe import HSTS, PIECE, Probe, run_probe
from tests.deploy.proxies import KINDS, SHORT_S, Proxy, run_proxy

LIMITS = [
    ("/api/v1/gifts", MAX_BODY_BYTES),
    (WEBHOOK_PATH, MAX_EVENT_BYTES),
    *((path, MAX_UPLOAD_BYTES) for path in UPLOAD_PATHS),
]


@pytest.fixture(scope="module")
def probe(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Probe]:
    with run_probe(tmp_path_factory.mktemp("probe") / "donate.sock") as probe:
        yield probe


@pytest.fixture(scope="module", params=KINDS)
def proxy(
    request: pytest.FixtureRequest, probe: Probe, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Proxy]:
    with run_proxy(request.param, tmp_path_factory.mktemp(request.param), probe.socket) as proxy:
        yield proxy


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize(("path", "limit"), LIMITS)
def test_bodies_pass_up_to_the_services_limit(
    proxy: Proxy, path: str, limit: int, chunked: bool
) -> None:
    """The proxy passes on the largest body that the service takes, and answers 413 to more."""

    def sent(size: int) -> httpx.Response:
        with proxy.caller() as http:
            body = b"b" * size
            return http.post(path, content=iter([body]) if chunked else body)

    assert sent(limit).json()["size"] == limit
    refused = sent(limit + 1)
    assert refused.status_code == 413
    assert 'lang="fr"' in refused.text


def test_a_long_head_passes_and_an_endless_one_does_not(proxy: Proxy, probe: Probe) -> None:
    """The proxy passes on headers of 8 KB, and refuses 100 KB before the service sees them."""
    with proxy.caller() as http:
        assert http.get("/", headers={"X": "y" * 8_000}).is_success
        seen = probe.requests
        with suppress(httpx.TransportError):
            assert http.get("/", headers={"X": "y" * 100_000}).status_code in (400, 431)
        many = {f"X-{number}": "y" * 1_000 for number in range(100)}
        with suppress(httpx.TransportError):
            assert http.get("/", headers=many).status_code in (400, 431)
    assert probe.requests == seen


def test_a_slow_head_is_cut_off(proxy: Proxy) -> None:
    """The proxy closes a connection whose head arrives a byte at a time."""
    with proxy.connect() as slow, suppress(ConnectionError, ssl.SSLError):
        slow.settimeout(SHORT_S / 4)
        begun = time.monotonic()
        slow.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nX: ")
        while time.monotonic() - begun < 20:
            slow.sendall(b"y")
            with suppress(TimeoutError):
                if not slow.recv(1_000):
                    break
        assert time.monotonic() - begun < 20


def test_what_a_visitor_says_of_its_address_is_dropped(proxy: Proxy) -> None:
    """The service sees the address of the connection, whatever headers the visitor sends."""
    false = {
        "X-Forwarded-For": "203.0.113.7",
        "Forwarded": "for=203.0.113.7",
        "X-Forwarded-Proto": "http",
    }
    with proxy.caller("127.0.0.77") as http:
        for headers in ({}, false, {"X-Forwarded-For": "127.0.0.1, 203.0.113.7"}):
            told = http.get("/", headers=headers).json()
            assert told["client"] == "127.0.0.77"
            assert "203.0.113.7" not in json.dumps(told)
            assert told["headers"]["x-forwarded-proto"] == "https"
            assert told["headers"]["host"].startswith("localhost")


def test_another_host_gets_no_answer(proxy: Proxy, probe: Probe) -> None:
    """Whoever asks for a host that is not ours does not reach the service."""
    seen = probe.requests
    with proxy.caller() as http, suppress(httpx.TransportError):
        answer = http.get("/", headers={"Host": "other.example"})
        assert "size" not in answer.text
    assert probe.requests == seen


@pytest.mark.parametrize("kind", KINDS)
def test_logs_name_no_page(probe: Probe, kind: str, tmp_path: Path) -> None:
    """The proxy logs neither the address of a gift's page nor what a visitor sends."""
    with run_proxy(kind, tmp_path, probe.socket) as proxy, proxy.caller() as http:
        for path in ("/gifts/canary-of-a-gift", "/give/LWCAN?name=canary"):
            assert http.get(path, headers={"User-Agent": "canary"}).is_success
        body = b"b" * (MAX_BODY_BYTES + 1)
        assert http.post("/gifts/canary-of-a-gift", content=body).status_code == 413
    assert "canary" not in proxy.logs()  # at its end, it has written all


def test_plain_http_leads_to_https(proxy: Proxy) -> None:
    """Port 80 answers only with the same address on https, and every answer has HSTS."""
    with httpx.Client(trust_env=False) as http:
        answer = http.get(f"http://localhost:{proxy.http_port}/give/LWCAN?lang=fr-CA")
    assert answer.status_code == 308
    assert answer.headers["location"].endswith("/give/LWCAN?lang=fr-CA")
    assert answer.headers["location"].startswith("https://")
    with proxy.caller() as http:
        for answer in (http.get("/"), http.post("/", content=b"b" * (MAX_BODY_BYTES + 1))):
            assert answer.headers.get_list("strict-transport-security") == [HSTS]


@pytest.mark.parametrize("path", ["/api/v1/gifts", WEBHOOK_PATH])
def test_a_program_is_not_led_to_https(proxy: Proxy, probe: Probe, path: str) -> None:
    """A program that forgets https is refused, so that it does not go on sending in the clear."""
    seen = probe.requests
    with httpx.Client(trust_env=False) as http:
        answer = http.post(f"http://localhost:{proxy.http_port}{path}", content=b"{}")
    assert answer.status_code == 403
    assert "location" not in answer.headers
    assert probe.requests == seen


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion")
def test_the_connection_is_modern(proxy: Proxy) -> None:
    """The proxy offers HTTP/2 and TLS 1.3, and refuses TLS 1.1 and ciphers of before 2008."""
    modern = proxy.trust
    modern.set_alpn_protocols(["h2", "http/1.1"])
    with proxy.connect(trust=modern) as connection:
        assert (connection.version(), connection.selected_alpn_protocol()) == ("TLSv1.3", "h2")
    old = proxy.trust
    old.set_ciphers("ALL:@SECLEVEL=0")
    old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
    with pytest.raises(ssl.SSLError, match="PROTOCOL_VERSION"):
        proxy.connect(trust=old)
    weak = proxy.trust
    weak.maximum_version = ssl.TLSVersion.TLSv1_2
    weak.set_ciphers("ECDHE-ECDSA-AES128-SHA:ECDHE-ECDSA-AES128-SHA256")  # CBC
    with pytest.raises(ssl.SSLError, match="HANDSHAKE_FAILURE"):
        proxy.connect(trust=weak)


def test_a_download_arrives_while_it_is_made(proxy: Proxy, probe: Probe) -> None:
    """The proxy passes on the beginning of a download before its end exists."""
    probe.let_go.clear()
    with proxy.caller() as http, http.stream("GET", "/slow-download") as answer:
        pieces = answer.iter_bytes(1_000)
        assert next(pieces) == PIECE[:1_000]
        probe.let_go.set()
        assert b"".join(pieces).endswith(b"end")


def test_a_download_that_nobody_takes_waits_in_the_service(proxy: Proxy, probe: Probe) -> None:
    """The proxy puts no download aside whose reader has stopped."""
    with proxy.connect() as reader:
        reader.sendall(b"GET /large-download HTTP/1.1\r\nHost: localhost\r\n\r\n")
        reader.recv(1_000)
        before = -1
        while before != probe.sent:
            before = probe.sent
            time.sleep(0.5)
        assert probe.sent < 40_000_000


def test_the_proxy_gives_no_metrics(proxy: Proxy, probe: Probe) -> None:
    """`/metrics` is only for callers who reach the service itself."""
    seen = probe.requests
    with proxy.caller() as http:
        assert http.get("/metrics").status_code == 404
    assert probe.requests == seen
