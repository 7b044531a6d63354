"""A donor who left the payment page is reminded once, if nothing speaks against it."""

from collections.abc import Callable
from datetime import timedelta
from email.message import EmailMessage

import pytest
from sqlmodel import select

from donate.gifts.facts import FactKind
from donate.gifts.models import Gift
from donate.letters.desk import may_be_sent_again
from donate.letters.kinds import LetterKind
from donate.letters.models import Letter, LetterState
from donate.letters.reminders.conditions import MAX_DECLINES, MAX_UNFINISHED
from donate.letters.reminders.finder import EVERY, ReminderFinder
from donate.letters.reminders.models import ReminderChannel
from donate.letters.reminders.stopping import choose_reminders
from donate.regions.regions import Regions, load_regions
from donate.storage.database import Database
from tests.letters.facts import tell
from tests.letters.mailer import (
    SITE,
    LocalMailServer,
    Mailer,
    markup,
    open_mailer,
    plain,
    smtp_to,
)
from tests.letters.reminding import leave, reminding
from tests.links import stop_token_of, token_of
from tests.stripe_gateway.gifts_and_events import NOW, give

DAY = timedelta(days=1)


class Desk:
    """Finds and sends reminders, with a clock that the test sets."""

    def __init__(self, database: Database, server: LocalMailServer, regions: Regions) -> None:
        self.database, self.server, self.regions = database, server, regions
        self.mailer: Mailer = open_mailer(database, smtp_to(server), regions=regions)
        self.finder = self.new_finder()

    def new_finder(self) -> ReminderFinder:
        return ReminderFinder(self.database, self.regions, self.mailer.clock, lambda: None)

    def run(self, **wait: float) -> None:
        self.mailer.wait(**wait)
        while self.finder.find_due():
            pass
        self.mailer.send_all()

    def reminders(self) -> list[EmailMessage]:
        return [m for m in self.server.messages if m["Subject"].endswith("isn’t complete yet")]

    def letters(self) -> list[Letter]:
        return [each for each in self.mailer.letters() if each.kind == LetterKind.UNFINISHED]


@pytest.fixture
def desk(database: Database, mail_server: LocalMailServer) -> Desk:
    return Desk(database, mail_server, reminding())


@pytest.mark.parametrize("mode", ["card", "bank_debit"])
def test_a_donor_is_reminded_once(desk: Desk, mode: str) -> None:
    """After the region's pause, one e-mail has the amount and the link, and never another."""
    gift = leave(desk.database, mode=mode)
    desk.run(hours=23, minutes=59)
    assert desk.reminders() == []
    desk.run(minutes=11)
    (message,) = desk.reminders()
    assert message["Subject"] == "Your gift of $50.00 isn’t complete yet"
    for words in (
        f"{SITE}/gifts/{token_of(gift)}",
        "nothing has been charged",
        "Roof Fund",
        "Ottawa",
    ):
        assert words in plain(message).replace("\n", " ")
        assert words in markup(message)
    for _ in range(3):
        desk.finder = desk.new_finder()
        desk.run(days=20)
    assert len(desk.reminders()) == 1
    (letter,) = desk.letters()
    with desk.database.reading() as session:
        assert not may_be_sent_again(session, letter, desk.regions)


def test_a_reminder_can_be_stopped_by_one_click(desk: Desk) -> None:
    """Only the reminder has the headers of RFC 8058, with a link that opens nothing else."""
    gift = leave(desk.database)
    give(desk.database, mode="interac", email="other@example.com")
    desk.mailer.run()
    desk.run(days=1)
    (message,) = desk.reminders()
    link = f"{SITE}/unsubscribe/{stop_token_of(gift)}"
    assert message["List-Unsubscribe"] == f"<{link}>"
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert link in plain(message)
    assert f'href="{link}"' in markup(message)
    assert token_of(gift) not in link
    (other,) = (m for m in desk.server.messages if m is not message)
    assert other["List-Unsubscribe"] is None
    assert "unsubscribe" not in other.as_string()


def test_a_region_that_does_not_want_it_reminds_nobody(
    database: Database, mail_server: LocalMailServer
) -> None:
    """Without `[CODE.reminder]` nobody is reminded, not even of an e-mail that was stored."""
    desk = Desk(database, mail_server, reminding())
    leave(database)
    desk.mailer.wait(days=1)
    assert desk.finder.find_due() == 1
    desk.mailer = open_mailer(database, smtp_to(mail_server), now=NOW + 2 * DAY)
    desk.mailer.send_all()
    off = ReminderFinder(database, load_regions(), desk.mailer.clock, lambda: None)
    leave(database, "zoe@example.com")
    assert off.find_due() == 0
    assert desk.reminders() == []
    assert [letter.state for letter in desk.letters()] == [LetterState.UNTRUE]


