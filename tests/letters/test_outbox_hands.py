"""A worker whose lease ended changes nothing about an e-mail that another worker has claimed."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from email.message import EmailMessage
from typing import Any

import pytest
from prometheus_client import REGISTRY
from sqlmodel import Session, select

from donate.errors import MailRefused, MailUnavailable
from donate.gifts.facts import FactKind
from donate.letters.kinds import LetterKind
from donate.letters.models import Letter
from donate.letters.outbox import LEASE
from donate.letters.transfers import WAIT
from donate.storage.database import Database
from tests.blocking import until_it_waits
from tests.letters.by_hand import mark
from tests.letters.facts import tell
from tests.letters.post import Desk, open_desk
from tests.real_parts import PATIENCE_S, Postgres
from tests.stripe_gateway.given import NOW, give

LATER = MailUnavailable("451 4.7.1")
NEVER = MailRefused("550 5.1.1")
UNKNOWN = MailUnavailable("SMTPServerDisconnected", may_have_acted=True)


class StubCarrier:
    """A carrier that accepts an e-mail or raises `says`, after calling `meanwhile`."""

    says: MailUnavailable | None = None
    meanwhile: Callable[[], None] | None = None
    attempts = 0

    def carry(self, message: EmailMessage) -> None:
        self.attempts += 1
        if self.meanwhile:
            self.meanwhile()
        if self.says:
            raise self.says

    def hang_up(self) -> None:
        """Do nothing: there is no connection."""


def one_letter(desk: Desk) -> Letter:
    (letter,) = desk.letters()
    return letter


def instructions(desk: Desk) -> None:
    give(desk.database, mode="interac")
    desk.find_all()


def instructions_for_what_lapsed(desk: Desk) -> None:
    gift = give(desk.database, mode="interac")
    desk.find_all()
    tell(desk.database, gift, FactKind.GIFT_LAPSED, "")


def thanks(desk: Desk) -> None:
    tell(desk.database, give(desk.database), FactKind.PAYMENT_SUCCEEDED, "pi_1")
    desk.find_all()


def thanks_for_a_transfer(desk: Desk) -> None:
    mark(desk, give(desk.database, mode="giving_code"), 60, "CAX1")
    desk.find_all()
    with desk.database.writing() as session:  # so that the thank-you is the only one
        for letter in session.exec(select(Letter).where(Letter.kind != LetterKind.THANK_YOU)):
            session.delete(letter)
    desk.clock.instant += WAIT


def thanks_too_early(desk: Desk) -> None:
    thanks_for_a_transfer(desk)
    with desk.database.writing() as session:
        session.exec(select(Letter)).one().due_at = NOW
    desk.clock.instant = NOW + timedelta(minutes=1)


# How the slower worker's e-mail is prepared, and what the carrier raises for it.
SLOW: dict[str, tuple[Callable[[Desk], None], MailUnavailable | None]] = {
    "not taken now": (instructions, LATER),
    "refused": (instructions, NEVER),
    "may have gone out": (instructions, UNKNOWN),
    "no longer true": (instructions_for_what_lapsed, None),
    "thanks not taken now": (thanks, LATER),
    "thanks refused": (thanks, NEVER),
    "thanks that have to wait": (thanks_too_early, None),
    "thanks for a transfer": (thanks_for_a_transfer, None),
}
each = pytest.mark.parametrize(("prepare", "says"), SLOW.values(), ids=SLOW)


def claimed(desk: Desk, prepare: Callable[[Desk], None]) -> Letter:
    """Let the slower worker claim an e-mail."""
    prepare(desk)
    with desk.database.writing() as session:
        session.exec(select(Letter)).one().knew = 3  # an earlier attempt may have told the donor
    letter = desk.outbox._claim()
    assert letter
    return letter


def take(session: Session, letter: Letter, desk: Desk) -> dict[str, Any]:
    """Claim the e-mail as the next worker does, and return the row that has to remain."""
    row = session.get_one(Letter, letter.id)
    row.tries += 1
    row.due_at = desk.clock.now() + LEASE + LEASE
    row.knew = 7
    row.reason = "claimed by another worker"
    session.flush()
    return row.model_dump()


def counted() -> float:
    """Return how many e-mails the metrics count as finished."""
    metrics = [metric for metric in REGISTRY.collect() if metric.name == "donate_letters"]
    samples = [sample for metric in metrics for sample in metric.samples]
    return sum(sample.value for sample in samples if sample.name.endswith("_total"))


@each
def test_what_another_has_taken_is_theirs(
    database: Database, prepare: Callable[[Desk], None], says: MailUnavailable | None
) -> None:
    """A worker that took longer than its lease leaves the row unchanged and counts nothing."""
    desk = open_desk(database, carrier := StubCarrier())
    letter = claimed(desk, prepare)
    with database.writing() as session:
        theirs = take(session, letter, desk)
    before, carrier.says = counted(), says
    send(desk, letter)
    assert one_letter(desk).model_dump() == theirs
    assert carrier.attempts == (0 if says is None else 1)
    assert counted() == before


@each
def test_what_another_is_taking_is_theirs(
    postgres: Postgres, prepare: Callable[[Desk], None], says: MailUnavailable | None
) -> None:
    """The slower worker waits for the other's lock, and then leaves the row unchanged."""
    database = Database(postgres.fresh_url())
    desk = open_desk(database, carrier := StubCarrier())
    letter = claimed(desk, prepare)
    carrier.says = says
    with ThreadPoolExecutor(1) as slower:
        with database.writing() as session:
            theirs = take(session, letter, desk)
            sending = slower.submit(send, desk, letter)
            until_it_waits(database, sending)
        sending.result(PATIENCE_S)
    assert one_letter(desk).model_dump() == theirs
    assert carrier.attempts == (0 if says is None else 1)
    database.close()


