"""Statements as CAMT.053 files, version 2: https://www.iso20022.org/iso-20022-message-definitions."""

from collections.abc import Sequence
from datetime import date
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from donate.sandbox.bank.ledger import BankLine
from donate.sandbox.bank.wording import rbc_descriptions
from donate.sandbox.currencies import format_amount

_NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:camt.053.001.02"


def camt_statement(
    lines: Sequence[BankLine], balance: int, currency: str, first: date, last: date
) -> bytes:
    document = Element("Document", xmlns=_NAMESPACE)
    message = SubElement(document, "BkToCstmrStmt")
    header = SubElement(message, "GrpHdr")
    _text(header, "MsgId", f"STMT{last:%Y%m%d}")
    _text(header, "CreDtTm", f"{last.isoformat()}T23:00:00")
    statement = SubElement(message, "Stmt")
    _text(statement, "Id", f"{currency.upper()}{first:%Y%m%d}{last:%Y%m%d}")
    _text(statement, "CreDtTm", f"{last.isoformat()}T23:00:00")
    account = SubElement(statement, "Acct")
    _text(SubElement(SubElement(account, "Id"), "Othr"), "Id", "00000-0000001")
    _text(account, "Ccy", currency.upper())
    _balance(statement, "OPBD", balance, currency, first)
    closing = balance + sum(line.amount for line in lines)
    _balance(statement, "CLBD", closing, currency, last)
    for line in lines:
        _entry(statement, line)
    indent(document)
    return bytes(tostring(document, encoding="UTF-8", xml_declaration=True))


def _entry(statement: Element, line: BankLine) -> None:
    entry = SubElement(statement, "Ntry")
    _amount(entry, line.amount, line.currency)
    _text(entry, "Sts", "BOOK")
    for name in ("BookgDt", "ValDt"):
        _text(SubElement(entry, name), "Dt", line.day.isoformat())
    _text(entry, "AcctSvcrRef", f"{line.day:%Y%m%d}{line.number:06}")
    _text(SubElement(SubElement(entry, "BkTxCd"), "Prtry"), "Cd", line.kind.upper())
    details = SubElement(SubElement(entry, "NtryDtls"), "TxDtls")
    if line.reference:
        _text(SubElement(details, "Refs"), "EndToEndId", line.reference)
    name = "STRIPE" if line.kind == "payout" else line.name
    if name:
        party = "Dbtr" if line.amount > 0 else "Cdtr"
        _text(SubElement(SubElement(details, "RltdPties"), party), "Nm", name)
    _text(SubElement(details, "RmtInf"), "Ustrd", " ".join(rbc_descriptions(line)).strip())


def _balance(statement: Element, code: str, amount: int, currency: str, day: date) -> None:
    balance = SubElement(statement, "Bal")
    _text(SubElement(SubElement(balance, "Tp"), "CdOrPrtry"), "Cd", code)
    _amount(balance, amount, currency)
    _text(SubElement(balance, "Dt"), "Dt", day.isoformat())


def _amount(parent: Element, amount: int, currency: str) -> None:
    """Add an amount without a sign, and an element that says whether it is a credit or a debit."""
    written = SubElement(parent, "Amt", Ccy=currency.upper())
    written.text = format_amount(abs(amount), currency)
    _text(parent, "CdtDbtInd", "CRDT" if amount >= 0 else "DBIT")


def _text(parent: Element, name: str, text: str) -> None:
    SubElement(parent, name).text = text
