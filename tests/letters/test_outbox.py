"""The outbox sends each e-mail, retries for days, and then sets it aside for staff."""

import threading
from datetime import timedelta
from pathlib import Path

import pytest
from sqlmodel import select

from donate.gifts.facts import FactKind
from donate.gifts.models import Donor
from donate.gifts.queries import replacement_key
from donate.letters.models import Letter, LetterState
from donate.letters.sending.email_limits import MAX_PER_MAILBOX
from donate.letters.sending.folder import Folder
from donate.letters.sending.outbox import RETRY_AFTER
from donate.letters.sending.smtp import Smtp
from donate.mail_server import MailServer
from donate.regions.modes import Mode
from donate.storage.claiming import LEASE
from donate.storage.database import Database
from tests.letters.facts import tell
from tests.letters.mailer import (
    SITE,
    LocalMailServer,
    Mailer,
    in_folder,
    make_due,
    open_mailer,
    plain,
    smtp_to,
)
from tests.links import token_of
from tests.real_parts import Postgres, Sqlite, free_port
from tests.stripe_gateway.gifts_and_events import NOW, give


def test_a_letter_is_sent_and_marked(mailer: Mailer, mail_server: LocalMailServer) -> None:
    """A due e-mail is sent, marked as sent, and not sent again."""
    gift = give(mailer.database)
    tell(mailer.database, gift, FactKind.PAYMENT_SUCCEEDED, "pi_1")
    mailer.run()
    mailer.wait(days=1)
    mailer.run()
    assert mailer.states() == [("thank_you", "sent")]
    assert mailer.letters()[0].sent_at == NOW
    assert mail_server.recipients == ["ann@example.com"]
    assert f"{SITE}/gifts/{token_of(gift)}" in plain(mail_server.messages[0])


def test_a_letter_refused_for_now_is_sent_later(
    mailer: Mailer, mail_server: LocalMailServer
) -> None:
    """If the mail server refuses an e-mail for now, it is sent again after a delay."""
    give(mailer.database, mode="interac")
    mail_server.rcpt_answers = ["451 4.7.1 Greylisted, come again"]
    mailer.run()
    assert mailer.states() == [("instructions", "waiting")]
    assert mailer.letters()[0].reason == "Not accepted yet: SMTPRecipientsRefused 451 4.7.1."
    mailer.clock.instant = NOW + RETRY_AFTER.pauses[0] - timedelta(seconds=1)
    mailer.send_all()
    assert mail_server.messages == []
    mailer.wait(seconds=1)
    mailer.send_all()
    assert mailer.states() == [("instructions", "sent")]
    assert mailer.letters()[0].reason == ""


@pytest.mark.parametrize("at", ["rcpt", "data"])
def test_a_letter_that_is_refused_is_set_aside(
    mailer: Mailer, mail_server: LocalMailServer, at: str
) -> None:
    """If the mail server refuses an e-mail for good, it is set aside and others are still sent."""
    for _ in range(2):
        give(mailer.database, mode="interac")
    getattr(mail_server, f"{at}_answers").append("550 5.1.1 ann@example.com is unknown here")
    mailer.run()
    assert mailer.states() == [("instructions", "set_aside"), ("instructions", "sent")]
    assert mailer.letters()[0].reason == "The mail server refused it: 550 5.1.1."
    make_due(mailer.database, NOW)
    mailer.send_all()
    assert len(mail_server.messages) == 1


def test_after_nine_attempts_a_letter_is_set_aside(sqlite: Sqlite) -> None:
    """An e-mail is set aside after nine failed attempts."""
    database = Database(sqlite.fresh_url())
    unreachable = MailServer("127.0.0.1", free_port(), may_be_plain=True)
    mailer = open_mailer(database, Smtp(unreachable, our_name="example.org"))
    give(database, mode="interac")
    mailer.find_all()
    for delay in RETRY_AFTER.pauses:
        assert mailer.outbox.send_due() == 0
        assert mailer.states() == [("instructions", "waiting")]
        mailer.clock.instant += delay
    mailer.send_all()
    assert mailer.states() == [("instructions", "set_aside")]
    assert "9 attempts: ConnectionRefusedError" in mailer.letters()[0].reason
    database.close()


