"""E-mails about transfers wait ten minutes, are dropped if staff undo, and are corrected later."""

from datetime import timedelta

import pytest

from donate.gifts.facts import FactKind
from donate.letters.finder import REMIND_AFTER
from donate.letters.transfers import WAIT
from tests.letters.by_hand import THANKS, Mailbox, an_interac_gift, mark, undo
from tests.letters.facts import tell
from tests.letters.mailer import LocalMailServer, Mailer
from tests.stripe_gateway.given import NOW, give

SECOND = timedelta(seconds=1)


@pytest.fixture
def box(mailer: Mailer, mail_server: LocalMailServer) -> Mailbox:
    return Mailbox(mailer, mail_server)


def test_a_mistake_that_is_taken_back_in_time_is_never_told(box: Mailbox) -> None:
    """A mistake undone within ten minutes is never mailed, and the next mark waits again."""
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


def test_a_mistake_that_was_told_is_corrected(box: Mailbox) -> None:
    """Ten minutes after staff undo a transfer that was mailed, a correction goes out."""
    gift, mailer = an_interac_gift(box), box.mailer
    wrong = mark(mailer, gift, 60, "CAX1")
    mailer.clock.instant += WAIT
    assert box.new() == [THANKS + "$60.00"]
    undo(mailer, gift, wrong)
    mailer.clock.instant += WAIT - SECOND
    assert box.new() == []
    mailer.wait(seconds=1)
    assert box.new() == [f"{gift.reference}: a correction about your gift"]
    assert "We wrote that your gift of $60.00 had arrived. That was our mistake" in box.last()
    assert "We haven’t received your gift yet." in box.last()
    mark(mailer, gift, 50, "CAX1")
    mailer.clock.instant += WAIT
    assert box.new() == [THANKS + "$50.00"]
    assert "mistake" not in box.last()


def test_a_mistake_mended_at_once_takes_one_letter(box: Mailbox) -> None:
    """If staff undo a mailed transfer and mark the right one, one e-mail thanks and corrects."""
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
    assert "We wrote earlier that $60.00 had arrived. That was our mistake" in box.last()
    mailer.wait(days=1)
    assert box.new() == []


def test_the_right_transfer_may_be_marked_before_the_wrong_one_goes(box: Mailbox) -> None:
    """One e-mail is also enough if staff mark the right transfer before they undo the wrong one."""
    gift, mailer = an_interac_gift(box), box.mailer
    wrong = mark(mailer, gift, 60, "CAX1")
    mailer.clock.instant += WAIT
    box.new()
    mark(mailer, gift, 50, "CAX2")
    undo(mailer, gift, wrong)
    mailer.clock.instant += WAIT
    assert box.new() == [THANKS + "$50.00"]
    assert "$60.00" in box.last()


def test_the_same_amount_again_is_no_news(box: Mailbox) -> None:
    """The same amount marked again under another bank reference gets no second e-mail."""
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
    """Two transfers marked together get one e-mail, and two marked apart get one each."""
    gift, mailer = an_interac_gift(box), box.mailer
    mark(mailer, gift, 20, "CAX1")
    mailer.clock.instant += apart
    first = box.new()
    mark(mailer, gift, 30, "CAX2")
    mailer.clock.instant += WAIT
    assert first + box.new() == [THANKS + amount for amount in amounts]


def test_one_of_two_transfers_was_a_mistake(box: Mailbox) -> None:
    """If staff undo one of two transfers, the donor is e-mailed the amount that did arrive."""
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
    """Two transfers undone together are corrected in one e-mail."""
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


def test_a_transfer_untold_when_another_goes_is_told(box: Mailbox) -> None:
    """A second transfer that is marked and soon undone only delays the e-mail about the first."""
    gift, mailer = an_interac_gift(box), box.mailer
    mark(mailer, gift, 20, "CAX1")
    mailer.wait(minutes=5)
    wrong = mark(mailer, gift, 30, "CAX2")
    mailer.wait(minutes=7)
    assert box.new() == []
    undo(mailer, gift, wrong)
    mailer.clock.instant += WAIT
    assert box.new() == [THANKS + "$20.00"]


def test_no_reminder_while_staff_put_a_mistake_right(box: Mailbox) -> None:
    """A reminder waits ten minutes after a transfer is undone, as other e-mails do."""
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


def test_who_was_told_of_a_mistake_gets_no_reminder_as_well(box: Mailbox) -> None:
    """No reminder follows a correction, which already says that the gift has not arrived."""
    gift, mailer = an_interac_gift(box), box.mailer
    mailer.clock.instant = NOW + REMIND_AFTER - 2 * WAIT
    wrong = mark(mailer, gift, 60, "CAX1")
    mailer.clock.instant += WAIT
    assert box.new() == [THANKS + "$60.00"]
    undo(mailer, gift, wrong)
    mailer.wait(days=2)
    assert len(box.new()) == 1


def test_what_stripe_says_does_not_wait(box: Mailbox) -> None:
    """E-mails about card payments and refunds do not wait, because staff cannot undo those."""
    gift = give(box.mailer.database)
    tell(box.mailer.database, gift, FactKind.PAYMENT_SUCCEEDED, "pi_1")
    assert box.new() == [THANKS + "$50.00"]
    tell(box.mailer.database, gift, FactKind.REFUND_SUCCEEDED, "re_1")
    assert len(box.new()) == 1
