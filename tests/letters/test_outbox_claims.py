"""What a slow worker may change after another worker has taken over its e-mail.

A worker has two minutes (its lease) to send an e-mail; then another may take it over.
"""

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
from donate.letters.models import Letter, LetterState
from donate.letters.transfers import WAIT
from donate.storage.claiming import LEASE
from donate.storage.database import Database
from tests.blocking import until_it_waits
from tests.letters.by_hand import mark
from tests.letters.facts import tell
from tests.letters.mailer import Mailer, open_mailer
from tests.real_parts import Postgres
from tests.stripe_gateway.gifts_and_events import NOW, give
from tests.waiting import PATIENCE_S

LATER = MailUnavailable("451 4.7.1")
NEVER = MailRefused("550 5.1.1")
UNKNOWN = MailUnavailable("SMTPServerDisconnected", may_have_acted=True)


class StubCarrier:
    """A carrier that first calls `meanwhile`, and then accepts the e-mail or raises `says`."""

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
        """Do nothing, because there is no connection to close."""


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
    # Delete the instructions, so that the thank-you is the only e-mail.
    with mailer.database.writing() as session:
        for letter in session.exec(select(Letter).where(Letter.kind != LetterKind.THANK_YOU)):
            session.delete(letter)
    mailer.clock.instant += WAIT


def thanks_too_early(mailer: Mailer) -> None:
    thanks_for_a_transfer(mailer)
    with mailer.database.writing() as session:
        session.exec(select(Letter)).one().due_at = NOW
    mailer.clock.instant = NOW + timedelta(minutes=1)


# For each case: what makes the slow worker's e-mail due, and what the carrier raises for it.
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
    """Make an e-mail due, and let the slow worker begin with it."""
    prepare(mailer)
    with mailer.database.writing() as session:
        # Pretend that an earlier attempt may have sent the e-mail.
        session.exec(select(Letter)).one().knew = 3
    letter = mailer.outbox._claim()
    assert letter
    return letter


def take(session: Session, letter: Letter, mailer: Mailer) -> dict[str, Any]:
    """Take the e-mail over as another worker, and return its row, which must not change again."""
    row = session.get_one(Letter, letter.id)
    row.tries += 1
    row.due_at = mailer.clock.now() + LEASE + LEASE
    row.knew = 7
    row.reason = "claimed by another worker"
    session.flush()
    return row.model_dump()


def counted() -> float:
    """Return how many e-mails the metric `donate_letters_total` has counted."""
    metrics = [metric for metric in REGISTRY.collect() if metric.name == "donate_letters"]
    samples = [sample for metric in metrics for sample in metric.samples]
    return sum(sample.value for sample in samples if sample.name.endswith("_total"))


@each
def test_a_slow_worker_changes_no_claimed_letter(
    database: Database, prepare: Callable[[Mailer], None], says: MailUnavailable | None
) -> None:
    """A slow worker that failed to send its e-mail changes nothing if another took it over."""
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
def test_a_slow_worker_waits_for_a_claim(
    postgres: Postgres, prepare: Callable[[Mailer], None], says: MailUnavailable | None
) -> None:
    """A slow worker whose sending failed waits while another worker locks the e-mail's row."""
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
    """Send this e-mail, or put it off if that fails, as the outbox does."""
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


def test_a_slow_worker_marks_a_letter_as_sent(stub_mailer: Mailer) -> None:
    """A slow worker that sent its e-mail marks it as sent, even if another took it over."""
    letter = claimed(stub_mailer, thanks)
    with stub_mailer.database.writing() as session:
        take(session, letter, stub_mailer)
    before = counted()
    send(stub_mailer, letter)
    row = one_letter(stub_mailer)
    assert (row.state, row.sent_at, row.reason) == ("sent", NOW, "")
    assert counted() == before + 1


@pytest.mark.parametrize(
    ("state", "sent_at", "knew"), [(LetterState.SENT, NOW, 3), (LetterState.UNTRUE, None, None)]
)
def test_a_failed_attempt_undoes_nothing(
    stub_mailer: Mailer, carrier: StubCarrier, state: LetterState, sent_at: Any, knew: int | None
) -> None:
    """If a slow worker fails to send its e-mail, what another worker recorded since is kept."""
    letter = claimed(stub_mailer, thanks)

    def succeed() -> None:
        with stub_mailer.database.writing() as session:
            row = session.get_one(Letter, letter.id)
            row.state, row.sent_at = state, sent_at

    carrier.meanwhile, carrier.says = succeed, LATER
    send(stub_mailer, letter)
    row = one_letter(stub_mailer)
    assert (row.state, row.sent_at, row.knew) == (state, sent_at, knew)


def test_waiting_is_no_attempt(stub_mailer: Mailer, carrier: StubCarrier) -> None:
    """The ten minutes that a thank-you has to wait do not count as a failed try to send it."""
    thanks_too_early(stub_mailer)
    assert stub_mailer.outbox.send_due() == 1
    row = one_letter(stub_mailer)
    assert (row.state, row.due_at, row.tries) == ("waiting", NOW + WAIT, 0)
    assert carrier.attempts == 0


def test_only_thanks_keep_what_they_knew(stub_mailer: Mailer) -> None:
    """A thank-you stores which fact was the gift's newest when it was sent; instructions do not."""
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


def test_nothing_is_claimed_if_the_only_letter_is_locked(postgres: Postgres) -> None:
    """On PostgreSQL a worker finds no e-mail to send if another has locked the only row."""
    database = Database(postgres.fresh_url())
    mailer = open_mailer(database, StubCarrier())
    instructions(mailer)
    with database.writing() as session:
        session.exec(select(Letter).with_for_update()).one()
        assert mailer.outbox._claim() is None
    database.close()