def test_an_untrue_letter_is_not_sent(mailer: Mailer, mail_server: LocalMailServer) -> None:
    """An e-mail that is no longer true is not sent, such as instructions after the transfer."""
    gift = give(mailer.database, mode="interac")
    mailer.find_all()
    tell(mailer.database, gift, FactKind.TRANSFER_RECEIVED, "C1")
    mailer.wait(minutes=10)
    mailer.run()
    assert mailer.states() == [("instructions", "untrue"), ("thank_you", "sent")]
    assert len(mail_server.messages) == 1


def test_no_reminder_after_a_gift_in_its_place(
    mailer: Mailer, mail_server: LocalMailServer
) -> None:
    """A donor who paid with another gift in place of a transfer gets no reminder to transfer."""
    gift = give(mailer.database, mode="interac")
    other = give(mailer.database, form_key=replacement_key(gift, Mode.CARD))
    mailer.run()
    tell(mailer.database, other, FactKind.PAYMENT_SUCCEEDED, "pi_1")
    mailer.wait(days=4)
    mailer.run()
    assert mailer.states() == [
        ("instructions", "sent"),
        ("thank_you", "sent"),
        ("reminder", "untrue"),
    ]
    assert len(mail_server.messages) == 2


def test_a_failed_refund_is_not_written_about(mailer: Mailer, mail_server: LocalMailServer) -> None:
    """The donor gets no e-mail about a refund that failed before the e-mail was sent."""
    gift = give(mailer.database)
    tell(mailer.database, gift, FactKind.PAYMENT_SUCCEEDED, "pi_1")
    tell(mailer.database, gift, FactKind.REFUND_SUCCEEDED, "re_1")
    mailer.find_all()
    tell(mailer.database, gift, FactKind.REFUND_FAILED, "re_1")
    mailer.send_all()
    assert mailer.states() == [("refund", "untrue")]
    assert mail_server.messages == []


def test_a_letter_of_a_dead_worker_is_sent_by_another(
    mailer: Mailer, mail_server: LocalMailServer
) -> None:
    """If a worker dies before it sends an e-mail, another worker sends it two minutes later."""
    give(mailer.database, mode="interac")
    mailer.find_all()
    assert mailer.outbox._claim()
    mailer.clock.instant = NOW + LEASE - timedelta(seconds=1)
    mailer.send_all()
    assert mail_server.messages == []
    mailer.wait(seconds=1)
    mailer.send_all()
    assert mailer.states() == [("instructions", "sent")]


def test_a_message_id_stays_the_same(mailer: Mailer, mail_server: LocalMailServer) -> None:
    """An e-mail has the same Message-ID in every attempt, and each e-mail has its own."""
    for _ in range(2):
        give(mailer.database, mode="interac")
    mailer.run()
    first = [message["Message-ID"] for message in mail_server.messages]
    with mailer.database.writing() as session:
        for letter in session.exec(select(Letter)):
            letter.state, letter.sent_at, letter.due_at = LetterState.WAITING, None, NOW
    mailer.send_all()
    assert len(set(first)) == 2
    assert sorted(message["Message-ID"] for message in mail_server.messages) == sorted(first * 2)


