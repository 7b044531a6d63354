"""The daily limits on e-mails that anybody can cause by typing somebody's address."""

import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlmodel import col, select

from donate.gifts.facts import FactKind
from donate.gifts.origins import record_origin
from donate.letters.kinds import LetterKind
from donate.letters.models import Letter, LetterShare, LetterState, ShareLimit, new_letter
from donate.letters.sending.email_limits import MAX_PER_MAILBOX, SHARES, ShareLimits, take_share
from donate.letters.sending.folder import Folder
from donate.storage.bulk_writes import insert_new
from donate.storage.database import Database
from tests.letters.facts import tell
from tests.letters.mailer import Mailer, in_folder, open_mailer
from tests.real_parts import Sqlite
from tests.stripe_gateway.gifts_and_events import NOW, give

DAY, SECOND = timedelta(days=1), timedelta(seconds=1)
EMAIL = "ann@example.com"
TOO_MANY = "Too many e-mails to this address in a day."
FROM_ONE = "Too many e-mails about gifts from one network in a day."
FROM_ALL = "Too many e-mails about gifts without money in a day."
MONEY_KINDS = (
    LetterKind.THANK_YOU,
    LetterKind.CORRECTION,
    LetterKind.MONTH_FAILED,
    LetterKind.PLEDGE_ENDED,
    LetterKind.PLEDGE_LINK,
    LetterKind.REFUND,
    LetterKind.REFUND_FAILED,
    LetterKind.NOT_SENT_BACK,
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "letters"


def mailing(database: Database, folder: Path, shares: ShareLimits = SHARES) -> Mailer:
    return open_mailer(database, Folder(folder), shares=shares)


@pytest.fixture
def mailer(sqlite: Sqlite, folder: Path) -> Iterator[Mailer]:
    database = Database(sqlite.fresh_url())
    yield mailing(database, folder)
    database.close()


def put_letter(
    mailer: Mailer,
    email: str = EMAIL,
    *,
    address: str = "",
    kind: LetterKind = LetterKind.INSTRUCTIONS,
    again: int = 0,
) -> int:
    """Open a gift from a network, and store an e-mail about it that is due; return its id."""
    gift, now = give(mailer.database, mode="interac", email=email), mailer.clock.now()
    with mailer.database.writing() as session:
        if address:
            record_origin(session, gift.id, address, now=now)
        insert_new(session, Letter, [new_letter(gift.id, kind, "", now=now, again=again)])
        return session.exec(select(Letter.id).where(col(Letter.gift_id) == gift.id)).one() or 0


def result_of(mailer: Mailer, number: int) -> tuple[str, str]:
    with mailer.database.reading() as session:
        letter = session.get_one(Letter, number)
        return letter.state, letter.reason


def write_to(
    mailer: Mailer, email: str = EMAIL, *, address: str = "", again: int = 0
) -> tuple[str, str]:
    """Open a gift with this address, send its instructions, and return their state and reason."""
    number = put_letter(mailer, email, address=address, again=again)
    mailer.send_all()
    return result_of(mailer, number)


def test_a_mailbox_gets_ten_letters_a_day(mailer: Mailer, folder: Path) -> None:
    """A mailbox gets ten e-mails a day, and the eleventh is left to staff."""
    assert MAX_PER_MAILBOX == 10
    assert [write_to(mailer) for _ in range(12)] == [("sent", "")] * 10 + [
        ("set_aside", TOO_MANY)
    ] * 2
    assert len(in_folder(folder)) == 10


@pytest.mark.parametrize("kind", list(LetterKind), ids=str)
def test_only_letters_about_money_have_no_limit(mailer: Mailer, kind: LetterKind) -> None:
    """The limits apply to exactly those kinds of e-mail that anybody can cause without paying."""
    number = put_letter(mailer, kind=kind)
    with mailer.database.writing() as session:
        letter = session.get_one(Letter, number)
        limit = mailer.outbox._limit_over
    assert limit(letter, EMAIL, NOW) is None
    with mailer.database.reading() as session:
        is_counted = session.get(LetterShare, number) is not None
    assert is_counted is (kind not in MONEY_KINDS)


def test_thanks_for_money_always_go_out(mailer: Mailer) -> None:
    """A mailbox that got its share still gets thanks for each gift that arrived."""
    for _ in range(11):
        write_to(mailer)
    paid = give(mailer.database, email=EMAIL)
    tell(mailer.database, paid, FactKind.PAYMENT_SUCCEEDED, "pi_1")
    mailer.run()
    assert mailer.states()[-1] == ("thank_you", "sent")


@pytest.mark.parametrize(
    ("ago", "state"),
    [(DAY - SECOND, "set_aside"), (DAY, "sent"), (DAY + SECOND, "sent")],
    ids=["within a day", "a day", "a second more"],
)
def test_a_day_is_twenty_four_hours(mailer: Mailer, ago: timedelta, state: str) -> None:
    """An e-mail counts for 24 hours after it was sent, in a window that slides."""
    for _ in range(5):
        write_to(mailer)
    mailer.wait(hours=1)
    for _ in range(5):
        write_to(mailer)
    mailer.clock.instant = NOW + ago
    assert write_to(mailer)[0] == state


@pytest.mark.parametrize(
    ("earlier", "email", "state"),
    [
        ("ann@example.com", "ANN@example.com", "set_aside"),
        ("ann+1@example.com", "ann@example.com", "set_aside"),
        ("a.nn@gmail.com", "ann+2@googlemail.com", "set_aside"),
        ("a.nn@example.com", "ann@example.com", "sent"),
        ("bob@example.com", "ann@example.com", "sent"),
        ("ann@example.org", "ann@example.com", "sent"),
    ],
)
def test_each_mailbox_has_its_own_limit(
    mailer: Mailer, earlier: str, email: str, state: str
) -> None:
    """Spellings of one mailbox have one limit together, and each mailbox has its own."""
    for _ in range(10):
        write_to(mailer, earlier)
    assert write_to(mailer, email)[0] == state


def test_seventy_tags_make_no_other_mailbox(mailer: Mailer, folder: Path) -> None:
    """Of seventy e-mails to one mailbox under seventy tags, ten are sent."""
    for number in range(70):
        put_letter(mailer, f"ann+{number}@example.com")
    mailer.send_all()
    assert len(in_folder(folder)) == 10
    assert [state for _, state in mailer.states()].count("set_aside") == 60


def test_the_limit_does_not_apply_to_what_staff_send_again(mailer: Mailer) -> None:
    """E-mails that staff send again are not counted, and go out in any case."""
    for _ in range(10):
        write_to(mailer)
    assert write_to(mailer, again=1) == ("sent", "")


def test_a_letter_counts_once(mailer: Mailer) -> None:
    """The tenth e-mail is tried again after a failure, and takes one share, not two."""
    for _ in range(9):
        write_to(mailer)
    number = put_letter(mailer)
    with mailer.database.writing() as session:
        letter = session.get_one(Letter, number)
        for minutes in range(12):
            now = NOW + timedelta(minutes=minutes)
            assert take_share(session, letter, EMAIL, SHARES, now=now) is None
        assert len(session.exec(select(LetterShare)).all()) == 10


@pytest.mark.parametrize(
    ("addresses", "held"),
    [
        (["203.0.113.7"] * 4, FROM_ONE),
        (["203.0.113.7"] * 3 + ["203.0.113.8"], ""),
        (["2001:db8:1:a::1", "2001:db8:1:b::2", "2001:db8:1:ffff::3", "2001:db8:1::4"], FROM_ONE),
        (["2001:db8:1::1"] * 3 + ["2001:db8:2::1"], ""),
    ],
    ids=["one address", "another address", "one /48", "another /48"],
)
def test_a_network_has_a_limit(
    database: Database, folder: Path, addresses: list[str], held: str
) -> None:
    """A network that opened many gifts causes no more e-mails, whatever mailboxes it names."""
    mailer = mailing(database, folder, ShareLimits(per_network=3, in_all=100))
    results = [
        write_to(mailer, f"donor{number}@example.com", address=address)
        for number, address in enumerate(addresses)
    ]
    assert results == [("sent", "")] * 3 + [("waiting", held) if held else ("sent", "")]


def test_a_held_letter_goes_out_when_there_is_room(mailer: Mailer, folder: Path) -> None:
    """An e-mail over a network's limit waits, and is sent as soon as there is room."""
    mailer = mailing(mailer.database, folder, ShareLimits(per_network=1))
    write_to(mailer, "a@example.com", address="203.0.113.7")
    mailer.wait(hours=2)
    assert write_to(mailer, "b@example.com", address="203.0.113.7") == ("waiting", FROM_ONE)
    mailer.wait(hours=21, minutes=59)
    mailer.send_all()
    assert mailer.letters()[1].state == "waiting"
    mailer.wait(hours=1)
    mailer.send_all()
    assert (mailer.letters()[1].state, mailer.letters()[1].reason) == ("sent", "")


def test_a_letter_held_for_a_day_is_left_to_staff(mailer: Mailer, folder: Path) -> None:
    """An e-mail that found no room for a day is left to staff, and still counts as held."""
    mailer = mailing(mailer.database, folder, ShareLimits(per_network=1))
    write_to(mailer, "a@example.com", address="203.0.113.7")
    number = put_letter(mailer, "b@example.com", address="203.0.113.7")
    for _ in range(25):
        mailer.send_all()
        mailer.wait(hours=1)
        with mailer.database.writing() as session:  # the first e-mail stays in the window
            for share in session.exec(select(LetterShare).where(LetterShare.letter_id != number)):
                share.taken_at = mailer.clock.now()
    mailer.send_all()
    assert result_of(mailer, number) == ("set_aside", FROM_ONE)
    with mailer.database.reading() as session:
        assert session.get_one(LetterShare, number).held_by is ShareLimit.NETWORK


def test_all_strangers_have_a_limit(database: Database, folder: Path) -> None:
    """The second half of the limit for all is for networks that caused fewer than three."""
    mailer = mailing(database, folder, ShareLimits(per_network=100, in_all=10))

    def from_network(address: str, how_many: int) -> list[str]:
        return [
            write_to(mailer, f"{address}-{n}@example.com", address=address)[1]
            for n in range(how_many)
        ]

    assert from_network("203.0.113.7", 6) == [""] * 5 + [FROM_ALL]
    assert from_network("203.0.113.8", 4) == [""] * 3 + [FROM_ALL]
    assert from_network("203.0.113.9", 3) == [""] * 2 + [FROM_ALL]


def test_two_workers_share_the_limits(database: Database, folder: Path) -> None:
    """Two workers at the same time do not both take the last share."""
    mailer = mailing(database, folder)
    for _ in range(9):
        write_to(mailer)
    numbers = [put_letter(mailer) for _ in range(4)]
    results: list[ShareLimit | None] = []

    def take(number: int) -> None:
        with database.writing() as session:
            letter = session.get_one(Letter, number)
            results.append(take_share(session, letter, EMAIL, SHARES, now=NOW))

    threads = [threading.Thread(target=take, args=(number,)) for number in numbers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results, key=str) == [None, *[ShareLimit.MAILBOX] * 3]


def test_no_address_is_stored_with_a_share(mailer: Mailer) -> None:
    """A share has only a hash of the mailbox, and is deleted when it no longer counts."""
    write_to(mailer)
    mailer.wait(days=1)
    number = put_letter(mailer, "bob@example.com")
    mailer.send_all()
    with mailer.database.reading() as session:
        (share,) = session.exec(select(LetterShare)).all()
    assert share.letter_id == number
    assert len(share.mailbox_hash) == 64
    assert result_of(mailer, number)[0] == LetterState.SENT
