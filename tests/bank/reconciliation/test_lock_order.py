"""Two people who decide about the same gifts at once neither block each other nor pay twice."""

import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from donate.bank.reconciliation import accepting, deciding
from donate.bank.reconciliation.accepting import accept_suggestion
from donate.bank.reconciliation.deciding import GiftPart
from donate.bank.reconciliation.suggesting import read_suggestions, suggest_for_open_lines
from donate.bank.statements.models import RecordedLine
from donate.errors import Conflict
from donate.storage.database import Database
from tests.bank.reconciliation.bank_lines import NOW, bank_line, decide, findings, gift, reread

PATIENCE_S = 1.0
"""How long one thread waits for the other, which may be waiting for a lock."""


def run_all(*acts: Callable[[], None]) -> list[BaseException]:
    """Run the functions at once, and return what they raised."""
    problems: list[BaseException] = []

    def run(act: Callable[[], None]) -> None:
        try:
            act()
        except BaseException as problem:  # noqa: BLE001 -- the test shows it
            problems.append(problem)

    threads = [threading.Thread(target=run, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return problems


def meet_after(monkeypatch: pytest.MonkeyPatch, module: Any, name: str) -> None:
    """Let two threads wait for each other after each has called this function once."""
    meeting, original = threading.Barrier(2), getattr(module, name)

    def called(*values: Any, **named: Any) -> Any:
        result = original(*values, **named)
        with suppress(threading.BrokenBarrierError):
            meeting.wait(PATIENCE_S)
        return result

    monkeypatch.setattr(module, name, called)


def test_the_same_gifts_in_opposite_order_do_not_deadlock(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two lines that pay the same two gifts, in opposite order, are both recorded."""
    one, two = gift(database, "one"), gift(database, "two")
    lines = [bank_line(database, 10_000, text) for text in ("A", "B")]
    meet_after(monkeypatch, deciding, "mark_received")

    def act(line: RecordedLine, *gifts: Any) -> Callable[[], None]:
        parts = [GiftPart(each.id, 5_000) for each in gifts]

        def tie() -> None:
            decide(database, line, *parts, version=line.version)

        return tie

    assert run_all(act(lines[0], one, two), act(lines[1], two, one)) == []
    assert [reread(database, line).open_amount.amount_minor for line in lines] == [0, 0]
    assert [reread(database, each).received_minor for each in (one, two)] == [10_000, 10_000]
    assert findings(database) == []


def test_one_gift_is_not_paid_by_two_suggestions_at_once(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If the suggestions of two lines for one gift are accepted at once, the second is refused."""
    one = gift(database)
    lines = [bank_line(database, 5_000, f"E-TRANSFER {one.reference} {n}") for n in range(2)]
    suggest_for_open_lines(database, ["LWCAN"], now=NOW)
    meet_after(monkeypatch, accepting, "_check_gifts")

    def act(line: RecordedLine) -> Callable[[], None]:
        stored = reread(database, line)
        key = read_suggestions(stored)[0].key

        def accept() -> None:
            assert stored.id is not None
            with database.writing() as session:
                accept_suggestion(
                    session, stored.id, key, version=stored.version, actor="staff:1", now=NOW
                )

        return accept

    (problem,) = run_all(*map(act, lines))
    assert isinstance(problem, Conflict)
    assert "has changed meanwhile" in str(problem)
    assert reread(database, one).received_minor == 5_000
    assert findings(database) == []
