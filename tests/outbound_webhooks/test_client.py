"""A webhook's connection goes to a checked address, is encrypted, and ends in time."""

import re
import socket
import ssl
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from donate.errors import ReceiverUnavailable
from donate.outbound_webhooks.client import (
    BAD_CERTIFICATE,
    BROKEN_OFF,
    MAX_ANSWER_BYTES,
    NO_CONNECTION,
    TOO_SLOW,
    WebhookAnswer,
    WebhookClient,
)
from donate.outbound_webhooks.targets import NOT_PUBLIC, Target
from tests.letters.mailer import run_server
from tests.real_parts import free_port

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOST, PUBLIC = "hooks.example.org", "93.184.216.34"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a file with a key and a certificate for HOST."""
    file = tmp_path_factory.mktemp("certificate") / "both.pem"
    request = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2"
    names = ["-subj", f"/CN={HOST}", "-addext", f"subjectAltName=DNS:{HOST}"]
    files = ["-keyout", str(file), "-out", str(file.with_suffix(".crt"))]
    subprocess.run([*request.split(), *names, *files], check=True, capture_output=True)
    file.write_text(file.read_text() + file.with_suffix(".crt").read_text())
    return file


class Dialled(list[tuple[str, int]]):
    """Records the addresses to which the client connects, and connects to this machine instead."""

    def __init__(self, port: int) -> None:
        super().__init__()
        self._port = port

    def __call__(self, address: str, port: int, timeout_s: float) -> socket.socket:
        self.append((address, port))
        return socket.create_connection(("127.0.0.1", self._port), timeout=timeout_s)


@pytest.fixture
def seen() -> list[bytes]:
    """The requests that the server got."""
    return []


@pytest.fixture
def names() -> list[str]:
    """The names for which the client asked in TLS."""
    return []


def whole_request(line: socket.socket) -> bytes:
    """Return a request with its body. Closing before all is read would reset the connection."""
    data = b""
    while chunk := line.recv(65_536):
        data += chunk
        head, end, body = data.partition(b"\r\n\r\n")
        length = re.search(rb"(?i)content-length: (\d+)", head)
        if end and length and len(body) >= int(length[1]):
            break
    return data


@pytest.fixture
def tls_port(certificate: Path, seen: list[bytes], names: list[str]) -> Iterator[int]:
    """Run an https server for HOST."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate)
    tls.sni_callback = lambda _, name, __: names.append(name or "")

    def talk(caller: socket.socket) -> None:
        with suppress(ssl.SSLError), tls.wrap_socket(caller, server_side=True) as encrypted:
            seen.append(whole_request(encrypted))
            encrypted.sendall(OK)

    with run_server(talk) as server:
        yield server.port


def trusting(certificate: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(certificate.with_suffix(".crt")))


def test_it_connects_to_the_checked_address_with_the_name(
    certificate: Path, tls_port: int, seen: list[bytes], names: list[str]
) -> None:
    """The name is resolved once; TLS and the Host header have the name, not the address."""
    answers = iter([[PUBLIC], ["127.0.0.1"]])
    dialled = Dialled(tls_port)
    client = WebhookClient(
        resolve=lambda _: next(answers), connect=dialled, tls=trusting(certificate)
    )
    answer = client.post(Target(HOST, 443, "/a?b=c"), b"{}", {"webhook-id": "msg_1"}, now=NOW)
    assert answer == WebhookAnswer(200, "ok")
    assert dialled == [(PUBLIC, 443)]
    assert names == [HOST]
    head = seen[0].decode().split("\r\n")
    assert head[0] == "POST /a?b=c HTTP/1.1"
    assert f"Host: {HOST}" in head
    assert "webhook-id: msg_1" in head
    # The name now leads to this machine, so nothing is sent.
    with pytest.raises(ReceiverUnavailable, match=NOT_PUBLIC):
        client.post(Target(HOST, 443, "/"), b"{}", {}, now=NOW)
    assert dialled == [(PUBLIC, 443)]


@pytest.mark.parametrize("host", ["other.example.org", HOST])
def test_a_wrong_certificate_gets_nothing(
    certificate: Path, tls_port: int, seen: list[bytes], host: str
) -> None:
    """Nothing is sent to a server whose certificate is for another name, or is not trusted."""
    tls = ssl.create_default_context() if host == HOST else trusting(certificate)
    client = WebhookClient(resolve=lambda _: [PUBLIC], connect=Dialled(tls_port), tls=tls)
    with pytest.raises(ReceiverUnavailable, match=BAD_CERTIFICATE):
        client.post(Target(host, 443, "/"), b"a donor", {}, now=NOW)
    assert not any(b"donor" in request for request in seen)


