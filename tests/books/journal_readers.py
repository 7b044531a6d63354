"""Reads journal files as each accounting program does, and checks the rules of that program."""

import csv
import io
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from itertools import groupby

from donate.books.journal_files.programs import JournalProgram
from donate.books.journal_files.writer import JournalFile

QUICKBOOKS_HEADER = (
    "*JournalNo,*JournalDate,*AccountName,*Debits,*Credits,Description,Name,Currency,Location,Class"
)
XERO_HEADER = (
    "*Narration,*Date,Description,*AccountCode,*TaxRate,*Amount,"
    "TrackingName1,TrackingOption1,TrackingName2,TrackingOption2"
)
GNUCASH_HEADER = "Date,Transaction ID,Number,Description,Transaction Commodity,Memo,Account,Amount"


@dataclass(frozen=True)
class ReadEntry:
    """An entry of a file: what identifies it, its day, and the account and amount of each line."""

    name: str
    day: date
    lines: list[tuple[str, Decimal]] = field(default_factory=list)


def _rows(file: JournalFile, header: str) -> list[dict[str, str]]:
    text = file.content.decode("utf-8")
    assert text.startswith(f"{header}\r\n")
    assert "\n" not in text.replace("\r\n", "")
    rows = list(csv.DictReader(io.StringIO(text, newline=""), strict=True))
    for row in rows:
        assert None not in row, "more cells than columns"
        for name, cell in row.items():
            assert cell is not None, "fewer cells than columns"
            is_amount = name in ("*Debits", "*Credits", "*Amount", "Amount")
            assert is_amount or not re.match(r"\s*[=+\-@]", cell), f"a formula: {cell!r}"
    return rows


def _amount(text: str, pattern: str) -> Decimal:
    assert re.fullmatch(pattern, text), text
    assert Decimal(text) != 0
    return Decimal(text)


def _day(text: str, form: str, pattern: str) -> date:
    assert re.fullmatch(pattern, text), text
    return datetime.strptime(text, form).date()  # noqa: DTZ007


def read_quickbooks(file: JournalFile) -> list[ReadEntry]:
    """Lines with the same number are one entry; each line has its number and date."""
    rows = _rows(file, QUICKBOOKS_HEADER)
    assert len(rows) <= 1_000
    entries = []
    for number, group in groupby(rows, key=lambda row: row["*JournalNo"]):
        assert 0 < len(number) <= 21
        lines = list(group)
        (day,) = {row["*JournalDate"] for row in lines}
        entry = ReadEntry(number, _day(day, "%m/%d/%Y", r"\d\d/\d\d/\d{4}"))
        for row in lines:
            assert bool(row["*Debits"]) != bool(row["*Credits"]), "one side of each line"
            side, sign = ("*Debits", 1) if row["*Debits"] else ("*Credits", -1)
            amount = sign * _amount(row[side], r"\d+(\.\d+)?")
            entry.lines.append((row["*AccountName"], amount))
            assert row["Currency"] == file.name.split("-")[3].removesuffix(".csv")
        entries.append(entry)
    return entries


def read_xero(file: JournalFile) -> list[ReadEntry]:
    """Lines with the same narration and date are one journal; a debit is positive."""
    rows = _rows(file, XERO_HEADER)
    assert len(rows) <= 300
    journals: dict[tuple[str, str], ReadEntry] = {}
    for row in rows:
        key = row["*Narration"], row["*Date"]
        day = _day(row["*Date"], "%d/%m/%Y", r"\d\d/\d\d/\d{4}")
        journal = journals.setdefault(key, ReadEntry(row["*Narration"], day))
        amount = _amount(row["*Amount"], r"-?\d+\.\d\d")
        assert row["*TaxRate"]
        assert bool(row["TrackingName1"]) == bool(row["TrackingOption1"])
        journal.lines.append((row["*AccountCode"], amount))
    return list(journals.values())


def read_sage50(file: JournalFile) -> list[ReadEntry]:
    """A line with date, source and comment begins a transaction; its accounts follow."""
    assert file.content.endswith(b"\r\n")
    entries: list[ReadEntry] = []
    for line in file.content.decode("ascii").removesuffix("\r\n").split("\r\n"):
        first = re.fullmatch(r'(\d\d-\d\d-\d\d),"([^"]{1,20})","([^"]{0,75})"', line)
        if first:
            entries.append(ReadEntry(first[2], _day(first[1], "%m-%d-%y", r"[\d-]{8}")))
        else:
            account, amount = line.split(",")
            assert re.fullmatch(r"\d{4,8}", account), line
            entries[-1].lines.append((account, _amount(amount, r"-?\d+\.\d\d")))
    return entries


def read_gnucash(file: JournalFile) -> list[ReadEntry]:
    """Lines with the same id, date, number, description and currency are one transaction."""
    same = ("Transaction ID", "Date", "Number", "Description", "Transaction Commodity")
    entries = []
    for key, group in groupby(
        _rows(file, GNUCASH_HEADER), key=lambda row: tuple(row[name] for name in same)
    ):
        entry = ReadEntry(key[0], _day(key[1], "%Y-%m-%d", r"\d{4}-\d\d-\d\d"))
        for row in group:
            amount = _amount(row["Amount"], r"-?\d+(\.\d+)?")
            entry.lines.append((row["Account"], amount))
        entries.append(entry)
    return entries


READERS: dict[JournalProgram, Callable[[JournalFile], list[ReadEntry]]] = {
    JournalProgram.QUICKBOOKS: read_quickbooks,
    JournalProgram.XERO: read_xero,
    JournalProgram.SAGE50: read_sage50,
    JournalProgram.GNUCASH: read_gnucash,
}


def read_all(files: list[JournalFile], program: JournalProgram) -> Iterator[ReadEntry]:
    """Yield the entries of all files; each balances, and no two have the same name."""
    names = set()
    for file in files:
        for entry in READERS[program](file):
            assert len(entry.lines) >= 2
            assert sum(amount for _, amount in entry.lines) == 0
            assert entry.name not in names
            names.add(entry.name)
            yield entry
