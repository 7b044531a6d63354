"""Many certain suggestions are accepted at once, and what has changed meanwhile is left out."""

import threading

import pytest
from sqlmodel import col, select, update

from donate.bank.reconciliation import accepting_many
from donate.bank.reconciliation.accepting_many import CertainLine, accept_certain
from donate.bank.reconciliation.deciding import GiftPart, undo_part
from donate.bank.reconciliation.models import LinePart
from donate.bank.reconciliation.suggesting import read_suggestions, suggest_for_open_lines
from donate.bank.statements.models import RecordedLine
from donate.bank.transfer_mails.models import InteracTransfer
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
    payout,
    reread,
)
from tests.bank.reconciliation.interac_mails import deposited_mail


def shown(database: Database, *lines: RecordedLine) -> list[CertainLine]:
    """Match all lines, and return the best suggestion of each of these, as a page shows it."""
    suggest_for_open_lines(database, ["LWCAN"], now=NOW)
    found = []
    for line in lines:
        stored = reread(database, line)
        assert stored.id is not None
        found.append(CertainLine(stored.id, stored.version, read_suggestions(stored)[0].key))
    return found


def accept(database: Database, wanted: list[CertainLine]) -> set[int]:
    """Accept these suggestions; return the numbers of the lines that were."""
    with database.writing() as session:
        parts = accept_certain(session, wanted, actor="staff:1", now=NOW)
        return {part.line_id for part in parts}


def referring(database: Database, key: str) -> tuple[Gift, RecordedLine]:
    """Record a gift, and a line with its reference."""
    one = gift(database, key)
    return one, bank_line(database, 5_000, f"E-TRANSFER {one.reference}")


def test_all_kinds_of_certain_lines_are_accepted(database: Database) -> None:
    """A gift, two gifts in one line, a transfer that staff marked, and a payout of Stripe."""
    one, whole = referring(database, "one")
    both = [gift(database, "two", 3_000), gift(database, "three", 4_000)]
    text = f"WIRE {both[0].reference} {both[1].reference}"
    sum_of_two = bank_line(database, 7_000, text)
    four = gift(database, "four", 6_000)
    mark_by_hand(database, four, "REF-778899", 6_000)
    marked = bank_line(database, 6_000, "WIRE REF778899 JANE")
    payout(database, 21_140)
    stripes = bank_line(database, 21_140, "STRIPE MSP")
    lines = [whole, sum_of_two, marked, stripes]
    assert accept(database, shown(database, *lines)) == {line.id for line in lines}
    assert [reread(database, each).received_minor for each in (one, *both, four)] == [
        *(5_000, 3_000, 4_000, 6_000)
    ]
    assert {reread(database, line).open_amount.amount_minor for line in lines} == {0}
    assert findings(database) == []
    with database.reading() as session:
        assert all(part.was_certain for part in session.exec(select(LinePart)))


def test_an_email_is_used_once(database: Database) -> None:
    """The line's e-mail is noted with it; an e-mail that another line has by now is left alone."""
    pairs = [gift(database, key) for key in ("one", "two")]
    for one, tail in zip(pairs, ("uJP", "xYZ"), strict=True):
        deposited_mail(database, f"For {one.reference}", f"CA1abc{tail}")
    lines = [bank_line(database, 5_000, f"E-TRANSFER ***{tail}", 10) for tail in ("uJP", "xYZ")]
    other = bank_line(database, 100, "OTHER")
    wanted = shown(database, *lines)
    with database.writing() as session:
        taken = col(InteracTransfer.interac_reference) == "CA1abcuJP"
        session.execute(update(InteracTransfer).where(taken).values(bank_line_id=other.id))
    assert accept(database, wanted) == {lines[1].id}
    with database.reading() as session:
        used = session.exec(select(InteracTransfer.bank_line_id).order_by("id")).all()
    assert used == [other.id, lines[1].id]
    assert [reread(database, one).received_minor for one in pairs] == [0, 5_000]


def test_what_has_changed_is_left_out(database: Database) -> None:
    """An older version, another key, a line that is not certain, and a gift that has money."""
    _, fresh = referring(database, "fresh")
    _, old = referring(database, "old")
    _, other_key = referring(database, "key")
    paid, late = referring(database, "paid")
    gift(database, "likely", 7_700)
    likely = bank_line(database, 7_700, "E-TRANSFER - AUTODEPOSIT MAYA TREMBLAY")
    wanted = shown(database, fresh, old, other_key, late, likely)
    wanted[1] = CertainLine(wanted[1].line_id, wanted[1].version + 1, wanted[1].key)
    wanted[2] = CertainLine(wanted[2].line_id, wanted[2].version, "f" * 32)
    decide(database, bank_line(database, 5_000, "OTHER"), GiftPart(paid.id, 5_000))
    assert accept(database, [*wanted, CertainLine(10**6, 1, "x")]) == {fresh.id}
    assert reread(database, paid).received_minor == 5_000
    assert findings(database) == []


def test_a_suggestion_that_is_sent_twice_counts_once(database: Database) -> None:
    """The same line twice in one form pays its gift once."""
    one, line = referring(database, "one")
    wanted = shown(database, line)
    assert accept(database, [*wanted, *wanted]) == {line.id}
    assert accept(database, wanted) == set()
    assert reread(database, one).received_minor == 5_000


def test_a_line_is_accepted_again_after_an_undo(database: Database) -> None:
    """The bank reference of an undone transfer is used again, as another transfer."""
    one, line = referring(database, "one")
    accept(database, shown(database, line))
    with database.writing() as session:
        undo_part(session, 1, "wrong", actor="staff:1", now=NOW)
    assert accept(database, shown(database, line)) == {line.id}
    assert reread(database, one).received_minor == 5_000
    assert findings(database) == []


def test_two_clerks_accept_the_same_lines_at_once(database: Database) -> None:
    """Each line is accepted by one of them."""
    pairs = [referring(database, f"{number}") for number in range(6)]
    wanted = shown(database, *(line for _, line in pairs))
    found: list[set[int]] = []
    clerks = [
        threading.Thread(target=lambda order=order: found.append(accept(database, order)))
        for order in (wanted, wanted[::-1])
    ]
    for clerk in clerks:
        clerk.start()
    for clerk in clerks:
        clerk.join()
    assert sorted(map(len, found)) == [0, 6]
    assert {reread(database, one).received_minor for one, _ in pairs} == {5_000}
    assert findings(database) == []


def test_nothing_is_recorded_if_a_reference_is_used_just_now(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If a transfer with the same bank reference is recorded meanwhile, all is refused."""
    pairs = [referring(database, key) for key in ("one", "two")]
    wanted = shown(database, *(line for _, line in pairs))
    mark_by_hand(database, gift(database, "three"), f"LINE {pairs[1][1].id}")
    monkeypatch.setattr(accepting_many, "_unused", lambda _session, whole: list(whole))
    with pytest.raises(Conflict, match="one of these lines"):
        accept(database, wanted)
    assert [reread(database, one).received_minor for one, _ in pairs] == [0, 0]
    assert findings(database) == []
