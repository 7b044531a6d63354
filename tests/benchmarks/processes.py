"""Runs a server as a process: `donate serve`, or the same server without storing (bare.py)."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.links import LINK_KEY
from tests.real_parts import SECRET_KEY, WEBHOOK_SECRET, free_port

ROOT = Path(__file__).parent.parent.parent
PATIENCE_S = 90.0


@dataclass(frozen=True)
class Running:
    """A server that runs as a separate process."""

    process: subprocess.Popen[bytes]
    port: int

    def peak_megabytes(self) -> float:
        """Return the largest amount of memory that the process has used."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        peak = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
        return int(peak.split()[1]) / 1024


@contextmanager
def serving(database_url: str, folder: Path) -> Iterator[Running]:
    """Run `donate serve` on this database."""
    with _running(["-m", "donate.cli", "serve"], database_url, folder) as running:
        yield running


@contextmanager
def bare(folder: Path) -> Iterator[Running]:
    """Run the server of bare.py, which verifies and answers events without storing them."""
    url = f"sqlite:///{folder}/none.sqlite3"
    with _running(["-m", "tests.benchmarks.bare"], url, folder) as running:
        yield running


@contextmanager
def _running(arguments: list[str], database_url: str, folder: Path) -> Iterator[Running]:
    port = free_port()
    settings = {
        "DATABASE_URL": database_url,
        "PUBLIC_URL": f"http://127.0.0.1:{port}",
        "PORT": str(port),
        "DRAIN_SECONDS": "0",
        "STRIPE_SECRET_KEY": SECRET_KEY,
        "STRIPE_WEBHOOK_SECRET": WEBHOOK_SECRET,
        "LINK_KEY": LINK_KEY,
        "STRIPE_API_BASE": "http://127.0.0.1:9",
        "CHECKOUT_HOSTS": "127.0.0.1:9",
        "CATCHUP_EVERY_MINUTES": "0",  # no catch-up, because no Stripe runs here
        "LOG_LEVEL": "WARNING",
        "PYTHONPATH": str(ROOT),
    }
    inherited = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    with (folder / "log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, *arguments],
            cwd=folder,
            env=inherited | settings,
            stdout=log,
            stderr=log,
        )
    try:
        _wait_for(process, port, folder / "log")
        yield Running(process, port)
    finally:
        process.terminate()
        process.wait(PATIENCE_S)


def _wait_for(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + PATIENCE_S
    with httpx.Client(trust_env=False) as http:
        while process.poll() is None and time.monotonic() < deadline:
            try:
                http.get(f"http://127.0.0.1:{port}/healthz")
            except httpx.TransportError:
                time.sleep(0.05)
            else:
                return
    raise RuntimeError(f"the server did not start: {log.read_text()[-2000:]}")
