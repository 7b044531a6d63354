"""Runs `donate serve` as the examples of deploy/ start it, and gives through it."""

import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx

from tests.api.program import GIFT, keyed
from tests.waiting import PATIENCE_S


class OverSocket(httpx.HTTPTransport):
    """Sends requests over a Unix socket."""

    def __init__(self, path: Path) -> None:
        super().__init__(uds=str(path))
        self._path = path

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request. If nobody listens, httpcore would leave its socket open."""
        with socket.socket(socket.AF_UNIX) as probe:
            if probe.connect_ex(str(self._path)):
                raise httpx.ConnectError("nobody listens there")
        return super().handle_request(request)


def caller_of(service: str | Path) -> httpx.Client:
    """Return a client for a service at a URL, or behind a Unix socket."""
    if isinstance(service, str):
        return httpx.Client(base_url=service, trust_env=False, timeout=20)
    return httpx.Client(base_url="http://donate", transport=OverSocket(service), timeout=20)


def is_ready(service: str | Path) -> bool:
    with caller_of(service) as http:
        try:
            return http.get("/readyz").is_success
        except httpx.TransportError:
            return False


@contextmanager
def running_service(
    command: Sequence[str], folder: Path, environment: Mapping[str, str], service: str | Path
) -> Iterator["subprocess.Popen[bytes]"]:
    """Run a command that serves, from its readiness until it has stopped in order."""
    log = folder / "log"
    with (
        log.open("wb") as output,
        subprocess.Popen(
            command, cwd=folder, env=dict(environment), stdout=output, stderr=output
        ) as process,
    ):
        try:
            deadline = time.monotonic() + PATIENCE_S
            while not is_ready(service):
                assert process.poll() is None, log.read_text()
                assert time.monotonic() < deadline, log.read_text()
                time.sleep(0.1)
            yield process
            process.terminate()
            assert process.wait(60) in (0, -signal.SIGTERM), log.read_text()
        finally:
            process.kill()


def give(service: str | Path) -> int:
    """Open a gift, and return the status of the answer."""
    with caller_of(service) as http:
        return http.post("/api/v1/gifts", json=GIFT, headers=keyed(None)).status_code