def test_proxies_of_the_environment_are_not_used(
    certificate: Path, tls_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A proxy in the environment is ignored, because it would connect to unchecked addresses."""
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    dialled = Dialled(tls_port)
    client = WebhookClient(resolve=lambda _: [PUBLIC], connect=dialled, tls=trusting(certificate))
    assert client.post(Target(HOST, 8443, "/"), b"{}", {}, now=NOW).code == 200
    assert dialled == [(PUBLIC, 8443)]


def test_the_next_address_is_tried() -> None:
    """If one address does not answer, the next one of the same name is tried, at most four."""
    tried = []

    def refuse(address: str, _port: int, _timeout_s: float) -> socket.socket:
        tried.append(address)
        raise ConnectionRefusedError

    addresses = [f"93.184.216.{number}" for number in range(1, 9)]
    client = WebhookClient(resolve=lambda _: addresses, connect=refuse)
    with pytest.raises(ReceiverUnavailable, match=NO_CONNECTION):
        client.post(Target(HOST, 443, "/"), b"{}", {}, now=NOW)
    assert tried == addresses[:4]


def post_to(talk: Callable[[socket.socket], None], timeout_s: float = 5) -> WebhookAnswer:
    """Send a webhook to a server on this machine that calls `talk` with the connection."""
    with run_server(talk) as server:
        client = WebhookClient(timeout_s=timeout_s)
        target = Target("127.0.0.1", server.port, "/", has_tls=False)
        return client.post(target, b"{}", {}, now=NOW)


def drip(caller: socket.socket) -> None:
    """Send an answer that never ends, one byte at a time."""
    for byte in b"HTTP/1.1 200 OK\r\nX: " + 400 * b"x":
        caller.sendall(bytes([byte]))
        time.sleep(0.05)


def silent(caller: socket.socket) -> None:
    """Say nothing until the client is gone."""
    while caller.recv(65_536):
        pass


@pytest.mark.parametrize("talk", [drip, silent])
def test_the_time_limit_is_for_the_whole_exchange(talk: Callable[[socket.socket], None]) -> None:
    """A server that says nothing, or one byte at a time, is given up after the time limit."""
    started = time.monotonic()
    client = WebhookClient(timeout_s=0.4)
    with run_server(talk) as server:
        target = Target("127.0.0.1", server.port, "/", has_tls=False)
        with pytest.raises(ReceiverUnavailable, match=TOO_SLOW):
            client.post(target, b"{}", {}, now=NOW)
        assert time.monotonic() - started < 10


def test_a_handshake_that_hangs_is_given_up() -> None:
    """A server that accepts a connection and never begins TLS is given up after the time limit."""
    with run_server(silent) as server:
        client = WebhookClient(
            resolve=lambda _: [PUBLIC], connect=Dialled(server.port), timeout_s=0.4
        )
        started = time.monotonic()
        with pytest.raises(ReceiverUnavailable, match=TOO_SLOW):
            client.post(Target(HOST, 443, "/"), b"{}", {}, now=NOW)
        assert time.monotonic() - started < 10


def test_the_code_counts_even_if_the_text_never_ends() -> None:
    """A receiver that answered 200 has the webhook, even if the rest of its answer never comes."""

    def talk(caller: socket.socket) -> None:
        caller.recv(65_536)
        caller.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nthanks")
        silent(caller)

    assert post_to(talk, timeout_s=0.5) == WebhookAnswer(200, "thanks")


def test_a_long_answer_is_not_read_to_its_end() -> None:
    """Only the first 8 KiB of an answer are read."""

    def talk(caller: socket.socket) -> None:
        caller.recv(65_536)
        with suppress(OSError):
            caller.sendall(b"HTTP/1.1 500 No\r\n\r\n")
            for _ in range(2_000):
                caller.sendall(10_000 * b"x")

    answer = post_to(talk)
    assert (answer.code, len(answer.text)) == (500, MAX_ANSWER_BYTES)


@pytest.mark.parametrize("said", [b"", b"SSH-2.0-OpenSSH\r\n", b"HTTP/1.1 x\r\n\r\n"])
def test_an_answer_that_is_none(said: bytes) -> None:
    """A server that hangs up, or speaks another protocol, has not answered."""

    def talk(caller: socket.socket) -> None:
        caller.recv(65_536)
        caller.sendall(said)

    with pytest.raises(ReceiverUnavailable, match=BROKEN_OFF):
        post_to(talk)


def test_nobody_listens() -> None:
    """Without a server there is no connection."""
    with pytest.raises(ReceiverUnavailable, match=NO_CONNECTION):
        WebhookClient().post(
            Target("127.0.0.1", free_port(), "/", has_tls=False), b"{}", {}, now=NOW
        )


@pytest.mark.parametrize(
    ("said", "pause"),
    [
        ("120", timedelta(minutes=2)),
        (" 0 ", timedelta(0)),
        ("Sun, 01 Mar 2026 12:30:00 GMT", timedelta(minutes=30)),
        ("Sun, 01 Mar 2026 11:00:00 GMT", timedelta(0)),
        ("Sun, 01 Mar 2026 12:30:00", None),
        ("Sun, 99 Mar 2026 12:30:00 GMT", None),
        ("9999999999", None),
        ("-5", None),
        ("1.5", None),
        ("soon", None),
        ("", None),
    ],
)
def test_how_long_a_receiver_asks_to_wait(said: str, pause: timedelta | None) -> None:
    """Retry-After has seconds or a date; anything else is ignored."""

    def talk(caller: socket.socket) -> None:
        caller.recv(65_536)
        caller.sendall(f"HTTP/1.1 503 Busy\r\nRetry-After: {said}\r\n\r\n".encode())

    assert post_to(talk).retry_after == pause
