"""Several staff members (clerks) decide about one set-aside event at the same time."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from donate.errors import Conflict
from donate.gifts.models import Gift
from donate.storage.database import Database
from donate.stripe_gateway.models import EventState, StripeEvent
from donate.stripe_gateway.webhooks.staff_decisions import dismiss_event, lock_event, tie, try_again
from tests.finance.finance_site import NOW, FinanceSite
from tests.finance.set_aside_events import decide, look, paid, reread, set_aside, settle
from tests.stripe_gateway import gifts_and_events

Decide = Callable[[StripeEvent], bool]


@contextmanager
def another_process(url: str) -> Iterator[Database]:
    """Open the same database with separate connections and locks, as another process would."""
    database = Database(url)
    try:
        yield database
    finally:
        database.close()


def decide_in_threads(
    databases: list[Database], event: StripeEvent, acts: list[Decide]
) -> list[str]:
    """Let each clerk decide about the event in a thread of their own, and return the results."""
    start = threading.Barrier(len(acts))
    results: list[str] = []

    def run(database: Database, act: Decide) -> None:
        start.wait()
        assert event.id is not None
        try:
            with database.writing() as session:
                changed = act(lock_event(session, event.id))
            results.append("changed" if changed else "known")
        except Conflict:
            results.append("refused")

    threads = [
        threading.Thread(target=run, args=(databases[n % len(databases)], act))
        for n, act in enumerate(acts)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(results)


def clerk(number: int, gift: Gift) -> Decide:
    """Return what this clerk decides: to try the event again, to tie it or to dismiss it."""
    actor = f"staff:{number}"

    def decision(event: StripeEvent) -> bool:
        if number % 3 == 0:
            return try_again(event, actor=actor, now=NOW)
        if number % 3 == 1:
            return tie(event, gift, actor=actor, now=NOW)
        return dismiss_event(event, "not ours", actor=actor, now=NOW)

    return decision


def test_the_first_of_many_decisions_counts(database_url: str, database: Database) -> None:
    """If several clerks decide about an event at once, the first decision counts."""
    gift = gifts_and_events.give(database)
    for _ in range(5):
        event = set_aside(database, paid(gift, amount_total=4_000))
        with another_process(database_url) as other:
            acts = [clerk(number, gift) for number in (1, 2, 4, 5, 7, 8)]
            ends = decide_in_threads([database, other], event, acts)
        assert ends == ["changed"] + ["refused"] * 5
        with database.reading() as session:
            row = session.get_one(StripeEvent, event.id)
        assert len(row.history) == 1
        is_tied = row.history[0]["decision"] == "tied"
        assert (row.tied_to == gift.id) is is_tied
        assert row.state == (EventState.WAITING if is_tied else EventState.DISMISSED)


def test_no_decision_is_lost(database_url: str, database: Database) -> None:
    """Every decision that had effect is in the history of the event."""
    gift = gifts_and_events.give(database)
    for _ in range(5):
        event = set_aside(database, paid(gift, amount_total=4_000))
        with another_process(database_url) as other:
            ends = decide_in_threads([database, other], event, [clerk(2, gift), clerk(3, gift)])
        with database.reading() as session:
            row = session.get_one(StripeEvent, event.id)
        assert len(row.history) == Counter(ends)["changed"] >= 1
        assert row.state == EventState.WAITING


@pytest.mark.parametrize(
    ("act", "typed"),
    [("tried", {}), ("tied", {"reference": ""}), ("dismissed", {"reason": "abc"})],
    ids=["tried", "tied", "dismissed"],
)
def test_a_double_click_decides_once(
    site_on_each: FinanceSite, act: str, typed: dict[str, str]
) -> None:
    """A form that is sent twice is one decision; a later decision of another clerk is refused."""
    site = site_on_each
    gift = gifts_and_events.give(site.database)
    if "reference" in typed:
        typed = {"reference": gift.reference}
    event = set_aside(site.database, paid(gift, amount_total=4_000))
    browser = site.signed_in()
    assert [decide(browser, event, act, **typed).status_code for _ in range(2)] == [303, 303]
    (entry,) = reread(site, event).history
    acts = [act.act for act in site.acts() if act.act.startswith("event_")]
    assert acts == [f"event_{entry['decision']}"]

    late = site.signed_in(email="bob@example.org")
    answer = decide(late, event, "dismissed", reason="mine")
    assert answer.status_code == 409
    assert "This event no longer needs review: " in answer.text
    assert "Nothing was changed." in answer.text
    assert len(reread(site, event).history) == 1


def test_an_old_form_changes_no_settled_event(site: FinanceSite) -> None:
    """A form that was loaded before its event was settled is refused."""
    gift, other = gifts_and_events.give(site.database), gifts_and_events.give(site.database)
    event = set_aside(site.database, paid(gift, amount_total=4_000))
    first, second = site.signed_in(), site.signed_in(email="bob@example.org")
    decide(first, event, "tied", reference=gift.reference)
    settle(site)
    settled = reread(site, event)
    assert settled.state == EventState.SETTLED
    for act, typed in (
        ("tried", {}),
        ("tied", {"reference": other.reference}),
        ("dismissed", {"reason": "mine"}),
    ):
        answer = decide(second, event, act, **typed)
        assert answer.status_code == 409
        assert "This event no longer needs review: it is settled." in answer.text
    assert reread(site, event) == settled
    assert "<form" in look(second, event)
    assert "/tied" not in look(second, event)
