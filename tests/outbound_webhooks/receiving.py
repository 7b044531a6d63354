"""A program that gets webhooks, and a desk that finds and sends them with a fixed clock."""

import itertools
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from sqlmodel import col, select

from donate.clock import FixedClock
from donate.gifts.facts import FactKind
from donate.gifts.models import Gift
from donate.outbound_webhooks.client import WebhookClient
from donate.outbound_webhooks.events import CHOOSABLE, OutboundEvent
from donate.outbound_webhooks.finder import DeliveryFinder
from donate.outbound_webhooks.models import WebhookDelivery, WebhookReceiver
from donate.outbound_webhooks.receivers import ReceiverTerms, add_receiver
from donate.outbound_webhooks.sender import WebhookSender
from donate.outbound_webhooks.signing import new_secret
from donate.storage.database import Database
from donate.trust.secret_cipher import SecretCipher
from tests.letters.facts import tell
from tests.stripe_gateway.gifts_and_events import NOW, give

CIPHER = SecretCipher(["a key for tests"])
_KEYS = itertools.count()


@dataclass
class Received:
    """A request that the program got."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def content(self) -> dict[str, Any]:
        content: dict[str, Any] = json.loads(self.body)
        return content


@dataclass
class Program:
    """A program on this machine that gets webhooks.

    It answers with `code`, `headers` and `text`. Before, it calls `meanwhile`.
    """

    url: str = ""
    code: int = 200
    text: str = "ok"
    headers: Mapping[str, str] = field(default_factory=dict)
    meanwhile: Callable[[], object] = lambda: None
    got: list[Received] = field(default_factory=list)

    @property
    def types(self) -> list[str]:
        return [one.content["type"] for one in self.got]


@contextmanager
def running_program() -> Iterator[Program]:
    program = Program()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            program.got.append(Received(self.path, headers, body))
            program.meanwhile()
            self.send_response(program.code)
            for name, value in program.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(program.text.encode())

        def log_message(self, *_: object) -> None:
            """Print nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        program.url = f"http://127.0.0.1:{server.server_address[1]}/hooks"
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        yield program
        server.shutdown()
        thread.join()


@dataclass
class WebhookDesk:
    """Finds and sends webhooks one after the other."""

    database: Database
    clock: FixedClock
    finder: DeliveryFinder
    sender: WebhookSender
    nudges: list[datetime]

    def add(
        self,
        url: str,
        *events: OutboundEvent,
        with_donor: bool = False,
        secret: str = "",
        cipher: SecretCipher = CIPHER,
    ) -> WebhookReceiver:
        """Add a receiver of these events, or of all."""
        terms = ReceiverTerms(url, "The CRM", frozenset(events or CHOOSABLE), with_donor)
        encrypted = cipher.encrypt(secret or new_secret())
        with self.database.writing() as session:
            key = f"receiver-{next(_KEYS)}"
            return add_receiver(session, terms, encrypted, key, now=self.clock.now())

    def confirm(self, source: str = "pi_1") -> Gift:
        """Open a gift, confirm it with this payment, and find its webhooks."""
        gift, now = give(self.database), self.clock.now()
        tell(self.database, gift, FactKind.PAYMENT_SUCCEEDED, source, recorded_at=now)
        self.find()
        return gift

    def find(self) -> int:
        """Find all that is missing; return how many deliveries were found."""
        found = 0
        while new := self.finder.find_due():
            found += new
        return found

    def send(self) -> int:
        """Send all that is due, without threads; return how many were accepted."""
        accepted = 0
        while (receiver := self.sender._claim()) is not None:
            accepted += self.sender.send_to(receiver)
        return accepted

    def wait(self, **how_long: float) -> None:
        self.clock.instant += timedelta(**how_long)

    def deliveries(self) -> list[WebhookDelivery]:
        with self.database.reading() as session:
            return list(
                session.exec(select(WebhookDelivery).order_by(col(WebhookDelivery.id))).all()
            )

    def only(self) -> WebhookDelivery:
        (delivery,) = self.deliveries()
        return delivery

    def receiver(self, number: int | None = None) -> WebhookReceiver:
        with self.database.reading() as session:
            return session.get_one(WebhookReceiver, number or 1)


def open_desk(
    database: Database,
    now: datetime = NOW,
    *,
    client: WebhookClient | None = None,
    cipher: SecretCipher | None = CIPHER,
    spread: Callable[[float, float], float] = lambda low, high: (low + high) / 2,
) -> WebhookDesk:
    """Return a desk whose pauses have no jitter, and that may send to this machine."""
    clock = FixedClock(now)
    sender = WebhookSender(
        database,
        clock,
        cipher,
        client or WebhookClient(),
        allows_this_machine=True,
        spread=spread,
    )
    nudges: list[datetime] = []
    finder = DeliveryFinder(database, clock, lambda: nudges.append(clock.now()))
    return WebhookDesk(database, clock, finder, sender, nudges)
