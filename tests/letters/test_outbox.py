"""E-mails are sent at least once, marked, retried for days, and then set aside for staff."""

import threading
from datetime import timedelta
from pathlib import Path

import pytest
from sqlmodel import select

from donate.gifts.facts import FactKind
from donate.gifts.models import Donor
from donate.gifts.queries import replacement_key
from donate.letters.folder import Folder
from donate.letters.models import Letter
from donate.letters.outbox import LEASE, MAX_UNSOLICITED_A_DAY, RETRY_AFTER
from donate.letters.smtp import Smtp
from donate.mail_server import MailServer
from donate.storage.database import Database
from tests.letters.facts import tell
from tests.letters.post import (
    SITE,
    Desk,
    PostOffice,
    in_folder,
    make_due,
    open_desk,
    plain,
    smtp_to,
)
from tests.real_parts import Postgres, Sqlite, free_port
from tests.stripe_gateway.given import NOW, give


def test_a_letter_is_sent_and_marked(desk: Desk, office: PostOffice) -> None:
    """A due e-mail is sent, marked as sent, and not sent again."""
    gift = give(desk.database)
    tell(desk.database, gift, FactKind.PAYMENT_SUCCEEDED, "pi_1")
    desk.write()
    desk.wait(days=1)
    desk.write()
    assert desk.states() == [("thank_you", "sent")]
    assert desk.letters()[0].sent_at == NOW
    assert office.recipients == ["ann@example.com"]
    assert f"{SITE}/gifts/{gift.token}" in plain(office.taken[0])


def test_a_letter_not_taken_now_is_taken_later(desk: Desk, office: PostOffice) -> None:
    """A temporary refusal is retried after a delay, and not earlier."""
    give(desk.database, mode="interac")
    office.says_to_rcpt = ["451 4.7.1 Greylisted, come again"]
    desk.write()
    assert desk.states() == [("instructions", "waiting")]
    assert desk.letters()[0].reason == "Not accepted yet: SMTPRecipientsRefused 451 4.7.1."
    desk.clock.instant = NOW + RETRY_AFTER[0] - timedelta(seconds=1)
    desk.send_all()
    assert office.taken == []
    desk.wait(seconds=1)
    desk.send_all()
    assert desk.states() == [("instructions", "sent")]
    assert desk.letters()[0].reason == ""


@pytest.mark.parametrize("at", ["rcpt", "data"])
def test_a_letter_that_is_refused_is_set_aside(desk: Desk, office: PostOffice, at: str) -> None:
    """A permanently refused e-mail is not retried and does not block others."""
    for _ in range(2):
        give(desk.database, mode="interac")
    getattr(office, f"says_to_{at}").append("550 5.1.1 ann@example.com is unknown here")
    desk.write()
    assert desk.states() == [("instructions", "set_aside"), ("instructions", "sent")]
    assert desk.letters()[0].reason == "The mail server refused it: 550 5.1.1."
    make_due(desk.database, NOW)
    desk.send_all()
    assert len(office.taken) == 1


def test_after_the_last_try_staff_decide(sqlite: Sqlite) -> None:
    """After the last failed attempt an e-mail is set aside."""
    database = Database(sqlite.fresh_url())
    unreachable = MailServer("127.0.0.1", free_port(), may_be_plain=True)
    desk = open_desk(database, Smtp(unreachable, our_name="example.org"))
    give(database, mode="interac")
    desk.find_all()
    for delay in RETRY_AFTER:
        assert desk.outbox.send_due() == 0
        assert desk.states() == [("instructions", "waiting")]
        desk.clock.instant += delay
    desk.send_all()
    assert desk.states() == [("instructions", "set_aside")]
    assert "9 attempts: ConnectionRefusedError" in desk.letters()[0].reason
    database.close()


def test_what_is_no_longer_true_is_not_sent(desk: Desk, office: PostOffice) -> None:
    """An e-mail that is no longer true is not sent."""
    gift = give(desk.database, mode="interac")
    desk.find_all()
    tell(desk.database, gift, FactKind.TRANSFER_RECEIVED, "C1")
    desk.wait(minutes=10)
    desk.write()
    assert desk.states() == [("instructions", "untrue"), ("thank_you", "sent")]
    assert len(office.taken) == 1


def test_who_gave_another_way_is_not_reminded(desk: Desk, office: PostOffice) -> None:
    """No reminder goes out once another gift in place of this one is paid."""
    gift = give(desk.database, mode="interac")
    other = give(desk.database, form_key=replacement_key(gift, "card"))
    desk.write()
    tell(desk.database, other, FactKind.PAYMENT_SUCCEEDED, "pi_1")
    desk.wait(days=4)
    desk.write()
    assert desk.states() == [
        ("instructions", "sent"),
        ("thank_you", "sent"),
        ("reminder", "untrue"),
    ]
    assert len(office.taken) == 2


def test_a_refund_that_came_back_is_not_told(desk: Desk, office: PostOffice) -> None:
    """A refund that failed before its e-mail went out is not mailed."""
    gift = give(desk.database)
    tell(desk.database, gift, FactKind.PAYMENT_SUCCEEDED, "pi_1")
    tell(desk.database, gift, FactKind.REFUND_SUCCEEDED, "re_1")
    desk.find_all()
    tell(desk.database, gift, FactKind.REFUND_FAILED, "re_1")
    desk.send_all()
    assert desk.states() == [("refund", "untrue")]
    assert office.taken == []


