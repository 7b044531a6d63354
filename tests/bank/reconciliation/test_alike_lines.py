"""Lines that look alike, with as many e-mails: accepted, undone, and in several accounts."""

from datetime import date

from donate.bank.matching.inputs import Band
from donate.bank.reconciliation.accepting import accept_suggestion
from donate.bank.reconciliation.candidate_queries import read_until
from donate.bank.reconciliation.deciding import undo_part
from donate.bank.reconciliation.queries import lines_of_gift
from donate.bank.reconciliation.suggesting import read_suggestions, suggest_for_open_lines
from donate.bank.statements.models import RecordedLine
from donate.gifts.models import Gift
from donate.storage.database import Database
from tests.bank.reconciliation.bank_lines import (
    NOW,
    bank_line,
    findings,
    gift,
    reread,
)
from tests.bank.reconciliation.interac_mails import deposited_mail


def suggest(database: Database) -> dict[Band, int]:
    return suggest_for_open_lines(database, ["LWCAN"], now=NOW)


def two_of_a_kind(database: Database, until: date) -> tuple[list[Gift], list[RecordedLine]]:
    """Record two gifts, the e-mails of their transfers, and two lines that show no name."""
    gifts = [gift(database, "one"), gift(database, "two")]
    for number, one in enumerate(gifts):
        deposited_mail(database, f"For {one.reference}", f"CA1abcuJ{number}", date(2026, 3, 6))
    lines = [bank_line(database, 5_000, "E-TRANSFER", day, until=until) for day in (7, 8)]
    return gifts, lines


def accept(database: Database, line: RecordedLine) -> None:
    stored = reread(database, line)
    assert stored.band is Band.CERTAIN
    assert stored.id is not None
    with database.writing() as session:
        accept_suggestion(
            session,
            stored.id,
            read_suggestions(stored)[0].key,
            version=stored.version,
            actor="staff:1",
            now=NOW,
            was_certain=True,
        )


def test_alike_lines_pay_their_gifts_together(database: Database) -> None:
    """Two lines that look alike confirm the two gifts that their e-mails name."""
    gifts, lines = two_of_a_kind(database, date(2026, 3, 31))
    assert suggest(database)[Band.CERTAIN] == 2
    for line in lines:
        accept(database, line)
    assert [reread(database, one).received_minor for one in gifts] == [5_000, 5_000]
    assert findings(database) == []


def test_alike_lines_wait_until_the_statement_goes_on(database: Database) -> None:
    """Three days after the e-mails their lines may be missing; after four days they may not."""
    two_of_a_kind(database, date(2026, 3, 9))
    assert suggest(database)[Band.CERTAIN] == 0
    bank_line(database, 700, "FEE", 9, until=date(2026, 3, 10))
    assert suggest(database)[Band.CERTAIN] == 2


def test_a_file_has_no_lines_of_days_to_come(database: Database) -> None:
    """A file that names the end of the month has no lines after the day of its import."""
    bank_line(database, 5_000, until=date(2026, 3, 31))
    suggest(database)
    with database.reading() as session:
        assert set(read_until(session).values()) == {NOW.date()}


def test_one_of_alike_lines_is_undone(database: Database) -> None:
    """A line that a person has undone is not certain again; the other one keeps its gift."""
    gifts, lines = two_of_a_kind(database, date(2026, 3, 31))
    suggest(database)
    for line in lines:
        accept(database, line)
    with database.reading() as session:
        ((part, undone),) = lines_of_gift(session, gifts[0].id)
    assert part.id is not None
    with database.writing() as session:
        undo_part(session, part.id, "not hers", actor="staff:1", now=NOW)
    counts = suggest(database)
    assert (counts[Band.CERTAIN], counts[Band.LIKELY]) == (0, 1)
    assert reread(database, undone).band is Band.LIKELY
    assert [reread(database, one).received_minor for one in gifts] == [0, 5_000]
    assert findings(database) == []


def test_another_account_may_have_the_line(database: Database) -> None:
    """E-mails wait for all accounts that get e-Transfers, and for no other account."""
    two_of_a_kind(database, date(2026, 3, 31))
    bank_line(database, 100, "INTEREST", 2, account="Savings", until=date(2026, 3, 2))
    assert suggest(database)[Band.CERTAIN] == 2
    bank_line(database, 900, "E-TRANSFER", 3, account="Events", until=date(2026, 3, 6))
    assert suggest(database)[Band.CERTAIN] == 0


def test_alike_lines_of_two_accounts_are_not_counted(database: Database) -> None:
    """If the lines are in two accounts, nobody can say which account got whose money."""
    end = date(2026, 3, 31)
    two_of_a_kind(database, end)
    bank_line(database, 5_000, "E-TRANSFER", 8, account="Events", until=end)
    assert suggest(database)[Band.CERTAIN] == 0
