"""`donate serve` as processes: how many there are, and what becomes of them when one dies."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from tests.real_parts import Postgres


def test_a_second_server_on_one_sqlite_file_says_so(environment: dict[str, str]) -> None:
    """SQLite serves one process: the second stops with a sentence, the first goes on."""
    command = [sys.executable, "-m", "donate.cli", "serve"]
    with subprocess.Popen(command, env=os.environ) as first:
        address = f"http://127.0.0.1:{environment['PORT']}/readyz"
        wait_until(lambda: answers(address))
        second = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
        assert second.returncode == 1
        assert "SQLite serves one process" in second.stderr
        assert httpx.get(address).is_success
        first.send_signal(signal.SIGTERM)


def test_of_two_processes_one_may_die(
    environment: dict[str, str], postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On PostgreSQL two processes serve; another takes the place of one that is killed."""
    monkeypatch.setenv("DATABASE_URL", postgres.fresh_url())
    address = f"http://127.0.0.1:{environment['PORT']}/readyz"
    command = [sys.executable, "-m", "donate.cli", "serve", "--processes", "2"]
    with subprocess.Popen(command, env=os.environ) as first:
        wait_until(lambda: answers(address))
        before = serving_under(first.pid)
        assert len(before) == 2
        os.kill(min(before), signal.SIGKILL)
        wait_until(lambda: len(serving_under(first.pid) - before) == 1)
        wait_until(lambda: answers(address))
        first.send_signal(signal.SIGTERM)
    assert first.returncode == 0
    assert not any(is_alive(pid) for pid in before)


def test_of_several_processes_none_outlives_their_supervisor(
    environment: dict[str, str], postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the process that looks after the others is killed, they stop, and the port is free."""
    monkeypatch.setenv("DATABASE_URL", postgres.fresh_url())
    address = f"http://127.0.0.1:{environment['PORT']}/readyz"
    command = [sys.executable, "-m", "donate.cli", "serve", "--processes", "2"]
    with subprocess.Popen(command, env=os.environ) as supervisor:
        wait_until(lambda: answers(address))
        serving = serving_under(supervisor.pid)
        supervisor.kill()
    wait_until(lambda: not any(is_alive(pid) for pid in serving))
    with socket.socket() as free:
        free.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        free.bind(("127.0.0.1", int(environment["PORT"])))


def serving_under(parent: int) -> set[int]:
    """Return the processes that a supervisor started to serve, from what the system knows."""
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


def wait_until(what: Callable[[], bool]) -> None:
    until = time.monotonic() + 30
    while not what():
        assert time.monotonic() < until
        time.sleep(0.05)
