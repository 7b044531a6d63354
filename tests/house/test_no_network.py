"""No test can reach another machine, and importing the service has no side effects."""

import socket
import subprocess
import sys
from pathlib import Path

import pytest

WATCHED_IMPORT = Path(__file__).with_name("watched_import.py")


def test_a_test_cannot_connect_to_another_machine() -> None:
    """A test that connects to another machine fails before a byte is sent."""
    # Connecting a datagram socket sends nothing, so it is harmless even if it is not prevented.
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams,
        pytest.raises(RuntimeError, match="only this machine"),
    ):
        datagrams.connect(("192.0.2.1", 9))


def test_a_test_cannot_look_up_another_machine() -> None:
    """A test that looks up another machine's name fails before a query is sent."""
    with pytest.raises(RuntimeError, match="only this machine"):
        socket.getaddrinfo("donate.example", 443, flags=socket.AI_NUMERICHOST)


def test_a_test_can_talk_to_this_machine() -> None:
    """Tests can connect over loopback and unix sockets."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(server.getsockname()).close()
    near, far = socket.socketpair(socket.AF_UNIX)
    near.close()
    far.close()


def test_importing_the_service_touches_nothing() -> None:
    """Importing donate.app opens no connection, looks up no name and writes no file."""
    run = subprocess.run(
        [sys.executable, "-B", WATCHED_IMPORT, "donate.app"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")
