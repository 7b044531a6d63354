"""E-mails about transfers that staff mark, and corrections if staff undo one.

An e-mail about a transfer is sent ten minutes after it was marked, so that staff can undo a
mistake before the donor reads of it.
"""

from datetime import timedelta

import pytest

from donate.gifts.facts import FactKind
from donate.letters.finder import REMIND_AFTER
from donate.letters.transfers import WAIT
from tests.letters.by_hand import THANKS, Mailbox, an_interac_gift, mark, undo
from tests.letters.facts import tell
from tests.letters.mailer import LocalMailServer, Mailer
from tests.stripe_gateway.gifts_and_events import NOW, give

SECOND = timedelta(seconds=1)


@pytest.fixture
def box(mailer: Mailer, mail_server: LocalMailServer) -> Mailbox:
    return Mailbox(mailer, mail_server)


def test_a_transfer_undone_in_time_is_not_thanked_for(box: Mailbox) -> None:
    """If staff undo a transfer within ten minutes, the donor gets no e-mail about it."""
    gift, mailer = an_interac_gift(box), box.mailer
    wrong = mark(mailer, gift, 60, "CAX1")
    assert box.new() == []
    mailer.wait(minutes=3)
    undo(mailer, gift, wrong)
    assert [letter.state for letter in mailer.letters()] == ["sent", "untrue"]
    assert box.new() == []
    mailer.wait(minutes=3)
    mark(mailer, gift, 50, "CAX1")
    mailer.clock.instant += WAIT - SECOND
    assert box.new() == []
    mailer.wait(seconds=1)
    assert box.new() == [THANKS + "$50.00"]
    assert "mistake" not in box.last()
    mailer.wait(days=1)
    assert box.new() == []
    assert [letter.state for letter in mailer.letters()] == ["sent", "untrue", "sent"]


def test_a_transfer_undone_after_the_thanks_is_corrected(box: Mailbox) -> None:
    """If staff undo a transfer after its thank-you, a correction is sent ten minutes later."""
    gift, mailer = an_interac_gift(box), box.mailer
    wrong = mark(mailer, gift, 60, "CAX1")
    mailer.clock.instant += WAIT
    assert box.new() == [THANKS + "$60.00"]
    undo(mailer, gift, wrong)
    mailer.clock.instant += WAIT - SECOND
    assert box.new() == []
    mailer.wait(seconds=1)
    assert box.new() == [f"{gift.reference}: a correction about your gift"]
    assert "We told you that your gift of $60.00 had arrived. That was our mistake" in box.last()
    assert "We haven’t received your gift yet." in box.last()
    mark(mailer, gift, 50, "CAX1")
    mailer.clock.instant += WAIT
    assert box.new() == [THANKS + "$50.00"]
    assert "mistake" not in box.last()


def test_a_replaced_transfer_is_corrected_in_the_new_thanks(box: Mailbox) -> None:
    """If staff replace a transfer after its thank-you, one new thank-you corrects the amount."""
    gift, mailer = an_interac_gift(box), box.mailer
    wrong = mark(mailer, gift, 60, "CAX1")
    mailer.clock.instant += WAIT
    box.new()
    undo(mailer, gift, wrong)
    mailer.wait(minutes=2)
    mark(mailer, gift, 50, "CAX1")
    mailer.wait(minutes=9)
    assert box.new() == []
    mailer.wait(minutes=1)
    assert box.new() == [THANKS + "$50.00"]
    assert "An earlier e-mail said that we had received $60.00. That was our mistake" in box.last()
    mailer.wait(days=1)
    assert box.new() == []


def test_the_right_transfer_may_be_marked_before_the_wrong_one_is_undone(box: Mailbox) -> None:
    """If staff mark the right transfer first and then undo the wrong one, one e-mail is enough."""
    gift, mailer = an_interac_gift(box), box.mailer
    wrong = mark(mailer, gift, 60, "CAX1")
    mailer.clock.instant += WAIT
    box.new()
    mark(mailer, gift, 50, "CAX2")
    undo(mailer, gift, wrong)
    mailer.clock.instant += WAIT
    assert box.new() == [THANKS + "$50.00"]
    assert "$60.00" in box.last()


def test_the_same_amount_again_causes_no_letter(box: Mailbox) -> None:
    """If staff correct a transfer's bank reference and nothing else, no second e-mail is sent."""
    gift, mailer = an_interac_gift(box), box.mailer
    wrong = mark(mailer, gift, 60, "CAX1")
    mailer.clock.instant += WAIT
    box.new()
    undo(mailer, gift, wrong)
    mark(mailer, gift, 60, "CAX2")
    mailer.wait(days=1)
    assert box.new() == []


