"""`donate serve` listens on a Unix socket, and believes whoever its permissions let connect."""

import os
import socket
import stat
import sys
from pathlib import Path

import pytest

from donate.errors import Misconfigured
from donate.web.server.unix_socket import bind_unix_socket
from tests.deploy.running import caller_of, running_service
from tests.real_parts import Postgres

SERVE = [sys.executable, "-m", "donate.cli", "serve"]


@pytest.fixture
def path(environment: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the path of the socket on which `donate serve` listens."""
    assert environment
    monkeypatch.setenv("SOCKET", str(tmp_path / "donate.sock"))
    return tmp_path / "donate.sock"


@pytest.mark.parametrize("processes", ["1", "2"])
def test_it_answers_there_and_nowhere_else(
    path: Path, postgres: Postgres, processes: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The service's group may connect and nobody else, no port is open, and a restart works."""
    monkeypatch.setenv("DATABASE_URL", postgres.fresh_url())
    command = [*SERVE, "--processes", processes]
    with running_service(command, path.parent, os.environ, path):
        assert stat.S_IMODE(path.stat().st_mode) == 0o660
        with caller_of(path) as http:
            assert http.get("/give/LWCAN").status_code == 200
        with socket.socket() as port:
            assert port.connect_ex(("127.0.0.1", int(os.environ["PORT"])))


@pytest.fixture
def left(tmp_path: Path) -> Path:
    """Return the file of a socket that a killed service has left."""
    path = tmp_path / "left.sock"
    with socket.socket(socket.AF_UNIX) as killed:
        killed.bind(str(path))
        killed.listen()
    return path


def test_it_takes_the_place_of_an_earlier_service(left: Path) -> None:
    """A file at which nobody listens any more is replaced; one that is in use is not."""
    with bind_unix_socket(left) as listener:
        listener.listen()
        with socket.socket(socket.AF_UNIX) as caller:
            caller.connect(str(left))
        with pytest.raises(Misconfigured, match="another service listens at"):
            bind_unix_socket(left)


def test_a_socket_that_cannot_be_made(tmp_path: Path) -> None:
    """A file that is no socket stays, and what is wrong with a path is said."""
    file = tmp_path / "notes"
    file.write_text("mine")
    with pytest.raises(Misconfigured, match="exists and is no socket"):
        bind_unix_socket(file)
    assert file.read_text() == "mine"
    with pytest.raises(Misconfigured, match="cannot be made: No such file"):
        bind_unix_socket(tmp_path / "none" / "donate.sock")
    with pytest.raises(Misconfigured, match="too long"):
        bind_unix_socket(tmp_path / ("a" * 120))
