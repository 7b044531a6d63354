"""The journals of all months have each entry once, also of months before the first closed one."""

import io
import zipfile
from datetime import timedelta

import pytest

from donate.bank.reconciliation.deciding import GiftPart
from donate.books.journal.entry import JournalEntry, balances_of
from donate.books.months.book_month import BookMonth
from donate.books.months.month_journal import closed_journal, journal_of_month, kept_later
from donate.books.months.queries import pack_content
from donate.errors import Conflict
from donate.storage.database import Database
from tests.books.months.month_world import (
    APRIL_3,
    IN_APRIL,
    IN_MARCH,
    MAY_4,
    ZONE,
    close,
    explain,
    record_lines,
    record_march,
)
from tests.finance.money_samples import MARCH, give, pay

IN_FEBRUARY = MARCH - timedelta(days=28)
FEBRUARY = IN_MARCH.previous


def journal(database: Database, month: BookMonth) -> list[JournalEntry]:
    with database.reading_snapshot() as session:
        return journal_of_month(session, month, ZONE)


def test_a_month_before_the_first_closed_one_has_no_journal(database: Database) -> None:
    """What is recorded of February after March was closed stands in April and May, not twice."""
    record_march(database)
    close(database)
    pay(database, give(database, "late"), IN_FEBRUARY)
    with pytest.raises(Conflict) as open_april:
        journal(database, FEBRUARY)
    assert str(open_april.value).endswith("in these months; export their journals: 2026-04.")
    reasons = {"statement": "No lines", "not_at_stripe": "Tomorrow"}
    close(database, IN_APRIL, now=MAY_4, reasons=reasons)
    pay(database, give(database, "later"), IN_FEBRUARY)
    with pytest.raises(Conflict) as closed_april:
        journal(database, FEBRUARY)
    assert str(closed_april.value).endswith("export their journals: 2026-04, 2026-05.")
    months = (IN_MARCH, IN_APRIL, IN_APRIL.next)
    exported = [entry for month in months for entry in journal(database, month)]
    assert len({entry.number for entry in exported}) == len(exported)
    with database.reading_snapshot() as session:
        everything = closed_journal(session, IN_APRIL.next, ZONE)
    assert balances_of(exported) == balances_of(everything)


def test_a_month_of_which_nothing_was_recorded_is_empty(database: Database) -> None:
    """A month before the first closed one in which nothing happened has no entries."""
    record_march(database)
    assert journal(database, FEBRUARY) == []
    close(database)
    assert journal(database, FEBRUARY) == []


def test_a_line_identified_later_stands_among_the_corrections(database: Database) -> None:
    """April's pack and March's page both name the entry that says what a line of March was."""
    record_march(database)
    gift = give(database, "late", mode="interac", amount_minor=900)
    (line,) = record_lines(database, [(20, 900, "UNKNOWN", None)])
    close(database, reasons={"line_undecided": "Nobody knows yet"})
    with database.writing() as session:
        explain(session, line, GiftPart(gift.id, 900), now=APRIL_3 + timedelta(days=2))
    with database.reading_snapshot() as session:
        assert kept_later(session, IN_MARCH, ZONE) == []
    close(database, IN_APRIL, now=MAY_4, reasons={"statement": "No lines"})
    with database.reading_snapshot() as session:
        numbers = [entry.number for entry in kept_later(session, IN_MARCH, ZONE)]
        # The gift itself is of March too, and was recorded in April.
        assert numbers == ["C1-DON-2026-03-20-CAD", "IDN-2026-04-05-CAD-CHEQUING"]
        assert kept_later(session, IN_APRIL, ZONE) == []
        content = pack_content(session, IN_APRIL) or b""
    with zipfile.ZipFile(io.BytesIO(content)) as pack:
        assert b"IDN-2026-04-05-CAD-CHEQUING" in pack.read("corrections.csv")
