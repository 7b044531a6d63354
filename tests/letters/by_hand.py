"""Marks and undoes transfers as staff do, and shows which e-mails the donor then gets."""

from dataclasses import dataclass
from datetime import date

from donate.bank.received_transfers import (
    Transfer,
    bank_reference_key,
    mark_received,
    undo_transfer,
)
from donate.gifts.models import Gift
from donate.money import Money
from tests.letters.mailer import LocalMailServer, Mailer, plain
from tests.stripe_gateway.gifts_and_events import give

THANKS = "Thank you for your gift of "


def mark(mailer: Mailer, gift: Gift, dollars: int, bank_reference: str) -> str:
    """Mark a transfer as received, and return the source of its fact."""
    with mailer.database.writing() as session:
        fresh = session.get_one(Gift, gift.id)
        amount = Money(dollars * 100, "CAD")
        transfer = Transfer(date(2026, 3, 1), amount, bank_reference, "")
        mark_received(session, fresh, transfer, actor="staff:1", now=mailer.clock.now())
    return f"{bank_reference_key(bank_reference)}#0"


def undo(mailer: Mailer, gift: Gift, source: str) -> None:
    with mailer.database.writing() as session:
        fresh = session.get_one(Gift, gift.id)
        undo_transfer(session, fresh, source, "Mistyped", actor="staff:1", now=mailer.clock.now())


@dataclass
class Mailbox:
    """The mailbox of one donor, who gets all e-mails of the mail server."""

    mailer: Mailer
    mail_server: LocalMailServer
    seen: int = 0

    def new(self) -> list[str]:
        """Send the e-mails that are due, and return the subjects of those that arrived."""
        self.mailer.run()
        messages, self.seen = self.mail_server.messages[self.seen :], len(self.mail_server.messages)
        return [message["Subject"] for message in messages]

    def last(self) -> str:
        return " ".join(plain(self.mail_server.messages[-1]).split())


def an_interac_gift(box: Mailbox) -> Gift:
    gift = give(box.mailer.database, mode="interac")
    assert len(box.new()) == 1  # This is the e-mail with the instructions.
    return gift