def test_the_letters_of_who_died_are_sent_by_others(desk: Desk, office: PostOffice) -> None:
    """An e-mail whose worker died is sent by another when its lease ends."""
    give(desk.database, mode="interac")
    desk.find_all()
    assert desk.outbox._claim()
    desk.clock.instant = NOW + LEASE - timedelta(seconds=1)
    desk.send_all()
    assert office.taken == []
    desk.wait(seconds=1)
    desk.send_all()
    assert desk.states() == [("instructions", "sent")]


def test_a_name_of_a_letter_stays_the_same(desk: Desk, office: PostOffice) -> None:
    """An e-mail keeps its Message-ID on every attempt, and no two share one."""
    for _ in range(2):
        give(desk.database, mode="interac")
    desk.write()
    first = [message["Message-ID"] for message in office.taken]
    with desk.database.writing() as session:
        for letter in session.exec(select(Letter)):
            letter.state, letter.sent_at, letter.due_at = "waiting", None, NOW
    desk.send_all()
    assert len(set(first)) == 2
    assert sorted(message["Message-ID"] for message in office.taken) == sorted(first * 2)


def test_two_workers_send_each_letter_once(database: Database, office: PostOffice) -> None:
    """Two concurrent workers send each e-mail once."""
    for number in range(12):
        tell(database, give(database), FactKind.PAYMENT_SUCCEEDED, f"pi_{number}")
    desks = [open_desk(database, smtp_to(office)) for _ in range(2)]
    start = threading.Barrier(2)

    def work(desk: Desk) -> None:
        start.wait(10)
        desk.write()

    threads = [threading.Thread(target=work, args=(desk,)) for desk in desks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert desks[0].states() == [("thank_you", "sent")] * 12
    assert len({message["Message-ID"] for message in office.taken}) == len(office.taken) == 12


def test_a_letter_in_other_hands_is_passed_over(postgres: Postgres, office: PostOffice) -> None:
    """A worker skips an e-mail that another worker has locked."""
    database = Database(postgres.fresh_url())
    desk = open_desk(database, smtp_to(office))
    for number in range(2):
        tell(database, give(database), FactKind.PAYMENT_SUCCEEDED, f"pi_{number}")
    desk.find_all()
    first, second = desk.letters()
    with database.writing() as session:
        session.exec(select(Letter).where(Letter.id == first.id).with_for_update()).one()
        claimed = desk.outbox._claim()
    assert claimed
    assert claimed.id == second.id
    database.close()


def test_nobody_is_flooded_with_what_they_did_not_ask_for(
    sqlite_desk: Desk, office: PostOffice
) -> None:
    """An address gets at most ten e-mails a day about unpaid gifts, because anybody can type it."""
    for _ in range(MAX_UNSOLICITED_A_DAY + 2):
        give(sqlite_desk.database, mode="interac")
    with sqlite_desk.database.writing() as session:
        for donor in list(session.exec(select(Donor)))[::2]:
            donor.email = donor.email.upper()
    sqlite_desk.write()
    assert len(office.taken) == MAX_UNSOLICITED_A_DAY
    assert [state for _, state in sqlite_desk.states()].count("set_aside") == 2
    paid = give(sqlite_desk.database)
    tell(sqlite_desk.database, paid, FactKind.PAYMENT_SUCCEEDED, "pi_1")
    sqlite_desk.write()
    assert sqlite_desk.states()[-1] == ("thank_you", "sent")


def test_a_folder_takes_letters_where_there_is_no_server(sqlite: Sqlite, tmp_path: Path) -> None:
    """Without a mail server each e-mail is one file, even if it is sent twice."""
    database = Database(sqlite.fresh_url())
    folder = tmp_path / "new" / "letters"
    desk = open_desk(database, Folder(folder))
    gift = give(database, mode="interac")
    desk.write()
    with database.writing() as session:
        for letter in session.exec(select(Letter)):
            letter.state, letter.sent_at = "waiting", None
    desk.wait(minutes=5)
    desk.send_all()
    assert [gift.reference in plain(message) for message in in_folder(folder)] == [True]
    assert [path.suffix for path in folder.iterdir()] == [".eml"]
    database.close()


def test_a_folder_that_cannot_be_written_is_tried_again(sqlite: Sqlite, tmp_path: Path) -> None:
    """An e-mail waits if its folder cannot be written."""
    database = Database(sqlite.fresh_url())
    file = tmp_path / "letters"
    file.write_text("not a folder")
    desk = open_desk(database, Folder(file))
    give(database, mode="interac")
    desk.write()
    assert desk.states() == [("instructions", "waiting")]
    database.close()


def test_a_letter_that_cannot_be_written_holds_up_no_other(
    sqlite_desk: Desk, office: PostOffice, caplog: pytest.LogCaptureFixture
) -> None:
    """An e-mail that cannot be composed is set aside and does not block others."""
    broken, good = (
        give(sqlite_desk.database, mode="interac"),
        give(sqlite_desk.database, mode="interac"),
    )
    with sqlite_desk.database.writing() as session:
        donor = session.get_one(type(broken), broken.id).donor_id
        session.connection().exec_driver_sql(
            f"UPDATE donor SET email = 'no address at all' WHERE id = {donor}"
        )
    sqlite_desk.write()
    assert sorted(sqlite_desk.states()) == [("instructions", "sent"), ("instructions", "set_aside")]
    assert good.reference in office.subjects()[0]
    assert "could not compose an e-mail" in caplog.text
