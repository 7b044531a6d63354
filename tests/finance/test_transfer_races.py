"""Many hands, one transfer: the database decides who was first."""

import threading
from datetime import date, timedelta

import pytest

from donate.errors import Conflict
from donate.finance.transfers.rules import Transfer, mark_received, undo_transfer
from donate.gifts.ledger import Outcome
from donate.gifts.models import Gift
from donate.money import Money
from donate.storage.database import Database
from tests.finance.room import NOW, put_gift

TRANSFER = Transfer(date(2026, 3, 9), Money(5_000, "CAD"), "CA-1234", "")


def at_once(database: Database, gifts: list[Gift]) -> list[object]:
    """Mark each gift with one and the same transfer, all at the same moment."""
    start = threading.Barrier(len(gifts))
    ends: list[object] = []

    def run(gift: Gift) -> None:
        start.wait()
        try:
            with database.writing() as session:
                ends.append(mark_received(session, gift, TRANSFER, actor="staff:1", now=NOW))
        except Conflict as conflict:
            ends.append(conflict)

    threads = [threading.Thread(target=run, args=(gift,)) for gift in gifts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return ends


def test_many_at_once_confirm_one_gift(database: Database) -> None:
    """Eight gifts marked with one bank reference at the same moment: one wins, seven are told."""
    with database.writing() as session:
        gifts = [put_gift(session, f"form-{i}", now=NOW) for i in range(8)]
    ends = at_once(database, gifts)
    assert ends.count(Outcome.RECORDED) == 1
    assert sum(isinstance(end, Conflict) for end in ends) == 7


def test_one_gift_marked_many_times_at_once(database: Database) -> None:
    """The same mark from eight browsers at the same moment is one fact and no error."""
    with database.writing() as session:
        gift = put_gift(session, "form", now=NOW)
    ends = at_once(database, [gift] * 8)
    assert sorted(map(str, ends)) == ["known"] * 7 + ["recorded"]


def test_a_reference_is_used_once_at_any_time(database: Database) -> None:
    """However marks and undos follow each other, one bank reference never confirms two gifts."""
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
