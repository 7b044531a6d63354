"""Lets strangers try to open gifts, over HTTP and from many networks, and measures what it costs.

As a program: python -m tests.faults.attackers --attempts 10000
A trusted proxy's header gives each attempt its address. After each pattern of addresses, somebody
from elsewhere gives by card and by Interac.
"""

import argparse
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx

from donate.errors import ChallengeNeeded
from tests.breaker.attempts import work_for
from tests.faults.processes import Machine, a_fresh, a_machine
from tests.faults.quick_start import forker
from tests.keys import key_of
from tests.real_parts import caller

PARALLEL: Final = 16
PATTERNS: Final[dict[str, Callable[[int], str]]] = {
    "one address": lambda _: "203.0.113.7",
    "one /64": lambda n: f"2001:db8:1:1::{n:x}",
    "one /48": lambda n: f"2001:db8:2:{n % 65_536:x}::1",
    "1,000 addresses": lambda n: f"198.18.{n % 1_000 // 250}.{1 + n % 250}",
    "1,000 networks": lambda n: f"2001:db8:{256 + n % 1_000:x}::{n:x}",
}
MOST_STEPS: Final = 3


@dataclass
class Measured:
    """What one pattern of addresses came to."""

    pattern: str
    attempts: int
    answers: Counter[int] = field(default_factory=Counter)
    seconds: float = 0.0
    stripe_calls: int = 0
    honest_steps: int = 0
    interac: int = 0
    grown_bytes: int = 0

    def line(self) -> str:
        answers = ", ".join(f"{n}x{status}" for status, n in sorted(self.answers.items()))
        return (
            f"{self.pattern:<16}{self.attempts:>6} attempts in {self.seconds:>4.0f} s  "
            f"sessions {self.stripe_calls:>4}  honest card {self.honest_steps} steps  "
            f"interac {self.interac}  +{self.grown_bytes / 1024:.0f} kB  answers {answers}"
        )


def body(number: int, mode: str = "card") -> dict[str, Any]:
    return {
        "code": "LWCAN",
        "mode": mode,
        "amount_minor": 2_500,
        "currency": "CAD",
        "frequency": "once",
        "country": "CA",
        "donor": {"name": "Ann Lee", "email": f"ann{number}@example.com"},
    }


class Attackers:
    """Sends attempts to a service, each from the address that its pattern gives it."""

    def __init__(self, machine: Machine, url: str, http: httpx.Client) -> None:
        self._machine = machine
        self._file = Path(url.removeprefix("sqlite:///"))
        self._http = http
        self._names = iter(range(10**9))

    def give(self, address: str, mode: str = "card", **headers: str) -> httpx.Response:
        number = next(self._names)
        sent = {"Idempotency-Key": key_of(f"attempt {number}"), "X-Forwarded-For": address}
        return self._http.post("/api/v1/gifts", json=body(number, mode), headers=sent | headers)

    def honest_steps(self, address: str) -> int:
        """Give by card as a person does; return the number of requests, or 99 if it is refused."""
        key = {"Idempotency-Key": key_of(f"an honest gift {next(self._names)}")}
        answer = self.give(address, **key)
        if answer.status_code == 201:
            return 1
        if answer.status_code != 403:
            return 99
        proof = {"Donate-Proof": work_for(ChallengeNeeded(**answer.json()["challenge"]))}
        return 2 if self.give(address, **key, **proof).status_code == 201 else 99

    def sessions(self) -> int:
        log = self._machine.world.sandbox.control("GET", "/_sandbox/requests")
        return sum((r["method"], r["path"]) == ("POST", "/v1/checkout/sessions") for r in log)

    def size(self) -> int:
        """Return the bytes of the database, without its log, which is used again and again."""
        with closing(sqlite3.connect(self._file)) as connection:
            pages, page_size = (
                connection.execute(f"PRAGMA {name}").fetchone()[0]
                for name in ("page_count", "page_size")
            )
        return int(pages * page_size)

    def measure(self, pattern: str, attempts: int, honest: str) -> Measured:
        result, begin = Measured(pattern, attempts), time.monotonic()
        sessions, size, address_of = self.sessions(), self.size(), PATTERNS[pattern]
        with ThreadPoolExecutor(PARALLEL) as pool:
            tried = pool.map(lambda n: self.give(address_of(n)).status_code, range(attempts))
            result.answers.update(tried)
        result.seconds = time.monotonic() - begin
        result.stripe_calls, result.grown_bytes = self.sessions() - sessions, self.size() - size
        result.honest_steps = self.honest_steps(honest)
        result.interac = self.give(honest, "interac").status_code
        return result


@contextmanager
def attackers(folder: Path) -> Iterator[Attackers]:
    """Run a service with the usual limits, behind a proxy that it trusts."""
    with (
        a_fresh("sqlite", folder) as url,
        forker(folder) as start,
        a_machine(start, url, folder) as machine,
        caller(machine.world.url, timeout_s=60) as http,
    ):
        machine.settings["TRUSTED_PROXIES"] = "127.0.0.1"
        machine.serve()
        yield Attackers(machine, url, http)


def main(arguments: list[str] | None = None, print_line: Callable[[str], None] = print) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--attempts", type=int, default=10_000, help="for each pattern")
    options = parser.parse_args(arguments)
    failed = False
    for number, pattern in enumerate(PATTERNS):
        # Each pattern meets a new service, so that none profits from what another used up.
        with tempfile.TemporaryDirectory() as name, attackers(Path(name)) as crowd:
            result = crowd.measure(pattern, options.attempts, f"192.0.2.{number + 1}")
        print_line(result.line())
        failed |= result.honest_steps > MOST_STEPS or result.interac != 201
        failed |= result.stripe_calls > 200
        failed |= result.grown_bytes > 2**20
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
