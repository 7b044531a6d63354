"""The general journal as a CSV table: a row for each line, with separate debits and credits."""

from collections.abc import Callable, Iterable
from typing import Final

from donate.bank.shapes.statement import Sentence
from donate.books.chart import Chart
from donate.books.journal.entry import JournalEntry
from donate.books.pack.csv_table import CsvTable
from donate.money import Money

_COLUMNS: Final = (
    *("number", "day", "description", "account", "account_name", "debit", "credit", "currency"),
    *("fund", "memo", "times"),
)


def general_journal(
    name: str,
    entries: Iterable[JournalEntry],
    chart: Chart,
    translate: Callable[[str], str],
) -> CsvTable:
    """Return the journal as a table with this name. `translate` translates msgids."""

    def words(sentence: Sentence) -> str:
        return translate(sentence.message) % sentence.values

    rows = []
    for entry in entries:
        for line in entry.lines:
            account = chart.account(line.account)
            is_debit = line.amount_minor > 0
            amount = Money(abs(line.amount_minor), entry.currency)
            rows.append(
                (
                    entry.number,
                    entry.day,
                    words(entry.description),
                    account.number,
                    account.name,
                    amount if is_debit else None,
                    None if is_debit else amount,
                    entry.currency,
                    line.fund,
                    words(line.memo),
                    line.times,
                )
            )
    return CsvTable(name, _COLUMNS, rows)
