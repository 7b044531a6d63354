"""Two clerks and one event: the row decides who was first, and the other is told."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from donate.errors import Conflict
from donate.gifts.models import Gift
from donate.storage.database import Database
from donate.stripe_gateway.models import EventState, StripeEvent
from donate.stripe_gateway.webhooks.staff_decisions import dismiss_event, take_event, tie, try_again
from tests.finance.asides import decide, look, paid, put_aside, reread, settle
from tests.finance.room import NOW, Room
from tests.stripe_gateway import given

Decide = Callable[[StripeEvent], bool]


@contextmanager
def another_process(url: str) -> Iterator[Database]:
    """Open the same database as another process would: with connections and locks of its own."""
    database = Database(url)
    try:
        yield database
    finally:
        database.close()


def at_once(databases: list[Database], event: StripeEvent, acts: list[Decide]) -> list[str]:
    """Let clerk after clerk decide at the same moment; returns how each ended."""
    start = threading.Barrier(len(acts))
    ends: list[str] = []

    def run(database: Database, act: Decide) -> None:
        start.wait()
        assert event.id is not None
        try:
            with database.writing() as session:
                changed = act(take_event(session, event.id))
            ends.append("changed" if changed else "known")
        except Conflict:
            ends.append("refused")

    threads = [
        threading.Thread(target=run, args=(databases[n % len(databases)], act))
        for n, act in enumerate(acts)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(ends)


def clerk(number: int, gift: Gift) -> Decide:
    """Return what the clerk of this number decides; each third one decides the same."""
    actor = f"staff:{number}"

    def decide_it(event: StripeEvent) -> bool:
        if number % 3 == 0:
            return try_again(event, actor=actor, now=NOW)
        if number % 3 == 1:
            return tie(event, gift, actor=actor, now=NOW)
        return dismiss_event(event, "not ours", actor=actor, now=NOW)

    return decide_it


def test_of_many_at_once_one_decides(database_url: str, database: Database) -> None:
    """Clerks in two processes who tie and dismiss at the same moment: one wins, all are told."""
    gift = given.give(database)
    for _ in range(5):
        event = put_aside(database, paid(gift, amount_total=4_000))
        with another_process(database_url) as other:
            acts = [clerk(number, gift) for number in (1, 2, 4, 5, 7, 8)]
            ends = at_once([database, other], event, acts)
        assert ends == ["changed"] + ["refused"] * 5
        with database.reading() as session:
            decided = session.get_one(StripeEvent, event.id)
        assert len(decided.history) == 1
        tied = decided.history[0]["decision"] == "tied"
        assert (decided.tied_to == gift.id) is tied
        assert decided.state == (EventState.WAITING if tied else EventState.DISMISSED)


def test_no_decision_is_lost(database_url: str, database: Database) -> None:
    """When one dismisses and another tries again, each change is one entry in the history."""
    gift = given.give(database)
    for _ in range(5):
        event = put_aside(database, paid(gift, amount_total=4_000))
        with another_process(database_url) as other:
            ends = at_once([database, other], event, [clerk(2, gift), clerk(3, gift)])
        with database.reading() as session:
            decided = session.get_one(StripeEvent, event.id)
        assert len(decided.history) == Counter(ends)["changed"] >= 1
        assert decided.state == EventState.WAITING


@pytest.mark.parametrize(
    ("act", "typed"), [("tried", {}), ("tied", {"reference": ""}), ("dismissed", {"reason": "abc"})]
)
def test_a_double_click_decides_once(room_on_each: Room, act: str, typed: dict[str, str]) -> None:
    """The same form twice is one decision and no error; somebody else's is told of the first."""
    room = room_on_each
    gift = given.give(room.database)
    if "reference" in typed:
        typed = {"reference": gift.reference}
    event = put_aside(room.database, paid(gift, amount_total=4_000))
    browser = room.signed_in()
    assert [decide(browser, event, act, **typed).status_code for _ in range(2)] == [303, 303]
    (entry,) = reread(room, event).history
    acts = [act.act for act in room.acts() if act.act.startswith("event_")]
    assert acts == [f"event_{entry['decision']}"]

    late = room.signed_in(email="bob@example.org")
    answer = decide(late, event, "dismissed", reason="mine")
    assert answer.status_code == 409
    assert "This event is no longer set aside: " in answer.text
    assert "Nothing was changed just now." in answer.text
    assert len(reread(room, event).history) == 1


def test_a_settled_event_is_not_decided_about_again(room: Room) -> None:
    """A form that stood open until the event was settled changes nothing any more."""
    gift, other = given.give(room.database), given.give(room.database)
    event = put_aside(room.database, paid(gift, amount_total=4_000))
    first, second = room.signed_in(), room.signed_in(email="bob@example.org")
    decide(first, event, "tied", reference=gift.reference)
    settle(room)
    settled = reread(room, event)
    assert settled.state == EventState.SETTLED
    for act, typed in (
        ("tried", {}),
        ("tied", {"reference": other.reference}),
        ("dismissed", {"reason": "mine"}),
    ):
        answer = decide(second, event, act, **typed)
        assert answer.status_code == 409
        assert "This event is no longer set aside: it is settled." in answer.text
    assert reread(room, event) == settled
    assert "<form" in look(second, event)
    assert "/tied" not in look(second, event)
