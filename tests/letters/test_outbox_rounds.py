"""One round of the outbox: how many letters, in which order, and when one is tried again."""

from datetime import timedelta
from email.message import EmailMessage

import pytest

from donate.errors import MailRefused, MailUnavailable
from donate.letters.kinds import LetterKind
from donate.letters.models import Letter, new_letter
from donate.letters.outbox import LEASE
from donate.storage.bulk_writes import insert_new
from donate.storage.database import Database
from tests.letters.post import Desk, open_desk
from tests.real_parts import Sqlite
from tests.stripe_gateway.given import NOW, give

SECOND = timedelta(seconds=1)


class Door:
    """A carrier that counts, and answers what it is told to."""

    def __init__(self, says: Exception | None = None) -> None:
        self.says = says
        self.asked = 0
        self.rounds = 0

    def carry(self, message: EmailMessage) -> None:
        self.asked += 1
        if self.says:
            raise self.says

    def hang_up(self) -> None:
        self.rounds += 1


@pytest.fixture
def desk(database: Database, door: Door) -> Desk:
    return open_desk(database, door)


@pytest.fixture
def door() -> Door:
    return Door()


def put_letters(
    desk: Desk, occasions: list[str], *, kind: str = LetterKind.INSTRUCTIONS, mode: str = "interac"
) -> None:
    """Write down so many letters about one gift, each due a minute before the one before it."""
    gift = give(desk.database, mode=mode)
    rows = [
        new_letter(gift.id, kind, occasion, now=NOW, due_at=NOW - timedelta(minutes=number))
        for number, occasion in enumerate(occasions)
    ]
    with desk.database.writing() as session:
        insert_new(session, Letter, rows)


def test_a_round_takes_fifty(sqlite: Sqlite) -> None:
    """Fifty letters go over one connection at most; the rest follow over the next."""
    database = Database(sqlite.fresh_url())
    desk = open_desk(database, door := Door())
    # A gift by card has no instructions, so that nothing has to be written for this test.
    put_letters(desk, [f"{number}" for number in range(51)], mode="card")
    rounds = [(desk.outbox.send_due(), door.rounds) for _ in range(3)]
    assert rounds == [(50, 1), (1, 2), (0, 3)]
    database.close()


def test_who_waits_longest_is_first(desk: Desk) -> None:
    """Letters leave in the order in which they are due, and then in which they were written."""
    put_letters(desk, ["c", "b", "a"])
    put_letters(desk, ["d"])
    claimed = [desk.outbox._claim() for _ in range(5)]
    assert [letter and letter.occasion for letter in claimed] == ["a", "b", "c", "d", None]
    first = claimed[0]
    assert first
    assert (first.tries, first.due_at) == (1, NOW + timedelta(minutes=2))
    assert timedelta(minutes=2) == LEASE


def test_an_outbox_with_nothing_to_send_writes_nothing(sqlite: Sqlite) -> None:
    """Every heartbeat looks, so looking takes no turn from those who write."""
    url = sqlite.fresh_url()
    database, other = (Database(url, busy_timeout_s=0.1) for _ in range(2))
    desk = open_desk(database, Door())
    with other.writing() as session:
        session.connection()
        assert desk.outbox.send_due() == 0
    for one in (database, other):
        one.close()


def test_when_a_letter_is_tried_again(sqlite: Sqlite, caplog: pytest.LogCaptureFixture) -> None:
    """After 1, 5 and 15 minutes, 1, 4 and 12 hours, and 1 and 2 days: not a second earlier."""
    database = Database(sqlite.fresh_url())
    door = Door(MailUnavailable("451 4.7.1"))
    desk = open_desk(database, door)
    put_letters(desk, [""])
    for tries, minutes in enumerate((1, 5, 15, 60, 240, 720, 1_440, 2_880), start=1):
        assert (desk.outbox.send_due(), door.asked) == (0, tries)
        desk.clock.instant += timedelta(minutes=minutes) - SECOND
        assert (desk.outbox.send_due(), door.asked) == (0, tries)
        desk.clock.instant += SECOND
    assert desk.states() == [("instructions", "waiting")]
    desk.outbox.send_due()
    assert desk.states() == [("instructions", "set_aside")]
    assert caplog.text.count("a letter waits: 451 4.7.1") == 9
    database.close()


@pytest.mark.parametrize(
    ("says", "kept", "logged"),
    [
        (MailUnavailable("x" * 300), "Not taken yet: " + "x" * 185, "a letter waits: x"),
        (MailRefused("x" * 300), "The mail server refused it: " + "x" * 172, "was refused: x"),
    ],
    ids=["not taken", "refused"],
)
def test_a_long_reason_is_cut(
    desk: Desk,
    door: Door,
    caplog: pytest.LogCaptureFixture,
    says: Exception,
    kept: str,
    logged: str,
) -> None:
    """Of what a mail server says the table holds two hundred characters, and the log has all."""
    put_letters(desk, [""])
    door.says = says
    desk.outbox.send_due()
    (letter,) = desk.letters()
    assert letter.reason == kept
    assert logged + "x" * 299 in caplog.text
