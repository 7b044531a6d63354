"""Runs a local mail server that can refuse e-mails, and an outbox that sends through it."""

import asyncio
import contextlib
import email
import email.policy
import logging
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session as Talk
from sqlalchemy import update
from sqlmodel import col, select

from donate.clock import FixedClock
from donate.letters.finder import LetterFinder
from donate.letters.models import Letter
from donate.letters.sending.batches import Carrier
from donate.letters.sending.email_limits import SHARES, ShareLimits
from donate.letters.sending.outbox import Outbox
from donate.letters.sending.smtp import Smtp
from donate.letters.transfers import WAIT
from donate.mail_server import MailServer
from donate.regions.regions import Regions, load_regions
from donate.storage.database import Database
from tests.links import links_at
from tests.real_parts import free_port
from tests.stripe_gateway.gifts_and_events import NOW

# The thread of the mail server outlives a test, and would log to a stream that pytest closed.
logging.getLogger("mail.log").propagate = False

SENDER = "give@example.org"
SITE = "https://give.example.org"


@dataclass
class LocalMailServer:
    """A mail server on this machine that keeps the e-mails it accepted."""

    port: int
    messages: list[EmailMessage] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)
    rcpt_answers: list[str] = field(default_factory=list)
    data_answers: list[str] = field(default_factory=list)
    """SMTP replies to use one after the other, before the server accepts again with 250."""
    on_message: Callable[[], None] | None = None

    async def handle_RCPT(  # noqa: N802
        self, _server: SMTP, _talk: Talk, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if self.rcpt_answers:
            return self.rcpt_answers.pop(0)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: SMTP, _talk: Talk, envelope: Envelope) -> str:  # noqa: N802
        if self.data_answers:
            return self.data_answers.pop(0)
        assert isinstance(envelope.content, bytes)
        self.messages.append(read_letter(envelope.content))
        self.recipients += envelope.rcpt_tos
        if self.on_message:
            await asyncio.get_running_loop().run_in_executor(None, self.on_message)
        return "250 OK"

    @property
    def address(self) -> MailServer:
        return MailServer("127.0.0.1", self.port, may_be_plain=True)

    def subjects(self) -> list[str]:
        return sorted(message["Subject"] for message in self.messages)


def read_letter(content: bytes) -> EmailMessage:
    message = email.message_from_bytes(content, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    return message


@contextmanager
def run_mail_server(**how: Any) -> Iterator[LocalMailServer]:
    mail_server = LocalMailServer(free_port())
    controller = Controller(mail_server, hostname="127.0.0.1", port=mail_server.port, **how)
    controller.start()
    try:
        yield mail_server
    finally:
        controller.stop()


@dataclass
class Mailer:
    """Finds which e-mails are due and sends them, as a worker does, with a clock that tests set."""

    database: Database
    clock: FixedClock
    finder: LetterFinder
    outbox: Outbox

    def find_all(self) -> None:
        while self.finder.find_due():
            pass

    def send_all(self) -> None:
        while self.outbox.send_due():
            pass

    def run(self) -> None:
        """Find which e-mails are due, and send them."""
        self.find_all()
        self.send_all()

    def wait(self, **how_long: float) -> None:
        self.clock.instant += timedelta(**how_long)

    def letters(self) -> list[Letter]:
        with self.database.reading() as session:
            return list(session.exec(select(Letter).order_by(col(Letter.id))))

    def states(self) -> list[tuple[str, str]]:
        return [(letter.kind, letter.state) for letter in self.letters()]


def open_mailer(
    database: Database,
    carrier: Carrier,
    *,
    now: datetime = NOW,
    regions: Regions | None = None,
    wait: timedelta = WAIT,
    shares: ShareLimits = SHARES,
) -> Mailer:
    clock = FixedClock(now)
    outbox = Outbox(
        database,
        regions or load_regions(),
        clock,
        carrier,
        sender=SENDER,
        links=links_at(SITE),
        wait=wait,
        shares=shares,
    )
    finder = LetterFinder(database, clock, lambda: None, wait=wait)
    return Mailer(database, clock, finder, outbox)


def smtp_to(mail_server: LocalMailServer, **how: Any) -> Smtp:
    return Smtp(mail_server.address, our_name="example.org", **how)


def make_due(database: Database, now: datetime) -> None:
    """Make all stored e-mails due at this time."""
    with database.writing() as session:
        session.execute(update(Letter).values(due_at=now))


def plain(message: EmailMessage) -> str:
    part = message.get_body(("plain",))
    assert part
    text: str = part.get_content()
    return text


def markup(message: EmailMessage) -> str:
    part = message.get_body(("html",))
    assert part
    text: str = part.get_content()
    return text


def in_folder(folder: Path) -> list[EmailMessage]:
    return [read_letter(file.read_bytes()) for file in sorted(folder.glob("*.eml"))]


@contextmanager
def run_server(talk: Callable[[socket.socket], None]) -> Iterator[MailServer]:
    """Run a server on a free port that calls `talk` with each connection, one after the other."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.1)
        stopping = threading.Event()

        def serve() -> None:
            while not stopping.is_set():
                try:
                    caller, _ = server.accept()
                except TimeoutError:
                    continue
                with caller, contextlib.suppress(OSError):
                    caller.settimeout(20)
                    talk(caller)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield MailServer("127.0.0.1", server.getsockname()[1], may_be_plain=True)
        finally:
            stopping.set()
            thread.join(30)
