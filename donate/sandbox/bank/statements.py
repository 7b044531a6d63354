"""Writes a statement of the pretend bank in any of its file formats."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Literal

from donate.sandbox.bank.camt_statement import camt_statement
from donate.sandbox.bank.csv_statements import (
    bmo_statement,
    cibc_statement,
    desjardins_statement,
    rbc_french_statement,
    rbc_statement,
    scotiabank_statement,
    td_statement,
)
from donate.sandbox.bank.ledger import BankLedger
from donate.sandbox.bank.ofx_statement import ofx_statement

StatementShape = Literal[
    "rbc", "rbc_french", "td", "bmo", "cibc", "scotiabank", "desjardins", "ofx", "camt"
]


@dataclass(frozen=True)
class StatementFile:
    name: str
    media_type: str
    content: bytes


def write_statement(
    ledger: BankLedger, shape: StatementShape, first: date, last: date, currency: str
) -> StatementFile:
    """Write the lines of these days, both included. Only RBC's format has both currencies."""
    both = ledger.between(first, last)
    lines = [line for line in both if line.currency == currency]
    balance = ledger.balance_before(first, currency)
    match shape:
        case "rbc":
            return _csv("download-transactions.csv", rbc_statement(both, balance))
        case "rbc_french":
            return _csv("telechargement.csv", rbc_french_statement(both, balance))
        case "cibc":
            return _csv("cibc.csv", cibc_statement(lines, balance))
        case "scotiabank":
            return _csv("Preferred_Package.csv", scotiabank_statement(lines, balance))
        case "td":
            return _csv("accountactivity.csv", td_statement(lines, balance))
        case "bmo":
            written = datetime(last.year, last.month, last.day, 23, tzinfo=UTC)
            return _csv("statement.csv", bmo_statement(lines, balance, written))
        case "desjardins":
            return _csv("releve.csv", desjardins_statement(lines, balance))
        case "ofx":
            content = ofx_statement(lines, balance, currency, first, last)
            return StatementFile("statement.ofx", "application/x-ofx", content)
        case "camt":
            content = camt_statement(lines, balance, currency, first, last)
            return StatementFile("statement.xml", "application/xml", content)


def _csv(name: str, content: bytes) -> StatementFile:
    return StatementFile(name, "text/csv", content)
