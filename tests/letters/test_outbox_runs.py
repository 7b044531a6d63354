"""How many e-mails the outbox sends each time it runs, in which order, and when it retries one."""

from datetime import timedelta
from email.message import EmailMessage

import pytest

from donate.errors import MailRefused, MailUnavailable
from donate.letters.kinds import LetterKind
from donate.letters.models import Letter, new_letter
from donate.storage.bulk_writes import insert_new
from donate.storage.claiming import LEASE
from donate.storage.database import Database
from tests.letters.mailer import Mailer, open_mailer
from tests.real_parts import Sqlite
from tests.stripe_gateway.gifts_and_events import NOW, give

SECOND = timedelta(seconds=1)


class StubCarrier:
    """A carrier that counts e-mails and connections, and raises `says` if that is set."""

    def __init__(self, says: Exception | None = None) -> None:
        self.says = says
        self.attempts = 0
        self.rounds = 0

    def carry(self, message: EmailMessage) -> None:
        self.attempts += 1
        if self.says:
            raise self.says

    def hang_up(self) -> None:
        self.rounds += 1


@pytest.fixture
def mailer(database: Database, carrier: StubCarrier) -> Mailer:
    return open_mailer(database, carrier)


@pytest.fixture
def carrier() -> StubCarrier:
    return StubCarrier()


def put_letters(
    mailer: Mailer,
    occasions: list[str],
    *,
    kind: LetterKind = LetterKind.INSTRUCTIONS,
    mode: str = "interac",
) -> None:
    """Store e-mails about one gift, each due a minute before the previous one."""
    gift = give(mailer.database, mode=mode)
    rows = [
        new_letter(gift.id, kind, occasion, now=NOW, due_at=NOW - timedelta(minutes=number))
        for number, occasion in enumerate(occasions)
    ]
    with mailer.database.writing() as session:
        insert_new(session, Letter, rows)


def test_a_round_sends_fifty(sqlite: Sqlite) -> None:
    """Each time the outbox runs, it sends at most fifty e-mails, over one connection."""
    database = Database(sqlite.fresh_url())
    mailer = open_mailer(database, carrier := StubCarrier())
    # Instructions do not apply to a card gift, so the outbox composes none of these e-mails.
    put_letters(mailer, [f"{number}" for number in range(51)], mode="card")
    rounds = [(mailer.outbox.send_due(), carrier.rounds) for _ in range(3)]
    assert rounds == [(50, 1), (1, 2), (0, 3)]
    database.close()


def test_the_longest_due_letter_is_first(mailer: Mailer) -> None:
    """The outbox sends the e-mail that has been due for longest, then the one stored first."""
    put_letters(mailer, ["c", "b", "a"])
    put_letters(mailer, ["d"])
    claimed = [mailer.outbox._claim() for _ in range(5)]
    assert [letter and letter.occasion for letter in claimed] == ["a", "b", "c", "d", None]
    first = claimed[0]
    assert first
    assert (first.tries, first.due_at) == (1, NOW + timedelta(minutes=2))
    assert timedelta(minutes=2) == LEASE


def test_finding_no_letter_needs_no_write_lock(sqlite: Sqlite) -> None:
    """The outbox, which looks for due e-mails every second, takes no write lock for it."""
    url = sqlite.fresh_url()
    database, other = (Database(url, busy_timeout_s=0.1) for _ in range(2))
    mailer = open_mailer(database, StubCarrier())
    with other.writing() as session:
        session.connection()
        assert mailer.outbox.send_due() == 0
    database.close()
    other.close()


def test_when_a_letter_is_tried_again(sqlite: Sqlite, caplog: pytest.LogCaptureFixture) -> None:
    """An e-mail is retried after 1, 5 and 15 minutes, 1, 4 and 12 hours, and 1 and 2 days."""
    database = Database(sqlite.fresh_url())
    carrier = StubCarrier(MailUnavailable("451 4.7.1"))
    mailer = open_mailer(database, carrier)
    put_letters(mailer, [""])
    for attempts, minutes in enumerate((1, 5, 15, 60, 240, 720, 1_440, 2_880), start=1):
        assert (mailer.outbox.send_due(), carrier.attempts) == (0, attempts)
        mailer.clock.instant += timedelta(minutes=minutes) - SECOND
        assert (mailer.outbox.send_due(), carrier.attempts) == (0, attempts)
        mailer.clock.instant += SECOND
    assert mailer.states() == [("instructions", "waiting")]
    mailer.outbox.send_due()
    assert mailer.states() == [("instructions", "set_aside")]
    assert caplog.text.count("will retry an e-mail later: 451 4.7.1") == 9
    database.close()


@pytest.mark.parametrize(
    ("says", "reason", "logged"),
    [
        (
            MailUnavailable("x" * 300),
            "Not accepted yet: " + "x" * 182,
            "will retry an e-mail later: x",
        ),
        (
            MailRefused("x" * 300),
            "The mail server refused it: " + "x" * 172,
            "the mail server refused an e-mail: x",
        ),
    ],
    ids=["not taken", "refused"],
)
def test_a_long_reason_is_cut(
    mailer: Mailer,
    carrier: StubCarrier,
    caplog: pytest.LogCaptureFixture,
    says: Exception,
    reason: str,
    logged: str,
) -> None:
    """A mail server's error is stored cut to 200 characters, and logged in full."""
    put_letters(mailer, [""])
    carrier.says = says
    mailer.outbox.send_due()
    (letter,) = mailer.letters()
    assert letter.reason == reason
    assert logged + "x" * 299 in caplog.text
