"""Corrections when it is unclear whether the e-mail about a mistake went out."""

from collections.abc import Callable
from datetime import timedelta

from donate.errors import MailUnavailable
from donate.letters.context import load_context
from donate.letters.transfers import WAIT
from donate.regions.regions import load_regions
from donate.storage.database import Database
from tests.letters.by_hand import THANKS, Mailbox, an_interac_gift, mark, undo
from tests.letters.post import SITE, Desk, PostOffice, open_desk, smtp_to
from tests.real_parts import Sqlite
from tests.stripe_gateway.given import give


def test_a_letter_that_was_not_taken_needs_no_correction(desk: Desk, office: PostOffice) -> None:
    """A thank-you that the mail server refused needs no correction."""
    box = Mailbox(desk, office)
    gift = an_interac_gift(box)
    for answer in ("451 4.7.1 later", "550 5.1.1 never"):
        wrong = mark(desk, gift, 60, "CA" + answer[:3])
        box.office.says_to_rcpt = [answer]
        desk.clock.instant += WAIT
        assert box.new() == []
        undo(desk, gift, wrong)
        desk.wait(hours=5)
        assert box.new() == []
        box.office.says_to_rcpt = []


def test_a_letter_that_may_have_gone_out_is_corrected(sqlite: Sqlite) -> None:
    """A thank-you is corrected if the connection broke while it was handed over."""
    database = Database(sqlite.fresh_url())
    carried: list[str] = []

    class Breaking:
        """A carrier whose connection breaks after it accepted an e-mail."""

        broken = True

        def carry(self, message: object) -> None:
            carried.append(str(message["Subject"]))  # type: ignore[index]
            if self.broken:
                raise MailUnavailable("SMTPServerDisconnected", may_have_acted=True)

        def hang_up(self) -> None:
            """Do nothing: there is no connection."""

    desk = open_desk(database, carrier := Breaking())
    gift = give(database, mode="giving_code")
    carrier.broken = False
    desk.write()
    carrier.broken = True
    wrong = mark(desk, gift, 60, "CAX1")
    desk.clock.instant += WAIT
    desk.write()
    carrier.broken = False
    undo(desk, gift, wrong)
    desk.clock.instant += WAIT
    desk.write()
    assert carried[1:] == [THANKS + "$60.00", f"{gift.reference}: a correction about your gift"]
    database.close()


def test_a_transfer_taken_back_while_its_letter_is_in_hand(desk: Desk, office: PostOffice) -> None:
    """Undone before the handover, an e-mail is not sent; undone later, it is corrected."""
    gift = give(desk.database, mode="interac")
    desk.write()
    wrong = mark(desk, gift, 60, "CAX1")
    desk.find_all()
    desk.clock.instant += WAIT
    letter = desk.outbox._claim()
    assert letter
    with desk.database.reading() as session:
        context = load_context(session, letter, load_regions(), SITE)
    undo(desk, gift, wrong)
    desk.outbox._hand_over(letter, context, desk.clock.now())
    assert len(office.taken) == 1
    desk.wait(days=1)
    desk.write()
    assert len(office.taken) == 1

    wrong = mark(desk, gift, 70, "CAX2")
    desk.clock.instant += WAIT
    office.on_taken = once(lambda: undo(desk, gift, wrong))
    desk.write()
    office.on_taken = None
    desk.clock.instant += WAIT
    desk.write()
    assert [message["Subject"] for message in office.taken[1:]] == [
        THANKS + "$70.00",
        f"{gift.reference}: a correction about your gift",
    ]


def once(act: Callable[[], None]) -> Callable[[], None]:
    left = [act]
    return lambda: left.pop()() if left else None


def test_in_a_demo_nobody_waits(sqlite: Sqlite, office: PostOffice) -> None:
    """With a wait of zero, the thank-you and its correction go out immediately."""
    database = Database(sqlite.fresh_url())
    desk = open_desk(database, smtp_to(office), wait=timedelta(0))
    box = Mailbox(desk, office)
    gift = an_interac_gift(box)
    wrong = mark(desk, gift, 60, "CAX1")
    assert box.new() == [THANKS + "$60.00"]
    undo(desk, gift, wrong)
    assert box.new() == [f"{gift.reference}: a correction about your gift"]
    database.close()
