"""nginx limits how much one address asks for at once. Debian's Caddy has no such limits."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from donate.web.limits.body_limits import WEBHOOK_PATH
from tests.deploy.probe import Probe, run_probe
from tests.deploy.proxies import Proxy, run_proxy

AT_ONCE = 50
BURST = 100
GREEDY, HONEST = "127.0.0.66", "127.0.0.77"
DOWNLOAD = b"GET /slow-download HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.fixture
def probe(tmp_path: Path) -> Iterator[Probe]:
    with run_probe(tmp_path / "donate.sock") as probe:
        yield probe


@pytest.fixture
def nginx(probe: Probe, tmp_path: Path) -> Iterator[Proxy]:
    with run_proxy("nginx", tmp_path, probe.socket) as proxy:
        yield proxy


def statuses(http: httpx.Client, path: str, times: int) -> list[int]:
    return [http.post(path, content=b"{}").status_code for _ in range(times)]


def test_an_address_that_asks_too_much_is_told_so(nginx: Proxy) -> None:
    """After a burst, one address gets 429 with a page, and others get their answers."""
    with nginx.caller(GREEDY) as greedy, nginx.caller(HONEST) as honest:
        got = statuses(greedy, "/", 3 * BURST)
        assert got[:BURST] == [200] * BURST
        assert 429 in got
        assert set(statuses(honest, "/", 5)) == {200}
        refused = next(answer for _ in range(BURST) if (answer := greedy.get("/")).is_error)
        assert 'lang="fr"' in refused.text


def test_stripes_events_are_not_counted(nginx: Proxy) -> None:
    """Stripe may send any number of events from one address."""
    with nginx.caller(GREEDY) as stripe:
        assert set(statuses(stripe, WEBHOOK_PATH, 3 * BURST)) == {200}


def test_an_address_has_few_requests_at_once(nginx: Proxy, probe: Probe) -> None:
    """While fifty requests of one address are under way, it gets 429, and others an answer."""
    with contextlib.ExitStack() as downloads:
        for _ in range(AT_ONCE):
            download = downloads.enter_context(nginx.connect(GREEDY))
            download.sendall(DOWNLOAD)
            assert download.recv(100)
        with nginx.caller(GREEDY) as greedy, nginx.caller(HONEST) as honest:
            assert greedy.get("/").status_code == 429
            assert honest.get("/").status_code == 200
        probe.let_go.set()
