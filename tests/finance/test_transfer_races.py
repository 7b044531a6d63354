"""Several staff members mark the same transfer as received at the same time."""

import threading
from datetime import date, timedelta

import pytest

from donate.bank.received_transfers import Transfer, mark_received, undo_transfer
from donate.errors import Conflict
from donate.gifts.ledger import Outcome
from donate.gifts.models import Gift
from donate.money import Money
from donate.storage.database import Database
from tests.finance.finance_site import NOW, put_gift

TRANSFER = Transfer(date(2026, 3, 9), Money(5_000, "CAD"), "CA-1234", "")


def mark_in_threads(database: Database, gifts: list[Gift]) -> list[object]:
    """Mark the same transfer as received for all gifts at once, and return the results."""
    start = threading.Barrier(len(gifts))
    results: list[object] = []

    def run(gift: Gift) -> None:
        start.wait()
        try:
            with database.writing() as session:
                results.append(mark_received(session, gift, TRANSFER, actor="staff:1", now=NOW))
        except Conflict as conflict:
            results.append(conflict)

    threads = [threading.Thread(target=run, args=(gift,)) for gift in gifts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def test_one_reference_for_many_gifts_confirms_one(database: Database) -> None:
    """If one bank reference is marked for eight gifts at once, it confirms one of them."""
    with database.writing() as session:
        gifts = [put_gift(session, f"form-{i}", now=NOW) for i in range(8)]
    results = mark_in_threads(database, gifts)
    assert results.count(Outcome.RECORDED) == 1
    assert sum(isinstance(result, Conflict) for result in results) == 7


def test_one_gift_marked_many_times_at_once(database: Database) -> None:
    """If a transfer is marked eight times at once for its gift, it is recorded once."""
    with database.writing() as session:
        gift = put_gift(session, "form", now=NOW)
    results = mark_in_threads(database, [gift] * 8)
    assert sorted(map(str, results)) == ["known"] * 7 + ["recorded"]


def test_a_reference_is_used_once_at_any_time(database: Database) -> None:
    """A bank reference never confirms two gifts, however often it is marked and undone."""
    with database.writing() as session:
        gifts = [put_gift(session, f"form-{i}", now=NOW) for i in range(3)]
    for round_ in range(6):
        gift, other = gifts[round_ % 3], gifts[(round_ + 1) % 3]
        with database.writing() as session:
            mark_received(session, gift, TRANSFER, actor="staff:1", now=NOW)
        with pytest.raises(Conflict), database.writing() as session:
            mark_received(session, other, TRANSFER, actor="staff:1", now=NOW)
        with database.writing() as session:
            later = NOW + timedelta(seconds=round_)
            undo_transfer(session, gift, f"CA1234#{round_}", "test", actor="staff:1", now=later)
