"""The proxy that other tests use produces each of its faults, and recovers."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.faults.proxy import Proxy, proxy_to
from tests.waiting import until

ANSWER = b"you said: "
QUICK_S = 0.3


class Echo:
    """A TCP server that echoes what it receives, and remembers all of it."""

    def __init__(self) -> None:
        self.received = b""
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address: tuple[str, int] = self.listener.getsockname()
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                caller, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._answer, args=(caller,), daemon=True).start()

    def _answer(self, caller: socket.socket) -> None:
        with caller:
            try:
                while said := caller.recv(1_000):
                    self.received += said
                    caller.sendall(ANSWER + said)
            except OSError:
                return


@contextmanager
def echo_behind_proxy() -> Iterator[tuple[Echo, Proxy]]:
    echo = Echo()
    with proxy_to(echo.address) as proxy:
        yield echo, proxy
    echo.listener.close()


def call(proxy: Proxy) -> socket.socket:
    return socket.create_connection(("127.0.0.1", proxy.port), timeout=QUICK_S)


def exchange(caller: socket.socket, sent: bytes) -> bytes | str:
    """Send bytes, and return the answer, which may be incomplete.

    Return "reset" after a reset, and "silence" or "ended" if no answer came.
    """
    received = b""
    try:
        caller.sendall(sent)
        while len(received) < len(ANSWER + sent):
            piece = caller.recv(1_000)
            if not piece:
                return received or "ended"
            received += piece
    except TimeoutError:
        return received or "silence"
    except ConnectionError:
        return "reset"
    return received


@pytest.mark.parametrize(
    ("fault", "expected", "received"),
    [
        ({"hangs": True}, "silence", b""),
        ({"silent": True}, "silence", b""),
        ({"delay_s": 2.0}, "silence", b""),
        ({"drip_s": 1.0}, b"y", b"hello"),
        ({"cut_there": 3}, "ended", b"hel"),
        ({"cut_back": 4}, b"you ", b"hello"),
        ({"reset": True}, "reset", b""),
        ({"lose_answer_to": b"ell"}, "reset", b"hello"),
        ({"lose_request": b"ell"}, "reset", b""),
        ({"lose_request": b"something else"}, ANSWER + b"hello", b"hello"),
    ],
)
def test_each_fault_does_what_it_says(
    fault: dict[str, Any], expected: bytes | str, received: bytes
) -> None:
    """Under each fault, the client and the server receive what `Fault` describes."""
    with echo_behind_proxy() as (echo, proxy):
        proxy.fail(**fault)
        with call(proxy) as caller:
            answer = exchange(caller, b"hello")
        assert answer == expected or (fault == {"cut_there": 3} and answer == ANSWER + b"hel")
        until(lambda: echo.received == received)
        proxy.heal()
        with call(proxy) as caller:
            assert exchange(caller, b"again") == ANSWER + b"again"


def test_a_proxy_that_refuses_recovers_on_the_same_port() -> None:
    """A proxy that refuses connections accepts them again on the same port once healed."""
    with echo_behind_proxy() as (_, proxy):
        proxy.fail(refuses=True)
        with pytest.raises(ConnectionRefusedError):
            call(proxy)
        proxy.heal()
        with call(proxy) as caller:
            assert exchange(caller, b"hello") == ANSWER + b"hello"


def test_faults_apply_to_open_connections() -> None:
    """Faults also apply to open connections: silence holds bytes back, and a reset ends them."""
    with echo_behind_proxy() as (_, proxy), call(proxy) as caller:
        assert exchange(caller, b"one") == ANSWER + b"one"
        proxy.fail(silent=True)
        assert exchange(caller, b"two") == "silence"
        proxy.heal()
        time.sleep(0.05)
        assert caller.recv(1_000) == ANSWER + b"two"
        proxy.end_calls()
        assert exchange(caller, b"three") == "reset"
