"""Statements as CSV files in the formats of six banks, with the known oddities of each."""

import csv
import io
from collections.abc import Iterable
from datetime import datetime

from donate.sandbox.bank.ledger import BankLine
from donate.sandbox.bank.wording import (
    bmo_description,
    cibc_description,
    desjardins_description,
    rbc_descriptions,
    scotiabank_descriptions,
    td_description,
)
from donate.sandbox.currencies import format_amount

_RBC_ACCOUNT = "00000-0000001"
# A debit card number for tests that no bank issues. BMO's files have the whole card number.
_BMO_CARD = "'4242424242424242'"


def rbc_statement(lines: Iterable[BankLine], _: int) -> bytes:
    """Write RBC's English CSV: columns for CAD and for USD, and one comma too many in each row."""
    out = io.StringIO(newline="")
    out.write(
        '"Account Type","Account Number","Transaction Date","Cheque Number",'
        '"Description 1","Description 2","CAD$","USD$"\r\n'
    )
    writer = csv.writer(out, lineterminator="\r\n")
    for line in lines:
        amount = _money(line.amount, line.currency)
        columns = (amount, "") if line.currency == "cad" else ("", amount)
        day = f"{line.day.month}/{line.day.day}/{line.day.year}"
        writer.writerow(["Chequing", _RBC_ACCOUNT, day, "", *rbc_descriptions(line), *columns, ""])
    return out.getvalue().encode()


def td_statement(lines: Iterable[BankLine], balance: int) -> bytes:
    """Write TD's CSV: no header, debits and credits in two columns without a sign."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    for line in lines:
        balance += line.amount
        amounts = (*_two_columns(line), _money(balance, line.currency))
        writer.writerow([line.day.strftime("%m/%d/%Y"), td_description(line), *amounts])
    return out.getvalue().encode()


def bmo_statement(lines: Iterable[BankLine], _: int, written: datetime) -> bytes:
    """Write BMO's CSV: a preamble, empty lines, a space in the header, and the card's number."""
    stamp = written.strftime("%Y%m%d%H%M%S")
    out = io.StringIO(newline="")
    out.write(
        f"Following data is valid as of {stamp} (Year/Month/Day/Hour/Minute/Second)\r\n\r\n\r\n"
        "First Bank Card,Transaction Type,Date Posted, Transaction Amount,Description\r\n\r\n"
    )
    writer = csv.writer(out, lineterminator="\r\n")
    for line in lines:
        kind = "CREDIT" if line.amount > 0 else "DEBIT"
        amount = _money(line.amount, line.currency)
        writer.writerow([_BMO_CARD, kind, f"{line.day:%Y%m%d}", amount, bmo_description(line)])
    return out.getvalue().encode()


def desjardins_statement(lines: Iterable[BankLine], balance: int) -> bytes:
    """Write Desjardins' CSV: 14 columns without a header, in Windows code page 1252."""
    out = io.StringIO(newline="")
    for line in lines:
        balance += line.amount
        debit, credit = _two_columns(line)
        texts = ("Caisse d'exemple", "000001", "PCA", f"{line.day:%Y/%m/%d}")
        quoted = [f'"{text}"' for text in texts]
        description = desjardins_description(line).replace('"', "'")[:90]
        total = _money(balance, line.currency)
        cells = [*quoted, f"{line.number:05}", f'"{description}"', '""', debit, credit]
        out.write(",".join([*cells, "", "", "", "", total]) + "\r\n")
    return out.getvalue().encode("cp1252", errors="replace")


def rbc_french_statement(lines: Iterable[BankLine], _: int) -> bytes:
    """Write RBC's French CSV: in Windows code page 1252, with decimal points as in English."""
    out = io.StringIO(newline="")
    out.write(
        "Type de compte,Numéro du compte,Date de l'opération,Numéro du chèque,"
        "Description 1,Description 2,CAD,USD\r\n"
    )
    writer = csv.writer(out, lineterminator="\r\n")
    for line in lines:
        amount = _money(line.amount, line.currency)
        columns = (amount, "") if line.currency == "cad" else ("", amount)
        day = f"{line.day.month}/{line.day.day}/{line.day.year}"
        first, second = rbc_descriptions(line)
        if line.kind == "transfer":
            first = "Dépôt auto - virements par courriel"
        writer.writerow(["Chèques", _RBC_ACCOUNT, day, "", first, second, *columns])
    return out.getvalue().encode("cp1252", errors="replace")


def cibc_statement(lines: Iterable[BankLine], _: int) -> bytes:
    """Write CIBC's CSV: no header, no balance, and amounts in two columns without a sign."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    for line in lines:
        writer.writerow([line.day.isoformat(), cibc_description(line), *_two_columns(line)])
    return out.getvalue().encode()


def scotiabank_statement(lines: Iterable[BankLine], _: int) -> bytes:
    """Write Scotiabank's new CSV: a byte-order mark, a quoted filter, a Debit or Credit column."""
    out = io.StringIO(newline="")
    out.write("Filter,Date,Description,Sub-description,Status,Type of Transaction,Amount\r\n")
    writer = csv.writer(out, lineterminator="\r\n")
    told = "All dates, posted and pending"
    for line in lines:
        kind = "Credit" if line.amount > 0 else "Debit"
        amount = _money(abs(line.amount), line.currency)
        texts = scotiabank_descriptions(line)
        writer.writerow([told, line.day.isoformat(), *texts, "posted", kind, amount])
        told = ""
    return out.getvalue().encode("utf-8-sig")


def _two_columns(line: BankLine) -> tuple[str, str]:
    amount = _money(abs(line.amount), line.currency)
    return ("", amount) if line.amount > 0 else (amount, "")


def _money(amount: int, currency: str) -> str:
    return format_amount(amount, currency)
