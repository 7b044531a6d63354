"""Whether a correction is sent if the thank-you for a wrong transfer failed or was interrupted."""

from collections.abc import Callable
from datetime import timedelta

from donate.errors import MailUnavailable
from donate.letters.context import load_context
from donate.letters.transfers import WAIT
from donate.regions.regions import load_regions
from donate.storage.database import Database
from tests.letters.by_hand import THANKS, Mailbox, an_interac_gift, mark, undo
from tests.letters.mailer import SITE, LocalMailServer, Mailer, open_mailer, smtp_to
from tests.links import links_at
from tests.real_parts import Sqlite
from tests.stripe_gateway.gifts_and_events import give


def test_refused_thanks_need_no_correction(mailer: Mailer, mail_server: LocalMailServer) -> None:
    """No correction is sent if the mail server refused the thank-you for a wrong transfer."""
    box = Mailbox(mailer, mail_server)
    gift = an_interac_gift(box)
    for answer in ("451 4.7.1 later", "550 5.1.1 never"):
        wrong = mark(mailer, gift, 60, "CA" + answer[:3])
        box.mail_server.rcpt_answers = [answer]
        mailer.clock.instant += WAIT
        assert box.new() == []
        undo(mailer, gift, wrong)
        mailer.wait(hours=5)
        assert box.new() == []
        box.mail_server.rcpt_answers = []


def test_thanks_that_may_have_been_sent_are_corrected(sqlite: Sqlite) -> None:
    """A correction is sent if the connection broke when the thank-you may have been accepted."""
    database = Database(sqlite.fresh_url())
    carried: list[str] = []

    class Breaking:
        """A carrier that accepts an e-mail and then raises, as if the connection broke."""

        broken = True

        def carry(self, message: object) -> None:
            carried.append(str(message["Subject"]))  # type: ignore[index]
            if self.broken:
                raise MailUnavailable("SMTPServerDisconnected", may_have_acted=True)

        def hang_up(self) -> None:
            """Do nothing, because there is no connection to close."""

    mailer = open_mailer(database, carrier := Breaking())
    gift = give(database, mode="giving_code")
    carrier.broken = False
    mailer.run()
    carrier.broken = True
    wrong = mark(mailer, gift, 60, "CAX1")
    mailer.clock.instant += WAIT
    mailer.run()
    carrier.broken = False
    undo(mailer, gift, wrong)
    mailer.clock.instant += WAIT
    mailer.run()
    assert carried[1:] == [THANKS + "$60.00", f"{gift.reference}: a correction about your gift"]
    database.close()


def test_a_transfer_undone_while_its_thanks_are_being_sent(
    mailer: Mailer, mail_server: LocalMailServer
) -> None:
    """A thank-you is not sent if its transfer is undone before the mail server gets the e-mail.

    If the transfer is undone while the mail server accepts the e-mail, a correction follows.
    """
    gift = give(mailer.database, mode="interac")
    mailer.run()
    wrong = mark(mailer, gift, 60, "CAX1")
    mailer.find_all()
    mailer.clock.instant += WAIT
    letter = mailer.outbox._claim()
    assert letter
    with mailer.database.reading() as session:
        context = load_context(session, letter, load_regions(), links_at(SITE))
    undo(mailer, gift, wrong)
    mailer.outbox._hand_over(letter, context, mailer.clock.now())
    assert len(mail_server.messages) == 1
    mailer.wait(days=1)
    mailer.run()
    assert len(mail_server.messages) == 1

    wrong = mark(mailer, gift, 70, "CAX2")
    mailer.clock.instant += WAIT
    mail_server.on_message = once(lambda: undo(mailer, gift, wrong))
    mailer.run()
    mail_server.on_message = None
    mailer.clock.instant += WAIT
    mailer.run()
    assert [message["Subject"] for message in mail_server.messages[1:]] == [
        THANKS + "$70.00",
        f"{gift.reference}: a correction about your gift",
    ]


def once(act: Callable[[], None]) -> Callable[[], None]:
    left = [act]
    return lambda: left.pop()() if left else None


def test_with_a_wait_of_zero_letters_are_sent_at_once(
    sqlite: Sqlite, mail_server: LocalMailServer
) -> None:
    """If the wait is set to zero, as in the demo, thank-you and correction are sent at once."""
    database = Database(sqlite.fresh_url())
    mailer = open_mailer(database, smtp_to(mail_server), wait=timedelta(0))
    box = Mailbox(mailer, mail_server)
    gift = an_interac_gift(box)
    wrong = mark(mailer, gift, 60, "CAX1")
    assert box.new() == [THANKS + "$60.00"]
    undo(mailer, gift, wrong)
    assert box.new() == [f"{gift.reference}: a correction about your gift"]
    database.close()
