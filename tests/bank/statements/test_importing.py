"""Imports of statements: the whole file or nothing, each line once, on both databases."""

import threading
from dataclasses import replace
from datetime import UTC, date, datetime
from secrets import token_hex

import pytest
from sqlalchemy import update
from sqlalchemy.exc import IntegrityError
from sqlmodel import col, select

from donate.bank.shapes.statement import RefusedRow, Sentence, Statement
from donate.bank.statements.importing import ImportChoices, import_statement
from donate.bank.statements.models import RecordedLine, StatementFile
from donate.bank.statements.planning import plan_import
from donate.bank.statements.queries import bank_accounts, open_sums
from donate.errors import BadInput
from donate.money import Money
from donate.storage.database import Database
from tests.bank.statements.lines import line, statement

NOW = datetime(2026, 4, 1, 12, 0, tzinfo=UTC)


def imported(
    database: Database,
    read: Statement,
    *,
    name: str = "Chequing",
    same: dict[int, bool] | None = None,
    sha256: str = "",
) -> StatementFile:
    """Import a statement into the account of this name, which is new if there is none."""
    labels = {(each.account, each.amount.currency) for each in read.lines}
    with database.writing() as session:
        file, _ = import_statement(
            session,
            read,
            ImportChoices(dict.fromkeys(labels, name), same or {}),
            file_name="march.csv",
            sha256=sha256 or token_hex(32),
            actor="staff:1",
            now=NOW,
        )
        return file


def recorded(database: Database) -> list[tuple[int, int, int]]:
    """Return the day, the amount and the count of each recorded line."""
    with database.reading() as session:
        lines = select(RecordedLine).order_by(col(RecordedLine.day), col(RecordedLine.id))
        return [(each.day.day, each.amount_minor, each.nth) for each in session.exec(lines)]


def test_a_file_is_recorded_with_its_evidence(database: Database) -> None:
    """An import records each line, and the file with its hash, its person and its counts."""
    file = imported(database, statement(line(1, 5, 2_000), line(2, 5, 2_000), line(3, 6, -150)))
    assert recorded(database) == [(5, 2_000, 1), (5, 2_000, 2), (6, -150, 1)]
    assert (file.new_count, file.known_count, file.imported_by) == (3, 0, "staff:1")
    assert len(file.sha256) == 64
    assert file.content == b"masked"
    with database.reading() as session:
        (sums,) = open_sums(session)
    assert (sums.count, sums.money_in_minor, sums.money_out_minor) == (3, 4_000, -150)


def test_the_same_file_again_adds_nothing(database: Database) -> None:
    """Importing a file twice records its lines once."""
    read = statement(line(1, 4, 100), line(2, 5, 2_000), line(3, 5, 2_000), line(4, 6, -150))
    imported(database, read)
    before = recorded(database)
    file = imported(database, read)
    assert recorded(database) == before
    assert (file.new_count, file.known_count) == (0, 4)


def test_a_refused_row_refuses_the_whole_file(database: Database) -> None:
    """If one row cannot be read, nothing of the file is recorded."""
    refused = RefusedRow(2, Sentence("This row has no date."), "?,2.00")
    with pytest.raises(BadInput, match="rows that cannot be read: 1"):
        imported(database, statement(line(1, 5, 2_000), refused=(refused,)))
    assert recorded(database) == []
    with database.reading() as session:
        assert bank_accounts(session) == []


def test_an_account_has_to_be_chosen(database: Database) -> None:
    """A file that does not name its account is refused until somebody chooses the account."""
    read = statement(line(1, 5, 2_000))
    with pytest.raises(BadInput, match="choose the account"), database.writing() as session:
        import_statement(
            session, read, ImportChoices(), file_name="x.csv", sha256="x", actor="staff:1", now=NOW
        )
    assert recorded(database) == []


def test_an_account_is_remembered_by_its_label(database: Database) -> None:
    """The next file that names the same account needs no choice."""
    imported(database, statement(line(1, 5, 2_000, account="••••1234")))
    later = statement(line(1, 8, 700, account="••••1234"))
    with database.writing() as session:
        import_statement(
            session, later, ImportChoices(), file_name="x.csv", sha256="x", actor="staff:1", now=NOW
        )
    assert [day for day, _, _ in recorded(database)] == [5, 8]


def test_a_file_of_another_account_is_refused(database: Database) -> None:
    """A file is not imported into an account whose files have another label."""
    imported(database, statement(line(1, 5, 2_000, account="••••1234")))
    with pytest.raises(BadInput, match="Please choose another account"):
        imported(database, statement(line(1, 8, 700, account="••••9999")))


