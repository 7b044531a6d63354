"""E-mails that nobody can check wait for a limited time, in limited numbers, and are kept."""

from datetime import timedelta

import pytest

from donate.bank.transfer_mails import queries
from donate.bank.transfer_mails.keys import NO_SUCH_KEY
from donate.bank.transfer_mails.mail_parts import MAX_MAIL_BYTES
from donate.bank.transfer_mails.models import MailCheck
from donate.bank.transfer_mails.recorder import CHECK_AGAIN_AFTER
from donate.bank.transfer_mails.uncounted_mails import WAITS_FOR
from donate.storage.database import Database
from tests.bank.transfer_mails.mail_desk import MailDesk, answering
from tests.bank.transfer_mails.mail_writer import SELECTOR, WrittenMail, public_record

DEPOSIT = WrittenMail().signed()


def other(reference: str) -> bytes:
    return WrittenMail(reference=reference).signed()


def checks(desk: MailDesk) -> list[MailCheck]:
    return [file.mail_check for file in desk.files()]


def reasons(desk: MailDesk) -> list[str]:
    return [
        sentence.message % dict(sentence.values) for _, sentence in desk.intake.uncounted(limit=10)
    ]


def test_a_key_that_does_not_exist_refuses_the_mail(database: Database) -> None:
    """An e-mail that names a key which Interac does not have is refused at once, with a reason."""
    desk = MailDesk(database, keys={}, fetch=answering(NO_SUCH_KEY)[0])
    (result,) = desk.add(DEPOSIT).results
    assert result.outcome == "refused"
    assert "no public key of the name" in result.sentence.message
    assert (desk.files(), desk.transfers()) == ([], [])


def test_one_missing_key_of_two_signatures(database: Database) -> None:
    """A second signature counts, although the key of the first one does not exist."""
    desk = MailDesk(database, fetch=answering(NO_SUCH_KEY)[0])
    header, _, rest = DEPOSIT.partition(b"\r\nFrom:")
    made_up = header.replace(f"s={SELECTOR}".encode(), b"s=madeup")
    assert made_up != header
    assert desk.outcomes(made_up + b"\r\n" + header + b"\r\nFrom:" + rest) == ["new"]


def test_a_waiting_mail_ends_when_its_key_does_not_exist(database: Database) -> None:
    """A stranger's e-mail stops waiting once DNS says that its key does not exist; it is kept."""
    desk = MailDesk(database, keys={}, fetch=answering(None, NO_SUCH_KEY)[0])
    assert desk.outcomes(DEPOSIT) == ["waiting"]
    desk.clock.instant += timedelta(minutes=6)
    assert desk.intake.check_due() == 1
    assert checks(desk) == [MailCheck.WRONG]
    assert desk.files()[0].content == DEPOSIT
    assert "no public key of the name" in reasons(desk)[0]


def wait_until_the_end(desk: MailDesk) -> None:
    """Let the worker check again until the time is over."""
    while checks(desk) == [MailCheck.WAITING]:
        assert desk.clock.instant < desk.files()[0].added_at + WAITS_FOR + timedelta(days=1)
        desk.clock.instant += max(CHECK_AGAIN_AFTER.pauses)
        desk.intake.check_due()


def test_nothing_waits_for_good(database: Database) -> None:
    """An e-mail whose key cannot be fetched for 30 days is kept, with a reason; none is lost."""
    desk = MailDesk(database, keys={}, fetch=answering(None)[0])
    desk.add(DEPOSIT)
    added = desk.clock.instant
    wait_until_the_end(desk)
    assert desk.clock.instant >= added + WAITS_FOR
    assert checks(desk) == [MailCheck.WRONG]
    assert "could not be fetched for 30 days" in reasons(desk)[0]
    assert desk.outcomes(DEPOSIT) == ["known"]


def test_an_ended_mail_counts_once_its_key_is_known(database: Database) -> None:
    """An e-mail that ended without a key counts if it is added again with the operator's key."""
    desk = MailDesk(database, keys={}, fetch=answering(None)[0])
    desk.add(DEPOSIT)
    wait_until_the_end(desk)
    with_key = MailDesk(database, keys={SELECTOR: public_record()})
    assert reasons(with_key) == [
        "Interac’s public key is known now. Add the e-mail again, so that it counts."
    ]
    assert with_key.outcomes(DEPOSIT, DEPOSIT) == ["new", "known"]
    assert checks(with_key) == [MailCheck.COUNTED]
    assert reasons(with_key) == []


def test_a_contradiction_is_named(database: Database) -> None:
    """The reason of a kept e-mail that contradicts another one names the transfer."""
    desk = MailDesk(database, keys={}, fetch=answering(None, public_record())[0])
    desk.add(WrittenMail(amount="$9,000.00").signed())
    desk.add(DEPOSIT)
    desk.clock.instant += timedelta(minutes=6)
    desk.intake.check_due()
    assert "about the transfer C1AVzjTtqRCM names another amount" in reasons(desk)[0]


def test_a_full_waiting_room_takes_no_more(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only so many e-mails wait; more are refused, and one with a known key counts."""
    monkeypatch.setattr(queries, "MOST_WAITING", 2)
    desk = MailDesk(database, keys={}, fetch=answering(None)[0])
    mails = [other(f"CAu3wqe{number}") for number in range(3)]
    results = desk.add(*mails).results
    assert sorted(result.outcome for result in results) == ["refused", "waiting", "waiting"]
    (refused,) = [result for result in results if result.outcome == "refused"]
    assert "too many e-mails wait" in refused.sentence.message
    (kept,) = [place for place in range(3) if results[place].outcome == "waiting"][:1]
    assert desk.outcomes(mails[kept]) == ["known"]
    assert MailDesk(database).outcomes(DEPOSIT) == ["new"]


def test_large_mails_fill_the_waiting_room(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The size of all e-mails that wait is limited too."""
    monkeypatch.setattr(queries, "MOST_WAITING_BYTES", MAX_MAIL_BYTES + len(DEPOSIT) - 1)
    desk = MailDesk(database, keys={}, fetch=answering(None)[0])
    assert desk.outcomes(DEPOSIT) == ["waiting"]
    assert desk.outcomes(other("CAu3wqe5")) == ["refused"]
