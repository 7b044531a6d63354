"""Which e-mails donors of cheques and cash get."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

import pytest
from sqlmodel import select

from donate.finance.offline.undoing import RETURNED, Undoing, undo_entry
from donate.gifts.models import Gift
from donate.gifts.offline.batches import record_one
from donate.gifts.offline.models import OfflineEntry
from donate.regions.modes import Mode
from donate.regions.regions import load_regions
from donate.storage.database import Database
from tests.finance.offline_desk import entered
from tests.letters.mailer import LocalMailServer, Mailer, open_mailer, run_mail_server, smtp_to


@dataclass
class Desk:
    """Records cheques, and sends the e-mails that follow."""

    mailer: Mailer
    mail_server: LocalMailServer

    def record(self, *, email: str, thanks: bool) -> OfflineEntry:
        cheque = entered(
            5_000,
            mode=Mode.CHEQUE,
            donor_name="Maya Tremblay",
            donor_email=email,
            cheque_number="42",
            sends_thanks=thanks,
        )
        with self.mailer.database.writing() as session:
            now = self.mailer.clock.now()
            return record_one(
                session, load_regions(), cheque, "key", actor="staff:1", now=now
            ).entry

    def undo(self) -> None:
        with self.mailer.database.writing() as session:
            entry = session.exec(select(OfflineEntry)).one()
            gift = session.get_one(Gift, entry.gift_id)
            day = date(2026, 3, 1)
            now = self.mailer.clock.now()
            undo_entry(session, entry, gift, Undoing(RETURNED, "", day), actor="staff:1", now=now)


@pytest.fixture
def desk(database: Database) -> Iterator[Desk]:
    with run_mail_server() as mail_server:
        yield Desk(open_mailer(database, smtp_to(mail_server)), mail_server)


def test_thanks_wait_ten_minutes(desk: Desk) -> None:
    """If staff ask for thanks, the donor gets them after ten minutes, and no other e-mail."""
    desk.record(email="maya@example.com", thanks=True)
    desk.mailer.run()
    assert desk.mail_server.subjects() == []
    desk.mailer.wait(minutes=11)
    desk.mailer.run()
    assert desk.mail_server.subjects() == ["Thank you for your gift of $50.00"]
    assert desk.mail_server.recipients == ["maya@example.com"]


@pytest.mark.parametrize(
    ("email", "thanks"),
    [
        pytest.param("maya@example.com", False, id="not asked for"),
        pytest.param("", True, id="no address"),
    ],
)
def test_nobody_is_thanked_unasked(desk: Desk, email: str, thanks: bool) -> None:
    """If staff do not ask for thanks, or there is no address, no e-mail is ever stored."""
    desk.record(email=email, thanks=thanks)
    for _ in range(8):
        desk.mailer.run()
        desk.mailer.wait(days=1)
    assert desk.mailer.states() == []
    assert desk.mail_server.messages == []


def test_undone_in_time_no_thanks_leave(desk: Desk) -> None:
    """A gift that is undone within ten minutes causes no e-mail at all."""
    desk.record(email="maya@example.com", thanks=True)
    desk.mailer.find_all()
    desk.undo()
    desk.mailer.wait(minutes=30)
    desk.mailer.run()
    assert desk.mailer.states() == [("thank_you", "untrue")]
    assert desk.mail_server.messages == []


def test_a_returned_cheque_causes_no_mail(desk: Desk) -> None:
    """Staff write to the donor of a returned cheque themselves, so no correction is sent."""
    desk.record(email="maya@example.com", thanks=True)
    desk.mailer.wait(minutes=11)
    desk.mailer.run()
    desk.undo()
    for _ in range(6):
        desk.mailer.wait(days=1)
        desk.mailer.run()
    assert len(desk.mail_server.messages) == 1
