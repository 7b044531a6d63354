"""Whatever becomes known of gifts, and whenever one looks, donors get each letter once and true."""

from collections import Counter
from datetime import timedelta
from itertools import count

import pytest
from hypothesis import given, settings, strategies as st

from donate.database import Database
from donate.gifts.facts import FactKind
from donate.letters.folder import Folder
from donate.letters.models import LetterState
from tests.letters.post import Desk, in_folder, open_desk
from tests.letters.test_finder import tell
from tests.real_parts import Sqlite
from tests.stripe_gateway.given import AMOUNT, NOW, gift_now, give

TOLD = (
    FactKind.PAYMENT_PROCESSING,
    FactKind.PAYMENT_FAILED,
    FactKind.PAYMENT_SUCCEEDED,
    FactKind.REFUND_SUCCEEDED,
    FactKind.REFUND_FAILED,
    FactKind.DISPUTE_OPENED,
    FactKind.DISPUTE_WON,
)
FACTS = st.tuples(st.sampled_from(TOLD), st.sampled_from(("1", "2")))
Step = tuple[FactKind, str] | str
# Each example has a donor of its own: an address has its share of letters in a day.
ADDRESSES = (f"ann{number}@example.com" for number in count())
STEPS = st.lists(FACTS | st.sampled_from(("look", "send", "wait")), max_size=14)


@pytest.fixture(scope="module")
def database(sqlite: Sqlite) -> Database:
    return Database(sqlite.fresh_url())


def follow(desk: Desk, steps: list[Step]) -> None:
    gift = give(desk.database, email=next(ADDRESSES))
    for step in steps:
        match step:
            case "look":
                desk.find_all()
            case "send":
                desk.send_all()
            case "wait":
                desk.wait(minutes=30)
            case (FactKind() as kind, source):
                money = {"amount_minor": AMOUNT // 4, "currency": "CAD"}
                moves = kind in (FactKind.REFUND_SUCCEEDED, FactKind.REFUND_FAILED)
                now, more = desk.clock.now(), money if moves else {}
                tell(desk.database, gift, kind, f"{source}:{gift.id}", known=now, **more)
    desk.wait(hours=2)
    desk.write()
    mine = [letter for letter in desk.letters() if letter.gift_id == gift.id]
    assert all(letter.state in (LetterState.SENT, LetterState.UNTRUE) for letter in mine)
    each = Counter((letter.kind, letter.occasion) for letter in mine)
    assert set(each.values()) <= {1}
    status = gift_now(desk.database, gift).status
    kinds = {letter.kind for letter in mine}
    wanted = {"confirmed": "thank_you", "processing": "under_way", "failed": "failed"}.get(status)
    assert wanted is None or wanted in kinds


@settings(max_examples=60, deadline=None)
@given(steps=STEPS)
def test_each_letter_is_there_once_and_true(
    database: Database, tmp_path_factory: pytest.TempPathFactory, steps: list[Step]
) -> None:
    """Facts in any order with looks and sendings between them: no letter twice, none missing."""
    folder = tmp_path_factory.mktemp("letters")
    desk = open_desk(database, Folder(folder), now=NOW + timedelta(seconds=1))
    follow(desk, steps)
    names = [message["Message-ID"] for message in in_folder(folder)]
    assert len(names) == len(set(names))
