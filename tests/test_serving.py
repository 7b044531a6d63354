"""The processes of `donate serve`, and what happens when one of them is killed."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.real_parts import Postgres
from tests.waiting import until

SERVE = [sys.executable, "-m", "donate.cli", "serve"]


@contextmanager
def serving(*options: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run `donate serve`, and stop it when the block ends."""
    with subprocess.Popen([*SERVE, *options], env=os.environ) as process:
        try:
            yield process
        finally:
            process.terminate()


@pytest.fixture
def address(environment: dict[str, str]) -> str:
    return f"http://127.0.0.1:{environment['PORT']}/readyz"


@pytest.fixture
def on_postgresql(
    environment: dict[str, str], postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert environment
    monkeypatch.setenv("DATABASE_URL", postgres.fresh_url())


def test_a_second_server_on_one_sqlite_file_says_so(address: str) -> None:
    """A second `donate serve` on the same SQLite file exits with a sentence that says why."""
    with serving():
        until(lambda: answers(address))
        second = subprocess.run(SERVE, capture_output=True, text=True, timeout=30, check=False)
        assert second.returncode == 1
        assert "SQLite supports one process" in second.stderr
        assert httpx.get(address).is_success


@pytest.mark.usefixtures("on_postgresql")
def test_a_killed_process_is_replaced(address: str) -> None:
    """On PostgreSQL, `--processes 2` starts two processes and replaces one that is killed."""
    with serving("--processes", "2") as supervisor:
        until(lambda: answers(address))
        before = serving_under(supervisor.pid)
        assert len(before) == 2
        os.kill(min(before), signal.SIGKILL)
        until(lambda: len(serving_under(supervisor.pid) - before) == 1)
        until(lambda: answers(address))
    assert supervisor.returncode == 0
    assert not any(is_alive(pid) for pid in before)


@pytest.mark.usefixtures("on_postgresql")
def test_no_process_outlives_the_supervisor(address: str) -> None:
    """If the supervisor is killed, the processes that it started end and free the port."""
    with serving("--processes", "2") as supervisor:
        until(lambda: answers(address))
        others = serving_under(supervisor.pid)
        supervisor.kill()
    until(lambda: not any(is_alive(pid) for pid in others))
    with socket.socket() as free:
        free.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        free.bind(("127.0.0.1", httpx.URL(address).port or 0))


def serving_under(parent: int) -> set[int]:
    """Return the server processes that a supervisor started."""
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    return {int(pid) for pid in children if b"spawn_main" in command_of(int(pid))}


def command_of(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except FileNotFoundError:
        return b""


def is_alive(pid: int) -> bool:
    return bool(command_of(pid))


def answers(address: str) -> bool:
    try:
        return httpx.get(address).is_success
    except httpx.TransportError:
        return False
