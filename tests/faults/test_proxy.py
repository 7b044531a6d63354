"""The line that fails does fail, in each of its ways, and heals."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.faults.proxy import Proxy, proxy_to
from tests.journeys.travelling import until

ANSWER = b"you said: "
QUICK_S = 0.3


class Echo:
    """A server that says back what it hears, and remembers it."""

    def __init__(self) -> None:
        self.heard = b""
        self.door = socket.create_server(("127.0.0.1", 0))
        self.address: tuple[str, int] = self.door.getsockname()
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                caller, _ = self.door.accept()
            except OSError:
                return
            threading.Thread(target=self._answer, args=(caller,), daemon=True).start()

    def _answer(self, caller: socket.socket) -> None:
        with caller:
            try:
                while said := caller.recv(1_000):
                    self.heard += said
                    caller.sendall(ANSWER + said)
            except OSError:
                return


@contextmanager
def a_line() -> Iterator[tuple[Echo, Proxy]]:
    echo = Echo()
    with proxy_to(echo.address) as proxy:
        yield echo, proxy
    echo.door.close()


def call(proxy: Proxy) -> socket.socket:
    return socket.create_connection(("127.0.0.1", proxy.port), timeout=QUICK_S)


def said_to(caller: socket.socket, words: bytes) -> bytes | str:
    """Say something; return what is said back until nothing more comes, or how that ended."""
    heard = b""
    try:
        caller.sendall(words)
        while len(heard) < len(ANSWER + words):
            piece = caller.recv(1_000)
            if not piece:
                return heard or "ended"
            heard += piece
    except TimeoutError:
        return heard or "silence"
    except ConnectionError:
        return "reset"
    return heard


@pytest.mark.parametrize(
    ("how", "said_back", "heard"),
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
def test_a_line_fails_as_it_is_told(
    how: dict[str, Any], said_back: bytes | str, heard: bytes
) -> None:
    """Each fault does to what is heard on both sides what its description says."""
    with a_line() as (echo, proxy):
        proxy.fail(**how)
        with call(proxy) as caller:
            found = said_to(caller, b"hello")
        assert found == said_back or (how == {"cut_there": 3} and found == ANSWER + b"hel")
        until(lambda: echo.heard == heard, patience_s=2)
        proxy.heal()
        with call(proxy) as caller:
            assert said_to(caller, b"again") == ANSWER + b"again"


def test_nobody_is_let_in_while_it_refuses() -> None:
    """A line that refuses does so at once, on the same port, until it is healed."""
    with a_line() as (_, proxy):
        proxy.fail(refuses=True)
        with pytest.raises(ConnectionRefusedError):
            call(proxy)
        proxy.heal()
        with call(proxy) as caller:
            assert said_to(caller, b"hello") == ANSWER + b"hello"


def test_a_fault_meets_calls_under_way() -> None:
    """A connection that was opened before falls silent, speaks again, and can be ended."""
    with a_line() as (_, proxy), call(proxy) as caller:
        assert said_to(caller, b"one") == ANSWER + b"one"
        proxy.fail(silent=True)
        assert said_to(caller, b"two") == "silence"
        proxy.heal()
        time.sleep(0.05)
        assert caller.recv(1_000) == ANSWER + b"two"
        proxy.end_calls()
        assert said_to(caller, b"three") == "reset"
