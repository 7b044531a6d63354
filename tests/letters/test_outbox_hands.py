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
from tests.letters.mailer import Mailer, open_mailer
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


def one_letter(mailer: Mailer) -> Letter:
    (letter,) = mailer.letters()
    return letter


def instructions(mailer: Mailer) -> None:
    give(mailer.database, mode="interac")
    mailer.find_all()


def instructions_for_what_lapsed(mailer: Mailer) -> None:
    gift = give(mailer.database, mode="interac")
    mailer.find_all()
    tell(mailer.database, gift, FactKind.GIFT_LAPSED, "")


def thanks(mailer: Mailer) -> None:
    tell(mailer.database, give(mailer.database), FactKind.PAYMENT_SUCCEEDED, "pi_1")
    mailer.find_all()


def thanks_for_a_transfer(mailer: Mailer) -> None:
    mark(mailer, give(mailer.database, mode="giving_code"), 60, "CAX1")
    mailer.find_all()
    with mailer.database.writing() as session:  # so that the thank-you is the only one
        for letter in session.exec(select(Letter).where(Letter.kind != LetterKind.THANK_YOU)):
            session.delete(letter)
    mailer.clock.instant += WAIT


def thanks_too_early(mailer: Mailer) -> None:
    thanks_for_a_transfer(mailer)
    with mailer.database.writing() as session:
        session.exec(select(Letter)).one().due_at = NOW
    mailer.clock.instant = NOW + timedelta(minutes=1)


# How the slower worker's e-mail is prepared, and what the carrier raises for it.
SLOW: dict[str, tuple[Callable[[Mailer], None], MailUnavailable | None]] = {
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


def claimed(mailer: Mailer, prepare: Callable[[Mailer], None]) -> Letter:
    """Let the slower worker claim an e-mail."""
    prepare(mailer)
    with mailer.database.writing() as session:
        session.exec(select(Letter)).one().knew = 3  # an earlier attempt may have told the donor
    letter = mailer.outbox._claim()
    assert letter
    return letter


def take(session: Session, letter: Letter, mailer: Mailer) -> dict[str, Any]:
    """Claim the e-mail as the next worker does, and return the row that has to remain."""
    row = session.get_one(Letter, letter.id)
    row.tries += 1
    row.due_at = mailer.clock.now() + LEASE + LEASE
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
    database: Database, prepare: Callable[[Mailer], None], says: MailUnavailable | None
) -> None:
    """A worker that took longer than its lease leaves the row unchanged and counts nothing."""
    mailer = open_mailer(database, carrier := StubCarrier())
    letter = claimed(mailer, prepare)
    with database.writing() as session:
        theirs = take(session, letter, mailer)
    before, carrier.says = counted(), says
    send(mailer, letter)
    assert one_letter(mailer).model_dump() == theirs
    assert carrier.attempts == (0 if says is None else 1)
    assert counted() == before


@each
def test_what_another_is_taking_is_theirs(
    postgres: Postgres, prepare: Callable[[Mailer], None], says: MailUnavailable | None
) -> None:
    """The slower worker waits for the other's lock, and then leaves the row unchanged."""
    database = Database(postgres.fresh_url())
    mailer = open_mailer(database, carrier := StubCarrier())
    letter = claimed(mailer, prepare)
    carrier.says = says
    with ThreadPoolExecutor(1) as slower:
        with database.writing() as session:
            theirs = take(session, letter, mailer)
            sending = slower.submit(send, mailer, letter)
            until_it_waits(database, sending)
        sending.result(PATIENCE_S)
    assert one_letter(mailer).model_dump() == theirs
    assert carrier.attempts == (0 if says is None else 1)
    database.close()


def send(mailer: Mailer, letter: Letter) -> None:
    """Continue with a claimed e-mail as the outbox does."""
    try:
        mailer.outbox._send(letter)
    except MailUnavailable as error:
        mailer.outbox._put_off(letter, error)


@pytest.fixture
def carrier() -> StubCarrier:
    return StubCarrier()


@pytest.fixture
def stub_mailer(database: Database, carrier: StubCarrier) -> Mailer:
    return open_mailer(database, carrier)


def test_sent_is_sent_in_whosever_hands(stub_mailer: Mailer) -> None:
    """An e-mail that was handed over is marked as sent, though another worker has claimed it."""
    letter = claimed(stub_mailer, thanks)
    with stub_mailer.database.writing() as session:
        take(session, letter, stub_mailer)
    before = counted()
    send(stub_mailer, letter)
    row = one_letter(stub_mailer)
    assert (row.state, row.sent_at, row.reason) == ("sent", NOW, "")
    assert counted() == before + 1


@pytest.mark.parametrize(
    ("state", "sent_at", "knew"), [("sent", NOW, 3), ("untrue", None, None)], ids=["sent", "untrue"]
)
def test_what_a_donor_was_told_stands(
    stub_mailer: Mailer, carrier: StubCarrier, state: str, sent_at: Any, knew: int | None
) -> None:
    """A failed attempt does not undo what another worker's successful one recorded."""
    letter = claimed(stub_mailer, thanks)

    def succeed() -> None:
        with stub_mailer.database.writing() as session:
            row = session.get_one(Letter, letter.id)
            row.state, row.sent_at = state, sent_at

    carrier.meanwhile, carrier.says = succeed, LATER
    send(stub_mailer, letter)
    row = one_letter(stub_mailer)
    assert (row.state, row.sent_at, row.knew) == (state, sent_at, knew)


def test_what_has_to_wait_is_no_try(stub_mailer: Mailer, carrier: StubCarrier) -> None:
    """A thank-you whose transfer is under ten minutes old waits without counting an attempt."""
    thanks_too_early(stub_mailer)
    assert stub_mailer.outbox.send_due() == 1
    row = one_letter(stub_mailer)
    assert (row.state, row.due_at, row.tries) == ("waiting", NOW + WAIT, 0)
    assert carrier.attempts == 0


def test_only_what_tells_of_money_is_remembered(stub_mailer: Mailer) -> None:
    """A thank-you stores which transfers it mentioned, and instructions do not."""
    thanks_for_a_transfer(stub_mailer)
    stub_mailer.run()
    assert one_letter(stub_mailer).knew
    gift = give(stub_mailer.database, mode="interac")
    stub_mailer.find_all()
    tell(stub_mailer.database, gift, FactKind.TRANSFER_RECEIVED, "C1")
    tell(stub_mailer.database, gift, FactKind.TRANSFER_UNDONE, "C1")
    stub_mailer.clock.instant += WAIT
    stub_mailer.run()
    assert [(row.kind, row.state, bool(row.knew)) for row in stub_mailer.letters()] == [
        ("thank_you", "sent", True),
        ("instructions", "sent", False),
    ]


def test_the_only_letter_is_in_other_hands(postgres: Postgres) -> None:
    """A worker claims nothing while another has locked the only e-mail."""
    database = Database(postgres.fresh_url())
    mailer = open_mailer(database, StubCarrier())
    instructions(mailer)
    with database.writing() as session:
        session.exec(select(Letter).with_for_update()).one()
        assert mailer.outbox._claim() is None
    database.close()
