"""Several people decide about a bank line at once, and nothing is counted twice."""

import threading
from collections.abc import Callable

from donate.bank.received_transfers import undo_transfer
from donate.bank.reconciliation.deciding import (
    GiftPart,
    undo_part,
)
from donate.bank.reconciliation.models import LinePart
from donate.bank.statements.models import RecordedLine
from donate.errors import Conflict
from donate.gifts.models import Gift
from donate.storage.database import Database
from tests.bank.reconciliation.bank_lines import (
    NOW,
    bank_line,
    decide,
    findings,
    gift,
    mark_by_hand,
    reread,
)


def test_eight_clerks_decide_at_once(database: Database) -> None:
    """If eight people tie one line at once, one of them does, and the others are told."""
    line = bank_line(database, 5_000)
    gifts = [gift(database, f"g{n}") for n in range(8)]
    start, results = threading.Barrier(8), list[str]()

    def run(one: Gift) -> None:
        start.wait()
        try:
            decide(database, line, GiftPart(one.id, 5_000), version=line.version)
            results.append("tied")
        except Conflict as conflict:
            results.append(str(conflict))

    threads = [threading.Thread(target=run, args=(one,)) for one in gifts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results.count("tied") == 1
    assert sum("look again" in result for result in results) == 7
    assert sum(reread(database, one).received_minor for one in gifts) == 5_000
    assert findings(database) == []


def test_undo_from_both_sides_at_once(database: Database) -> None:
    """Undoing a part on the line and its transfer on the gift at once undoes the money once."""
    for n in range(5):
        line, one = bank_line(database, 5_000, f"T{n}"), gift(database, f"g{n}")
        (part,) = decide(database, line, GiftPart(one.id, 5_000))
        start, problems = threading.Barrier(2), list[BaseException]()

        def on_line(part: LinePart = part, start: threading.Barrier = start) -> None:
            assert part.id is not None
            start.wait()
            with database.writing() as session:
                undo_part(session, part.id, "wrong", actor="staff:1", now=NOW)

        def on_gift(
            one: Gift = one, part: LinePart = part, start: threading.Barrier = start
        ) -> None:
            start.wait()
            with database.writing() as session:
                undo_transfer(session, one, part.source_id, "wrong", actor="staff:2", now=NOW)

        def run(act: object, problems: list[BaseException] = problems) -> None:
            try:
                act()  # type: ignore[operator]
            except Conflict:
                pass
            except BaseException as problem:  # noqa: BLE001 -- the test shows it
                problems.append(problem)

        threads = [threading.Thread(target=run, args=(act,)) for act in (on_line, on_gift)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert problems == []
        assert reread(database, line).explained_minor == 0
    assert findings(database) == []


def test_a_tie_and_an_undo_at_once(database: Database) -> None:
    """If a line is tied to a transfer while staff undo it, line and gift still agree."""
    for n in range(8):
        line, one = bank_line(database, 5_000, f"T{n}"), gift(database, f"g{n}")
        source = mark_by_hand(database, one, f"CA-{n}")
        start, problems = threading.Barrier(2), list[BaseException]()

        def tie(
            line: RecordedLine = line,
            one: Gift = one,
            source: str = source,
            start: threading.Barrier = start,
        ) -> None:
            start.wait()
            decide(database, line, GiftPart(one.id, 5_000, source), version=line.version)

        def undo(one: Gift = one, source: str = source, start: threading.Barrier = start) -> None:
            start.wait()
            with database.writing() as session:
                undo_transfer(session, one, source, "wrong", actor="staff:2", now=NOW)

        def run(act: Callable[[], None], problems: list[BaseException] = problems) -> None:
            try:
                act()
            except Conflict:
                pass
            except BaseException as problem:  # noqa: BLE001 -- the test shows it
                problems.append(problem)

        threads = [threading.Thread(target=run, args=(act,)) for act in (tie, undo)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert problems == []
    assert findings(database) == []
