"""The daily limit on e-mails that anybody can cause by typing somebody's address."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import col, select

from donate.gifts.models import Gift
from donate.letters.folder import Folder
from donate.letters.kinds import LetterKind
from donate.letters.models import Letter, LetterState, new_letter
from donate.letters.outbox import LEASE, MAX_UNSOLICITED_A_DAY
from donate.storage.bulk_writes import insert_new
from donate.storage.database import Database
from tests.letters.mailer import Mailer, in_folder, open_mailer
from tests.real_parts import Sqlite
from tests.stripe_gateway.gifts_and_events import NOW, give

DAY, SECOND = timedelta(days=1), timedelta(seconds=1)
EMAIL = "ann@example.com"
UNASKED = (
    LetterKind.INSTRUCTIONS,
    LetterKind.REMINDER,
    LetterKind.UNDER_WAY,
    LetterKind.FAILED,
    LetterKind.PLEDGE_AMOUNT,
)
TOO_MANY = "Too many e-mails to this address in a day."


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "letters"


@pytest.fixture
def mailer(sqlite: Sqlite, folder: Path) -> Iterator[Mailer]:
    database = Database(sqlite.fresh_url())
    yield open_mailer(database, Folder(folder))
    database.close()


def send_earlier(
    mailer: Mailer,
    how_many: int,
    *,
    kind: LetterKind = LetterKind.INSTRUCTIONS,
    email: str = EMAIL,
    ago: timedelta = timedelta(hours=1),
    **more: Any,
) -> None:
    """Store e-mails of one kind, about another gift, that were sent to this address before."""
    other = give(mailer.database, email=email)
    at = NOW - ago
    sent = {"state": LetterState.SENT, "sent_at": at, "due_at": at + LEASE, "tries": 1}
    letters = [
        new_letter(other.id, kind, f"{number}", now=at) | sent | more for number in range(how_many)
    ]
    with mailer.database.writing() as session:
        insert_new(session, Letter, letters)


def write_to(mailer: Mailer, email: str = EMAIL, again: int = 0) -> tuple[str, str]:
    """Open a gift with this address, send its instructions, and return their state and reason."""
    gift: Gift = give(mailer.database, mode="interac", email=email)
    row = new_letter(gift.id, LetterKind.INSTRUCTIONS, "", now=NOW, again=again)
    with mailer.database.writing() as session:
        insert_new(session, Letter, [row])
    mailer.send_all()
    with mailer.database.reading() as session:
        letter = session.exec(select(Letter).where(col(Letter.gift_id) == gift.id)).one()
    return letter.state, letter.reason


@pytest.mark.parametrize(
    ("earlier", "result"),
    [(0, ("sent", "")), (9, ("sent", "")), (10, ("set_aside", TOO_MANY))],
)
def test_an_address_gets_ten_letters_a_day(
    mailer: Mailer, earlier: int, result: tuple[str, str]
) -> None:
    """An address gets ten e-mails a day, and the eleventh is set aside for staff."""
    assert MAX_UNSOLICITED_A_DAY == 10
    send_earlier(mailer, earlier)
    assert write_to(mailer) == result


@pytest.mark.parametrize("kind", list(LetterKind), ids=str)
def test_which_letters_count(mailer: Mailer, kind: LetterKind) -> None:
    """The limit counts the five kinds of e-mail that anybody can cause without paying."""
    send_earlier(mailer, 10, kind=kind)
    assert write_to(mailer)[0] == ("set_aside" if kind in UNASKED else "sent")


def test_kinds_count_together(mailer: Mailer) -> None:
    """The five kinds of e-mail that are limited have one limit together."""
    for kind in UNASKED:
        send_earlier(mailer, 2, kind=kind)
    assert write_to(mailer)[0] == "set_aside"


@pytest.mark.parametrize(
    ("ago", "state"),
    [
        (timedelta(0), "set_aside"),
        (DAY - SECOND, "set_aside"),
        (DAY, "sent"),
        (DAY + SECOND, "sent"),
        (DAY + LEASE, "sent"),
    ],
    ids=["now", "within a day", "a day", "a second more", "minutes more"],
)
def test_a_day_is_twenty_four_hours(mailer: Mailer, ago: timedelta, state: str) -> None:
    """An e-mail counts towards the daily limit for 24 hours after it was sent."""
    send_earlier(mailer, 10, ago=ago)
    assert write_to(mailer)[0] == state


@pytest.mark.parametrize(
    ("earlier", "email", "state"),
    [
        ("ann@example.com", "ann@example.com", "set_aside"),
        ("Ann@Example.com", "ann@example.com", "set_aside"),
        ("ann@example.com", "ANN@example.com", "set_aside"),
        ("bob@example.com", "ann@example.com", "sent"),
        ("ann@example.org", "ann@example.com", "sent"),
        ("ann+1@example.com", "ann@example.com", "sent"),
    ],
)
def test_each_address_has_its_own_limit(
    mailer: Mailer, earlier: str, email: str, state: str
) -> None:
    """Each e-mail address has its own daily limit; upper and lower case make no difference."""
    send_earlier(mailer, 10, email=earlier)
    assert write_to(mailer, email)[0] == state


@pytest.mark.parametrize("state", ["waiting", "untrue", "set_aside", "dismissed"])
def test_only_sent_letters_count(mailer: Mailer, state: str) -> None:
    """Only e-mails that were sent count towards the daily limit of an address."""
    send_earlier(mailer, 10, state=state, sent_at=None, due_at=NOW + DAY)
    assert write_to(mailer)[0] == "sent"


def test_the_limit_does_not_apply_to_what_staff_send_again(mailer: Mailer, folder: Path) -> None:
    """The daily limit does not apply to e-mails that staff send again."""
    send_earlier(mailer, 10)
    assert write_to(mailer, again=1) == ("sent", "")
    assert len(in_folder(folder)) == 1


def test_of_twelve_gifts_ten_get_instructions(mailer: Mailer, folder: Path) -> None:
    """If twelve gifts are opened with one address in a day, ten instructions are sent."""
    states = [write_to(mailer)[0] for _ in range(12)]
    assert states == ["sent"] * 10 + ["set_aside"] * 2
    assert len(in_folder(folder)) == 10