def test_an_account_has_one_currency(database: Database) -> None:
    """A file in US dollars is not imported into an account in Canadian dollars."""
    imported(database, statement(line(1, 5, 2_000)))
    with pytest.raises(BadInput, match="is in CAD"):
        imported(database, statement(replace(line(1, 8, 700), amount=Money(700, "USD"))))


def test_two_accounts_in_one_file(database: Database) -> None:
    """The lines of each account of a file are compared with that account only."""
    one, two = line(1, 5, 2_000, account="••••1"), line(2, 5, 2_000, account="••••2")
    with database.writing() as session:
        chosen = {("••••1", "CAD"): "One", ("••••2", "CAD"): "Two"}
        import_statement(
            session,
            statement(one, two),
            ImportChoices(chosen),
            file_name="x.csv",
            sha256="x",
            actor="staff:1",
            now=NOW,
        )
    assert recorded(database) == [(5, 2_000, 1), (5, 2_000, 1)]


@pytest.mark.parametrize(("same", "count"), [(True, 1), (False, 2)])
def test_a_person_decides_about_a_doubt(database: Database, same: bool, count: int) -> None:
    """A line of a day that two files share is recorded as the person says, and not before."""
    imported(database, statement(line(1, 4, 900), line(2, 5, 2_000)))
    afternoon = statement(line(1, 5, 2_000), line(2, 6, 100))
    with pytest.raises(BadInput, match="Please decide about each line"):
        imported(database, afternoon)
    imported(database, afternoon, same={1: same})
    assert sum(day == 5 for day, _, _ in recorded(database)) == count


def test_two_clerks_import_overlapping_files_at_once(database: Database) -> None:
    """If two files that share days are imported at once, each line is recorded once."""
    whole = [line(n, 4 + n // 4, 100 * (n % 3 + 1), f"T{n % 2}") for n in range(1, 30)]
    files = [statement(*whole), statement(*whole[4:]), statement(*whole[:-4])]
    imported(database, statement(line(1, 1, 5)))
    start, problems = threading.Barrier(len(files)), list[BaseException]()

    def run(read: Statement) -> None:
        start.wait()
        try:
            imported(database, read, same={each.row: True for each in read.lines})
        except BaseException as problem:  # noqa: BLE001 -- the test shows it
            problems.append(problem)

    threads = [threading.Thread(target=run, args=(read,)) for read in files]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    found = recorded(database)
    assert len(found) == len(whole) + 1


def test_the_database_refuses_to_explain_too_much(database: Database) -> None:
    """No line is explained with more than its amount, or with the other sign."""
    imported(database, statement(line(1, 5, 2_000), line(2, 5, -300)))
    for amount, wrong in ((2_000, 2_001), (2_000, -1), (-300, -301), (-300, 1)):
        lines = update(RecordedLine).where(col(RecordedLine.amount_minor) == amount)
        with pytest.raises(IntegrityError), database.writing() as session:
            session.execute(lines.values(explained_minor=wrong))


def test_a_plan_changes_nothing(database: Database) -> None:
    """A plan tells what an import would do, and records nothing."""
    read = statement(line(1, 4, 1), line(2, 5, 2_000), line(3, 6, 2))
    imported(database, read)
    more = replace(read, lines=(*read.lines, line(4, 7, 300)))
    with database.writing() as session:
        plan = plan_import(session, more, chosen={("", "CAD"): "Chequing"}, sha256="x")
    assert (plan.new_count, plan.known_count, plan.doubts) == (1, 3, [])
    assert len(recorded(database)) == 3


def test_one_account_for_two_parts_is_refused(database: Database) -> None:
    """The lines of two accounts of a file are not imported into the same account."""
    one, two = line(1, 5, 2_000, account="••••1"), line(2, 5, 2_000, account="••••2")
    with pytest.raises(BadInput, match="several accounts"):
        imported(database, statement(one, two), name="One")
    assert recorded(database) == []


def test_days_to_come_are_refused(database: Database) -> None:
    """A file with a day in the future is refused, because its dates were surely read wrongly."""
    late = replace(line(1, 5, 2_000), day=date(2026, 12, 3))
    with pytest.raises(BadInput, match="in the future"):
        imported(database, statement(late))


def test_the_very_same_file_is_never_in_doubt(database: Database) -> None:
    """All lines of a file that the account has already are known, even on a day of two files."""
    read = statement(line(1, 5, 2_000))
    imported(database, read, sha256="same")
    file = imported(database, read, sha256="same")
    assert (file.new_count, file.known_count) == (0, 1)