def test_two_workers_send_each_letter_once(
    database: Database, mail_server: LocalMailServer
) -> None:
    """Two concurrent workers send each e-mail once."""
    for number in range(12):
        tell(database, give(database), FactKind.PAYMENT_SUCCEEDED, f"pi_{number}")
    mailers = [open_mailer(database, smtp_to(mail_server)) for _ in range(2)]
    start = threading.Barrier(2)

    def work(mailer: Mailer) -> None:
        start.wait(10)
        mailer.run()

    threads = [threading.Thread(target=work, args=(mailer,)) for mailer in mailers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert mailers[0].states() == [("thank_you", "sent")] * 12
    assert (
        len({message["Message-ID"] for message in mail_server.messages})
        == len(mail_server.messages)
        == 12
    )


def test_a_locked_letter_is_skipped(postgres: Postgres, mail_server: LocalMailServer) -> None:
    """On PostgreSQL a worker skips an e-mail whose row another worker has locked."""
    database = Database(postgres.fresh_url())
    mailer = open_mailer(database, smtp_to(mail_server))
    for number in range(2):
        tell(database, give(database), FactKind.PAYMENT_SUCCEEDED, f"pi_{number}")
    mailer.find_all()
    first, second = mailer.letters()
    with database.writing() as session:
        session.exec(select(Letter).where(Letter.id == first.id).with_for_update()).one()
        claimed = mailer.outbox._claim()
    assert claimed
    assert claimed.id == second.id
    database.close()


def test_an_address_gets_few_letters_about_unpaid_gifts(
    sqlite_mailer: Mailer, mail_server: LocalMailServer
) -> None:
    """An address gets at most ten e-mails a day about unpaid gifts.

    The reason is that anybody can open a gift with somebody else's address.
    """
    for _ in range(MAX_PER_MAILBOX + 2):
        give(sqlite_mailer.database, mode="interac")
    with sqlite_mailer.database.writing() as session:
        for donor in list(session.exec(select(Donor)))[::2]:
            donor.email = donor.email.upper()
    sqlite_mailer.run()
    assert len(mail_server.messages) == MAX_PER_MAILBOX
    assert [state for _, state in sqlite_mailer.states()].count("set_aside") == 2
    paid = give(sqlite_mailer.database)
    tell(sqlite_mailer.database, paid, FactKind.PAYMENT_SUCCEEDED, "pi_1")
    sqlite_mailer.run()
    assert sqlite_mailer.states()[-1] == ("thank_you", "sent")


def test_a_folder_has_one_file_for_each_letter(sqlite: Sqlite, tmp_path: Path) -> None:
    """If e-mails go into a folder, each is one file there, even if it is sent twice."""
    database = Database(sqlite.fresh_url())
    folder = tmp_path / "new" / "letters"
    mailer = open_mailer(database, Folder(folder))
    gift = give(database, mode="interac")
    mailer.run()
    with database.writing() as session:
        for letter in session.exec(select(Letter)):
            letter.state, letter.sent_at = LetterState.WAITING, None
    mailer.wait(minutes=5)
    mailer.send_all()
    assert [gift.reference in plain(message) for message in in_folder(folder)] == [True]
    assert [path.suffix for path in folder.iterdir()] == [".eml"]
    database.close()


def test_a_folder_that_cannot_be_written_is_tried_again(sqlite: Sqlite, tmp_path: Path) -> None:
    """An e-mail waits for another attempt if the folder for e-mails cannot be written."""
    database = Database(sqlite.fresh_url())
    file = tmp_path / "letters"
    file.write_text("not a folder")
    mailer = open_mailer(database, Folder(file))
    give(database, mode="interac")
    mailer.run()
    assert mailer.states() == [("instructions", "waiting")]
    database.close()


def test_a_letter_that_cannot_be_composed_is_set_aside(
    sqlite_mailer: Mailer, mail_server: LocalMailServer, caplog: pytest.LogCaptureFixture
) -> None:
    """An e-mail that cannot be composed is set aside, and others are still sent."""
    broken, good = (
        give(sqlite_mailer.database, mode="interac"),
        give(sqlite_mailer.database, mode="interac"),
    )
    with sqlite_mailer.database.writing() as session:
        donor = session.get_one(type(broken), broken.id).donor_id
        session.connection().exec_driver_sql(
            f"UPDATE donor SET email = 'no address at all' WHERE id = {donor}"
        )
    sqlite_mailer.run()
    assert sorted(sqlite_mailer.states()) == [
        ("instructions", "sent"),
        ("instructions", "set_aside"),
    ]
    assert good.reference in mail_server.subjects()[0]
    assert "could not compose an e-mail" in caplog.text