def chose_another(database: Database, _gift: Gift) -> None:
    give(database, mode="interac", email="ANN@example.com")


def gave_an_older_gift_now(database: Database, _gift: Gift) -> None:
    older = leave(database, at=NOW - 9 * DAY)
    tell(database, older, FactKind.PAYMENT_SUCCEEDED, "pi_older")


def paid_it(database: Database, gift: Gift) -> None:
    tell(database, gift, FactKind.PAYMENT_SUCCEEDED, "pi_this")


def opened_the_page_again(database: Database, gift: Gift) -> None:
    tell(database, gift, FactKind.CHECKOUT_OPENED, "cs_again")


def was_declined_often(database: Database, gift: Gift) -> None:
    for number in range(MAX_DECLINES + 1):
        tell(database, gift, FactKind.PAYMENT_DECLINED, f"ch_{number}")


def left_many_gifts(database: Database, _gift: Gift) -> None:
    for number in range(MAX_UNFINISHED):
        leave(database, at=NOW - timedelta(minutes=1 + number))


def stopped_reminders(database: Database, gift: Gift) -> None:
    choose(database, gift, wants=False)


def choose(database: Database, gift: Gift, *, wants: bool, email: str = " Ann@Example.com") -> None:
    page = ReminderChannel.PAGE
    with database.writing() as session:
        choose_reminders(session, gift, email, wants=wants, channel=page, now=NOW)


REASONS = (
    *(chose_another, gave_an_older_gift_now, paid_it, opened_the_page_again),
    *(was_declined_often, left_many_gifts, stopped_reminders),
)


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("reason", REASONS, ids=lambda reason: reason.__name__)
def test_nobody_is_reminded_in_vain(
    desk: Desk, reason: Callable[[Database, Gift], None], when: str
) -> None:
    """Whatever speaks against a reminder counts, also after the reminder was found."""
    gift = leave(desk.database)
    desk.mailer.wait(days=1)
    if when == "after":
        assert desk.finder.find_due() == 1
    reason(desk.database, gift)
    desk.run()
    assert desk.reminders() == []


def test_a_few_declines_and_older_gifts_do_no_harm(desk: Desk) -> None:
    """A donor whose card was declined twice, or who left two more gifts, is reminded."""
    gift = leave(desk.database)
    for number in range(MAX_DECLINES):
        tell(desk.database, gift, FactKind.PAYMENT_DECLINED, f"ch_{number}")
    for number in range(MAX_UNFINISHED - 1):
        leave(desk.database, at=NOW - timedelta(minutes=1 + number))
    desk.run(days=1)
    assert len(desk.reminders()) == 1


def test_an_address_is_reminded_once_in_thirty_days(desk: Desk) -> None:
    """Another gift of the same address brings no reminder within thirty days, but one later."""
    leave(desk.database)
    desk.run(days=1)
    for days, count in ((29, 1), (3, 2)):
        leave(desk.database, "ANN@example.com", at=desk.mailer.clock.now() + (days - 1) * DAY)
        desk.run(days=days)
        assert len(desk.reminders()) == count


def test_old_and_unopened_gifts_are_left_alone(desk: Desk) -> None:
    """A gift that is over a week late, or whose payment page never opened, brings no reminder."""
    leave(desk.database, "old@example.com", at=NOW - 8 * DAY)
    give(desk.database, email="none@example.com")
    desk.run(days=1, minutes=1)
    assert desk.letters() == []
    leave(desk.database, "fresh@example.com", at=NOW - 7 * DAY + timedelta(minutes=30))
    desk.run(minutes=11)
    assert len(desk.reminders()) == 1


def test_a_donor_may_want_reminders_again(desk: Desk) -> None:
    """Stopping is kept by address, each decision once, and the newest one counts."""
    gift = leave(desk.database)
    for wants in (False, False, True, True):
        choose(desk.database, gift, wants=wants)
    choose(desk.database, gift, wants=False, email="zoe@example.com")
    desk.run(days=1)
    assert len(desk.reminders()) == 1


def test_searches_are_ten_minutes_apart(desk: Desk) -> None:
    """After a search without results, the next one is ten minutes later."""
    assert desk.finder.find_due() == 0
    leave(desk.database, at=NOW - DAY)
    desk.mailer.clock.instant += EVERY - timedelta(seconds=1)
    assert desk.finder.find_due() == 0
    desk.mailer.clock.instant += timedelta(seconds=1)
    assert desk.finder.find_due() == 1


def test_two_workers_remind_once(desk: Desk) -> None:
    """Two workers that find the same gift store one e-mail."""
    leave(desk.database, at=NOW - DAY)
    finders = [desk.new_finder(), desk.new_finder()]
    assert [finder.find_due() for finder in finders] == [1, 0]
    with desk.database.reading() as session:
        assert len(session.exec(select(Letter)).all()) == 1
