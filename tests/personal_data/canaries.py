"""A donor whose every word has a mark, and a watch that finds the mark where it must not be.

The service runs as a process of its own, with all logging, and the pretend Stripe beside it. The
watch sees every address that a page or a redirect of the service leads to, every header of its
answers, every refusal, every request to Stripe, and the log.
"""

import html
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field as field_of
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx

from donate.sandbox.observer import Exchange
from donate.storage.database import Database
from tests.faults.processes import Machine
from tests.faults.quick_start import Forker
from tests.journeys.donor_steps import World
from tests.links import LINK_KEY
from tests.real_parts import SECRET_KEY, WEBHOOK_SECRET, caller, free_port
from tests.sandbox.running import run_sandbox
from tests.sandbox.watching import WATCH
from tests.stripe_gateway.service import WEBHOOK_PATH

MARK = "qzx"
METRICS_TOKEN = "canary-metrics-4fJd83kfLs02"
ADDRESS = f"{MARK}mail@example.com"
# Stripe sends its receipt to this address, so it may have this field.
ALLOWED_AT_STRIPE = {"customer_email"}
_LINKS = re.compile(r'\b(?:href|src|action|formaction|content|data-[\w-]+)="([^"]*)"')


@dataclass
class Watch:
    """Notes where the mark was seen, though it must not be there."""

    leaks: list[str] = field_of(default_factory=list)
    answers: int = 0
    stripe_requests: int = 0

    def look(self, where: str, text: str) -> None:
        for match in re.finditer(MARK, text, re.IGNORECASE):
            around = text[max(0, match.start() - 80) : match.end() + 40]
            self.leaks.append(f"{where}: …{around}…")

    def heard(self, answer: httpx.Response) -> None:
        """Look at an answer of the service: its headers, the addresses in it, and refusals."""
        answer.read()
        self.answers += 1
        request = f"{answer.request.method} {answer.request.url.path}"
        self.look(f"{request}: its address", str(answer.request.url))
        for name, value in answer.headers.items():
            self.look(f"{request}: header {name}", value)
        kind = answer.headers.get("content-type", "")
        if kind.startswith("text/html"):
            for link in _LINKS.findall(answer.text):
                if not link.startswith("mailto:"):
                    self.look(f"{request}: an address in the page", html.unescape(link))
        # A form with a mistake is shown again with what was typed, so that nothing is lost.
        if answer.status_code >= 400 and "<form" not in answer.text:
            self.look(f"{request}: answer {answer.status_code}", answer.text)

    def answered(self, exchange: Exchange) -> None:
        """Look at a request to Stripe: at its path and all fields but those Stripe needs."""
        WATCH.answered(exchange)
        self.stripe_requests += 1
        self.look("path at Stripe", exchange.path)
        for name, value in parse_qsl(exchange.form.decode(), keep_blank_values=True):
            if name not in ALLOWED_AT_STRIPE:
                self.look(f"{exchange.path} {name}", f"{name}={value}")

    def announced(self, event: Any) -> None:
        WATCH.announced(event)


@dataclass
class Aviary:
    """The running service, its pretend Stripe, and the watch over both."""

    machine: Machine
    watch: Watch

    @property
    def world(self) -> World:
        return self.machine.world

    @contextmanager
    def another_caller(self) -> Iterator[httpx.Client]:
        """Yield another client: the service closes the connection after it answered with 500."""
        with caller(self.world.url) as http:
            http.event_hooks["response"].append(self.watch.heard)
            yield http

    def log(self) -> str:
        return (self.machine.folder / "log").read_text()

    def letters(self) -> list[Path]:
        return sorted((self.machine.folder / "letters").glob("*.eml"))


@contextmanager
def aviary(start: Forker, database_url: str, folder: Path) -> Iterator[Aviary]:
    """Run the service with all logging, letters in a folder, and metrics."""
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    watch = Watch()
    database = Database(database_url)
    hooks = run_sandbox(
        webhook_url=address + WEBHOOK_PATH, retry_delays_s=(0.2,) * 300, observer=watch
    )
    with hooks as sandbox, caller(address) as http:
        http.event_hooks["response"].append(watch.heard)
        settings = {
            "DATABASE_URL": database_url,
            "PUBLIC_URL": address,
            "PORT": str(port),
            "STRIPE_SECRET_KEY": SECRET_KEY,
            "STRIPE_WEBHOOK_SECRET": WEBHOOK_SECRET,
            "LINK_KEY": LINK_KEY,
            "STRIPE_API_BASE": sandbox.url,
            "CHECKOUT_HOSTS": urlsplit(sandbox.url).netloc,
            "CATCHUP_EVERY_MINUTES": "0",
            "LETTERS_FOLDER": str(folder / "letters"),
            "TRANSFER_MAIL_FOLDER": str(folder / "mails"),
            "MAIL_FROM": "give@example.org",
            "METRICS_TOKEN": METRICS_TOKEN,
            "LOG_LEVEL": "DEBUG",
        }
        (folder / "mails").mkdir()
        machine = Machine(start, World(address, http, database, sandbox), folder, settings)
        machine.serve()
        try:
            yield Aviary(machine, watch)
        finally:
            for process in machine.running:
                process.kill()
            database.close()