def send(desk: Desk, letter: Letter) -> None:
    """Continue with a claimed e-mail as the outbox does."""
    try:
        desk.outbox._send(letter)
    except MailUnavailable as error:
        desk.outbox._put_off(letter, error)


@pytest.fixture
def carrier() -> StubCarrier:
    return StubCarrier()


@pytest.fixture
def stub_desk(database: Database, carrier: StubCarrier) -> Desk:
    return open_desk(database, carrier)


def test_sent_is_sent_in_whosever_hands(stub_desk: Desk) -> None:
    """An e-mail that was handed over is marked as sent, though another worker has claimed it."""
    letter = claimed(stub_desk, thanks)
    with stub_desk.database.writing() as session:
        take(session, letter, stub_desk)
    before = counted()
    send(stub_desk, letter)
    row = one_letter(stub_desk)
    assert (row.state, row.sent_at, row.reason) == ("sent", NOW, "")
    assert counted() == before + 1


@pytest.mark.parametrize(
    ("state", "sent_at", "knew"), [("sent", NOW, 3), ("untrue", None, None)], ids=["sent", "untrue"]
)
def test_what_a_donor_was_told_stands(
    stub_desk: Desk, carrier: StubCarrier, state: str, sent_at: Any, knew: int | None
) -> None:
    """A failed attempt does not undo what another worker's successful one recorded."""
    letter = claimed(stub_desk, thanks)

    def succeed() -> None:
        with stub_desk.database.writing() as session:
            row = session.get_one(Letter, letter.id)
            row.state, row.sent_at = state, sent_at

    carrier.meanwhile, carrier.says = succeed, LATER
    send(stub_desk, letter)
    row = one_letter(stub_desk)
    assert (row.state, row.sent_at, row.knew) == (state, sent_at, knew)


def test_what_has_to_wait_is_no_try(stub_desk: Desk, carrier: StubCarrier) -> None:
    """A thank-you whose transfer is under ten minutes old waits without counting an attempt."""
    thanks_too_early(stub_desk)
    assert stub_desk.outbox.send_due() == 1
    row = one_letter(stub_desk)
    assert (row.state, row.due_at, row.tries) == ("waiting", NOW + WAIT, 0)
    assert carrier.attempts == 0


def test_only_what_tells_of_money_is_remembered(stub_desk: Desk) -> None:
    """A thank-you stores which transfers it mentioned, and instructions do not."""
    thanks_for_a_transfer(stub_desk)
    stub_desk.write()
    assert one_letter(stub_desk).knew
    gift = give(stub_desk.database, mode="interac")
    stub_desk.find_all()
    tell(stub_desk.database, gift, FactKind.TRANSFER_RECEIVED, "C1")
    tell(stub_desk.database, gift, FactKind.TRANSFER_UNDONE, "C1")
    stub_desk.clock.instant += WAIT
    stub_desk.write()
    assert [(row.kind, row.state, bool(row.knew)) for row in stub_desk.letters()] == [
        ("thank_you", "sent", True),
        ("instructions", "sent", False),
    ]


def test_the_only_letter_is_in_other_hands(postgres: Postgres) -> None:
    """A worker claims nothing while another has locked the only e-mail."""
    database = Database(postgres.fresh_url())
    desk = open_desk(database, StubCarrier())
    instructions(desk)
    with database.writing() as session:
        session.exec(select(Letter).with_for_update()).one()
        assert desk.outbox._claim() is None
    database.close()
