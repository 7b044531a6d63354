"""Whatever facts are recorded, and whenever jobs run, each e-mail is true and sent once."""

import re
from collections import Counter
from datetime import timedelta
from email.message import EmailMessage
from itertools import count, pairwise
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from donate.errors import MailUnavailable
from donate.gifts.facts import FactKind
from donate.letters.models import LetterState
from donate.letters.sending.folder import Folder
from donate.letters.transfers import WAIT
from donate.storage.database import Database
from tests.letters.by_hand import mark, undo
from tests.letters.facts import tell
from tests.letters.mailer import Mailer, in_folder, open_mailer, plain
from tests.real_parts import Sqlite
from tests.stripe_gateway.gifts_and_events import AMOUNT, NOW, gift_now, give

KINDS = (
    FactKind.PAYMENT_PROCESSING,
    FactKind.PAYMENT_FAILED,
    FactKind.PAYMENT_SUCCEEDED,
    FactKind.REFUND_SUCCEEDED,
    FactKind.REFUND_FAILED,
    FactKind.DISPUTE_OPENED,
    FactKind.DISPUTE_WON,
)
FACTS = st.tuples(st.sampled_from(KINDS), st.sampled_from(("1", "2")))
Step = tuple[FactKind, str] | str
# Each example has its own donor, because the e-mails to one address per day are limited.
ADDRESSES = (f"ann{number}@example.com" for number in count())
STEPS = st.lists(FACTS | st.sampled_from(("look", "send", "wait")), max_size=14)


@pytest.fixture(scope="module")
def database(sqlite: Sqlite) -> Database:
    return Database(sqlite.fresh_url())


def follow(mailer: Mailer, steps: list[Step]) -> None:
    gift = give(mailer.database, email=next(ADDRESSES))
    for step in steps:
        match step:
            case "look":
                mailer.find_all()
            case "send":
                mailer.send_all()
            case "wait":
                mailer.wait(minutes=30)
            case (FactKind() as kind, source):
                money = {"amount_minor": AMOUNT // 4, "currency": "CAD"}
                moves = kind in (FactKind.REFUND_SUCCEEDED, FactKind.REFUND_FAILED)
                now, more = mailer.clock.now(), money if moves else {}
                tell(mailer.database, gift, kind, f"{source}:{gift.id}", recorded_at=now, **more)
    mailer.wait(hours=2)
    mailer.run()
    mine = [letter for letter in mailer.letters() if letter.gift_id == gift.id]
    assert all(letter.state in (LetterState.SENT, LetterState.UNTRUE) for letter in mine)
    each = Counter((letter.kind, letter.occasion) for letter in mine)
    assert set(each.values()) <= {1}
    status = gift_now(mailer.database, gift).status
    kinds = {letter.kind for letter in mine}
    expected = {"confirmed": "thank_you", "processing": "under_way", "failed": "failed"}.get(status)
    assert expected is None or expected in kinds


BY_HAND = st.lists(
    st.one_of(
        st.tuples(st.just("mark"), st.sampled_from((20, 30, 60))),
        st.tuples(st.just("undo"), st.integers(0, 2)),
        st.tuples(st.just("wait"), st.sampled_from((1, 4, 10, 300))),
        st.tuples(st.just("look"), st.just(0)),
        st.tuples(st.just("refuse"), st.just(0)),
    ),
    max_size=9,
)
RECEIVED_SO_FAR = re.compile(r"(?:Amount|Received so far): \$([0-9]+)\.00")


@settings(max_examples=25, deadline=None)
@given(steps=BY_HAND)
def test_the_last_email_on_transfers_is_true(sqlite: Sqlite, steps: list[Any]) -> None:
    """However staff mark and undo transfers, the last e-mail states the amount received."""
    database = Database(url := sqlite.fresh_url())
    carrier = Counting()
    mailer = open_mailer(database, carrier, now=NOW)
    gift = give(database, mode="interac")
    numbers, sources, changed_at = count(), list[str](), NOW - WAIT
    for action, value in [*steps, ("wait", 60 * 24)]:
        now = mailer.clock.now()
        if action == "mark":
            sources.append(mark(mailer, gift, value, f"{gift.reference}{next(numbers)}"))
            changed_at = now
        elif action == "undo" and value < len(sources):
            undo(mailer, gift, sources.pop(value))
            changed_at = now
        elif action == "wait":
            mailer.wait(minutes=value)
        elif action == "refuse":
            carrier.refusals += 1
        before = len(carrier.amounts)
        mailer.run()
        assert len(carrier.amounts) == before or mailer.clock.now() >= changed_at + WAIT
    carrier.refusals = 0
    mailer.wait(days=3)
    mailer.run()
    arrived = gift_now(database, gift).received_minor // 100
    assert (carrier.amounts or [0])[-1] == arrived
    assert all(one != other for one, other in pairwise(carrier.amounts))
    database.close()
    sqlite.drop(url)


class Counting:
    """A carrier that records the amount received that each e-mail states."""

    def __init__(self) -> None:
        self.amounts: list[int] = []
        self.refusals = 0

    def carry(self, message: EmailMessage) -> None:
        is_about_arrival = message["Message-ID"].startswith(("<thank_you", "<correction"))
        if not is_about_arrival:
            return
        if self.refusals:
            self.refusals -= 1
            raise MailUnavailable("451")
        match = RECEIVED_SO_FAR.search(plain(message))
        assert match, plain(message)
        self.amounts.append(int(match[1]))

    def hang_up(self) -> None:
        """Do nothing, because this carrier has no connection."""


@settings(max_examples=60, deadline=None)
@given(steps=STEPS)
def test_each_letter_is_sent_once(
    database: Database, tmp_path_factory: pytest.TempPathFactory, steps: list[Step]
) -> None:
    """Whenever facts are recorded and jobs run, no e-mail is sent twice or is missing."""
    folder = tmp_path_factory.mktemp("letters")
    mailer = open_mailer(database, Folder(folder), now=NOW + timedelta(seconds=1))
    follow(mailer, steps)
    names = [message["Message-ID"] for message in in_folder(folder)]
    assert len(names) == len(set(names))