@pytest.mark.parametrize(
    ("apart", "amounts"), [(timedelta(minutes=5), ["$50.00"]), (WAIT, ["$20.00", "$50.00"])]
)
def test_a_second_transfer_changes_the_amount(
    box: Mailbox, apart: timedelta, amounts: list[str]
) -> None:
    """Transfers that staff mark within ten minutes of each other are thanked for in one e-mail."""
    gift, mailer = an_interac_gift(box), box.mailer
    mark(mailer, gift, 20, "CAX1")
    mailer.clock.instant += apart
    first = box.new()
    mark(mailer, gift, 30, "CAX2")
    mailer.clock.instant += WAIT
    assert first + box.new() == [THANKS + amount for amount in amounts]


def test_one_of_two_transfers_was_a_mistake(box: Mailbox) -> None:
    """If staff undo one of two transfers, the correction says how much has arrived so far."""
    gift, mailer = an_interac_gift(box), box.mailer
    mark(mailer, gift, 20, "CAX1")
    wrong = mark(mailer, gift, 30, "CAX2")
    mailer.clock.instant += WAIT
    assert box.new() == [THANKS + "$50.00"]
    undo(mailer, gift, wrong)
    mailer.clock.instant += WAIT
    assert len(box.new()) == 1
    assert "your gift of $50.00 had arrived. That was our mistake" in box.last()
    assert "We’ve received $20.00 so far." in box.last()
    mailer.wait(days=1)
    assert box.new() == []


def test_two_mistakes_take_one_correction(box: Mailbox) -> None:
    """If staff undo two transfers together, one e-mail corrects both."""
    gift, mailer = an_interac_gift(box), box.mailer
    wrong = [mark(mailer, gift, 20, "CAX1"), mark(mailer, gift, 30, "CAX2")]
    mailer.clock.instant += WAIT
    box.new()
    for source in wrong:
        undo(mailer, gift, source)
    mailer.clock.instant += WAIT
    assert len(box.new()) == 1
    mailer.wait(days=1)
    assert box.new() == []


def test_a_second_transfer_undone_delays_the_thanks(box: Mailbox) -> None:
    """If staff mark a second transfer and soon undo it, the thank-you for the first is delayed."""
    gift, mailer = an_interac_gift(box), box.mailer
    mark(mailer, gift, 20, "CAX1")
    mailer.wait(minutes=5)
    wrong = mark(mailer, gift, 30, "CAX2")
    mailer.wait(minutes=7)
    assert box.new() == []
    undo(mailer, gift, wrong)
    mailer.clock.instant += WAIT
    assert box.new() == [THANKS + "$20.00"]


def test_no_reminder_within_ten_minutes_of_undoing(box: Mailbox) -> None:
    """No reminder is sent within ten minutes after staff undid a transfer."""
    gift, mailer = an_interac_gift(box), box.mailer
    wrong = mark(mailer, gift, 60, "CAX1")
    undo(mailer, gift, wrong)
    mailer.clock.instant = NOW + REMIND_AFTER - timedelta(minutes=5)
    assert box.new() == []
    wrong = mark(mailer, gift, 60, "CAX2")
    mailer.wait(minutes=6)
    undo(mailer, gift, wrong)
    assert box.new() == []
    mailer.wait(minutes=9)
    assert box.new() == []
    mailer.wait(hours=1)
    (subject,) = box.new()
    assert subject.endswith("we haven’t received your gift of $50.00 yet")


def test_no_reminder_after_a_correction(box: Mailbox) -> None:
    """After a correction the donor gets no reminder, because both say that the gift is missing."""
    gift, mailer = an_interac_gift(box), box.mailer
    mailer.clock.instant = NOW + REMIND_AFTER - 2 * WAIT
    wrong = mark(mailer, gift, 60, "CAX1")
    mailer.clock.instant += WAIT
    assert box.new() == [THANKS + "$60.00"]
    undo(mailer, gift, wrong)
    mailer.wait(days=2)
    assert len(box.new()) == 1


def test_letters_about_card_payments_do_not_wait(box: Mailbox) -> None:
    """E-mails about card payments and refunds are sent at once, because staff cannot undo those."""
    gift = give(box.mailer.database)
    tell(box.mailer.database, gift, FactKind.PAYMENT_SUCCEEDED, "pi_1")
    assert box.new() == [THANKS + "$50.00"]
    tell(box.mailer.database, gift, FactKind.REFUND_SUCCEEDED, "re_1")
    assert len(box.new()) == 1
