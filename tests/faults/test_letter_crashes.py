"""Kills the service at every step of sending an e-mail; the e-mail is sent in the end."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from sqlmodel import select

from donate.letters.models import Letter
from tests.faults.processes import Machine, a_machine
from tests.faults.quick_start import Forker
from tests.letters.mailer import SENDER, LocalMailServer, make_due, run_mail_server
from tests.links import token_of
from tests.waiting import until

# Each crash point, and how many copies of the e-mail the mail server has got by then.
STEPS = [
    # A crash after the e-mail's row is inserted, before it is committed.
    ("donate.letters.finder:insert_new:after", 0),
    # A crash after the e-mail's row is committed.
    ("donate.letters.finder:LetterFinder.find_due:after", 0),
    # A crash after the outbox reserved the e-mail for this worker, before it is sent.
    ("donate.letters.sending.outbox:Outbox._send:before", 0),
    # A crash after the e-mail is sent, before it is marked as sent.
    ("donate.letters.sending.smtp:Smtp.carry:after", 1),
    # A crash after the e-mail is sent a second time and marked as sent.
    ("donate.letters.sending.outbox:Outbox.send_due:after", 2),
]


@pytest.fixture
def mail_server() -> Iterator[LocalMailServer]:
    with run_mail_server() as mail_server:
        yield mail_server


def letters(machine: Machine) -> list[Letter]:
    with machine.world.database.reading() as session:
        return list(session.exec(select(Letter)))


def test_a_letter_survives_every_crash(
    start: Forker, database_url: str, tmp_path: Path, mail_server: LocalMailServer
) -> None:
    """If the service is killed at every crash point, the donor gets only copies of one e-mail."""
    with a_machine(start, database_url, tmp_path) as machine:
        machine.settings |= {
            "SMTP_URL": f"smtp://127.0.0.1:{mail_server.port}",
            "MAIL_FROM": SENDER,
        }
        process = machine.serve(killed_at=STEPS[0][0])
        machine.world.submit(machine.world.fill_in("interac"))
        for step, sent in STEPS:
            if step != STEPS[0][0]:
                make_due(machine.world.database, datetime.now(UTC))
                process = machine.serve(killed_at=step)
            machine.was_killed(process, step)
            assert len(mail_server.messages) == sent
        assert [letter.state for letter in letters(machine)] == ["sent"]

        machine.serve()
        make_due(machine.world.database, datetime.now(UTC))
        until(lambda: machine.world.http.get("/readyz").status_code == 200)
        assert len({message["Message-ID"] for message in mail_server.messages}) == 1
    with a_machine(start, database_url, tmp_path) as machine:
        assert machine.audit() == 0


def test_the_service_writes_to_donors(
    start: Forker, database_url: str, tmp_path: Path, mail_server: LocalMailServer
) -> None:
    """With a mail server, donors get e-mails within seconds; without one, no e-mail is queued."""
    with a_machine(start, database_url, tmp_path) as machine:
        process = machine.serve()
        machine.world.submit(machine.world.fill_in("interac"))
        process.terminate()
        process.wait(20)
        assert letters(machine) == []
        machine.settings |= {
            "SMTP_URL": f"smtp://127.0.0.1:{mail_server.port}",
            "MAIL_FROM": SENDER,
        }
        machine.serve()
        until(lambda: len(mail_server.messages) == 1)
        gift = machine.world.gift()
        assert gift.reference in mail_server.messages[0]["Subject"]
        page = httpx.get(f"{machine.world.url}/gifts/{token_of(gift)}")
        assert page.status_code == 200
        until(lambda: [letter.state for letter in letters(machine)] == ["sent"])
        machine.world.pay(machine.world.submit(machine.world.fill_in("card")))
        until(lambda: "Thank you for your gift of $50.00" in mail_server.subjects())
        assert len(mail_server.messages) == 2
