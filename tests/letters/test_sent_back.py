"""E-mails about a transfer that was sent back: after ten minutes, and none if staff undo it."""

from datetime import date, timedelta

import pytest

from donate.bank.sent_back import send_back, undo_sending_back
from donate.bank.statements.models import RecordedLine
from donate.gifts.models import Gift
from donate.letters.transfers import WAIT
from donate.money import Money
from tests.letters.by_hand import Mailbox, an_interac_gift, mark
from tests.letters.mailer import LocalMailServer, Mailer

SECOND = timedelta(seconds=1)


@pytest.fixture
def box(mailer: Mailer, mail_server: LocalMailServer) -> Mailbox:
    return Mailbox(mailer, mail_server)


def thanked(box: Mailbox) -> tuple[Gift, str]:
    """Return a gift of $50.00 whose donor was thanked, and the source of its transfer."""
    gift = an_interac_gift(box)
    source = mark(box.mailer, gift, 50, "CAX1")
    box.mailer.clock.instant += WAIT
    assert len(box.new()) == 1
    return gift, source


def sent(box: Mailbox, gift: Gift, transfer: str) -> str:
    line = RecordedLine(
        id=7,
        account_id=1,
        day=date(2026, 3, 2),
        amount_minor=-5_000,
        currency="CAD",
        text="E-TFR SENT",
        text_key="",
        nth=1,
        file_id=1,
        row=1,
    )
    with box.mailer.database.writing() as session:
        fresh, now = session.get_one(Gift, gift.id), box.mailer.clock.now()
        amount = Money(5_000, "CAD")
        return send_back(session, line, fresh, transfer, amount, actor="staff:1", now=now)


def test_the_donor_hears_of_it_after_ten_minutes(box: Mailbox) -> None:
    """The e-mail about the refund waits, and names no card."""
    gift, transfer = thanked(box)
    sent(box, gift, transfer)
    box.mailer.clock.instant += WAIT - SECOND
    assert box.new() == []
    box.mailer.wait(seconds=1)
    assert box.new() == ["Your refund of $50.00"]
    assert "We’ve sent the money back to you." in box.last()
    assert "card" not in box.last()


def undone(box: Mailbox, gift: Gift, source: str) -> None:
    with box.mailer.database.writing() as session:
        fresh, now = session.get_one(Gift, gift.id), box.mailer.clock.now()
        undo_sending_back(session, fresh, source, "wrong", actor="staff:1", now=now)


def told(box: Mailbox) -> tuple[Gift, str, str]:
    """Return a gift whose donor read that it was sent back, its transfer, and its return."""
    gift, transfer = thanked(box)
    source = sent(box, gift, transfer)
    box.mailer.clock.instant += WAIT
    assert box.new() == ["Your refund of $50.00"]
    return gift, transfer, source


def test_a_return_undone_in_time_causes_no_e_mail(box: Mailbox) -> None:
    """Undone within ten minutes, the donor hears neither of the return nor of its end."""
    gift, transfer = thanked(box)
    source = sent(box, gift, transfer)
    box.mailer.wait(minutes=3)
    undone(box, gift, source)
    box.mailer.wait(days=1)
    assert box.new() == []


def test_a_donor_who_was_told_is_corrected(box: Mailbox) -> None:
    """Undone later, the donor reads after ten minutes that the money was not sent back."""
    gift, _, source = told(box)
    undone(box, gift, source)
    box.mailer.clock.instant += WAIT - SECOND
    assert box.new() == []
    box.mailer.wait(seconds=1)
    assert box.new() == ["Correction: we didn’t send $50.00 back"]
    assert "We recently wrote that we’d sent your transfer back, but we haven’t." in box.last()
    box.mailer.wait(days=1)
    assert box.new() == []


def test_another_line_for_the_same_money_is_no_news(box: Mailbox) -> None:
    """If another line replaces a wrong one in time, the donor knows all; if it goes too, not."""
    gift, transfer, source = told(box)
    undone(box, gift, source)
    box.mailer.wait(minutes=3)
    second = sent(box, gift, transfer)
    box.mailer.wait(days=1)
    assert box.new() == []
    undone(box, gift, second)
    box.mailer.clock.instant += WAIT
    assert box.new() == ["Correction: we didn’t send $50.00 back"]


def test_a_return_after_a_correction_is_told_again(box: Mailbox) -> None:
    """A donor who was corrected hears of the next return."""
    gift, transfer, source = told(box)
    undone(box, gift, source)
    box.mailer.clock.instant += WAIT
    assert len(box.new()) == 1
    sent(box, gift, transfer)
    box.mailer.clock.instant += WAIT
    assert box.new() == ["Your refund of $50.00"]
