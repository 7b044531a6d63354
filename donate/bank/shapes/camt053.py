"""Reads ISO 20022 statements, CAMT.053, in any version. Only booked entries become lines.

The credit or debit indicator states the direction of the money, even for reversals: a reversed
credit is a debit whose RvslInd is true (ISO 20022, Entry).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from typing import Final
from xml.etree.ElementTree import Element, fromstring

from lxml import etree

from donate.bank.shapes.amounts import quoted, unreadable_amount
from donate.bank.shapes.csv_cells import MAX_ROWS
from donate.bank.shapes.csv_lines import ZERO_AMOUNT
from donate.bank.shapes.csv_shapes import PENDING
from donate.bank.shapes.dates import read_bank_day
from donate.bank.shapes.decoding import DecodedFile, bad_file, decode_file
from donate.bank.shapes.row_reader import line_text, mask_account
from donate.bank.shapes.statement import (
    RefusedRow,
    Sentence,
    SkippedRow,
    Statement,
    StatementLine,
    UnreadableRow,
)
from donate.errors import N_, BadInput
from donate.gifts.choosing.card_numbers import mask_card_numbers
from donate.money import Money, is_currency, minor_digits

_DECLARATION: Final = re.compile(r"<\?xml[^>]*\?>")
_DECLARED: Final = re.compile(rb"""<\?xml[^>]*encoding=["']([\w-]+)""", re.IGNORECASE)
_AMOUNT: Final = re.compile(r"\+?([0-9]{1,12})(?:\.([0-9]{0,5}))?")
# Matches the text between two tags if it is long enough for a card number.
_LONG_TEXT: Final = re.compile("[^<>]{13,}")
_NO_REFERENCE: Final = ("NOTPROVIDED", "NONREF")
_INFORMATION_ONLY: Final = N_("The bank gives this row as information only.")


@dataclass(slots=True)
class _Entries:
    lines: list[StatementLine] = field(default_factory=list)
    refused: list[RefusedRow] = field(default_factory=list)
    skipped: list[SkippedRow] = field(default_factory=list)
    warnings: list[Sentence] = field(default_factory=list)
    days: list[date] = field(default_factory=list)

    @property
    def next_row(self) -> int:
        return len(self.lines) + len(self.refused) + len(self.skipped) + 1


def read_camt053(content: bytes) -> Statement:
    """Read a CAMT.053 file. Raises BadInput if it is damaged or declares XML entities."""
    file = decode_file(content, _declared_codec(content))
    root = _parsed(file)
    statements = _all(root, "BkToCstmrStmt/Stmt")
    if not root.tag.endswith("Document") or not statements:
        raise bad_file(N_("The XML file has no CAMT.053 statement. Please check which file it is."))
    if sum(1 for _ in root.iter(_names(root, "Ntry"))) > MAX_ROWS:
        raise bad_file(
            N_("The file has more than 50,000 transactions. Please export a shorter period.")
        )
    entries = _Entries()
    for statement in statements:
        _read(statement, entries)
    days = entries.days or [line.day for line in entries.lines]
    return Statement(
        shape="camt053",
        encoding=file.encoding,
        lines=tuple(entries.lines),
        refused=tuple(entries.refused),
        skipped=tuple(entries.skipped),
        warnings=(*file.warnings, *entries.warnings),
        first_day=min(days, default=None),
        last_day=max(days, default=None),
        masked=file.encoded(_LONG_TEXT.sub(lambda part: mask_card_numbers(part[0]), file.text)),
    )


def _declared_codec(content: bytes) -> str:
    match = _DECLARED.match(content[:300])
    name = match[1].decode("ascii").upper() if match else ""
    return "cp1252" if name in ("ISO-8859-1", "WINDOWS-1252", "LATIN1") else ""


def _parsed(file: DecodedFile) -> Element:
    """Parse the text, without entities, network access or very deep trees."""
    if re.search(r"<!\s*(DOCTYPE|ENTITY)", file.text, re.IGNORECASE):
        raise bad_file(N_("The XML file defines entities, which no bank needs. It was not read."))
    # Give lxml the text that was checked, whatever encoding the file declares.
    text = file.text.strip()
    declaration = _DECLARATION.match(text)
    checked = text[declaration.end() if declaration else 0 :].strip().encode()
    parser = etree.XMLParser(
        encoding="utf-8",
        resolve_entities=False,
        no_network=True,
        huge_tree=False,
        load_dtd=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        safe = etree.tostring(etree.fromstring(checked, parser), encoding="utf-8")
    except etree.XMLSyntaxError:
        raise _damaged() from None
    # A look-up in lxml's elements takes five times as long as in Python's own elements.
    return fromstring(safe)  # noqa: S314 -- lxml wrote it, without any DTD


def _read(statement: Element, entries: _Entries) -> None:
    """Add the entries of one statement to `entries`."""
    account = mask_account(
        _value(statement, "Acct/Id/IBAN") or _value(statement, "Acct/Id/Othr/Id")
    )
    before = len(entries.lines), len(entries.refused)
    for entry in _all(statement, "Ntry"):
        row = entries.next_row
        try:
            reason = _skip_reason(entry)
            line = None if reason else _line(row, entry, account)
        except UnreadableRow as problem:
            entries.refused.append(RefusedRow(row, problem.reason, _shown(entry)))
            continue
        if line and line.amount.amount_minor:
            entries.lines.append(line)
        else:
            entries.skipped.append(SkippedRow(row, Sentence(reason or ZERO_AMOUNT), _shown(entry)))
    entries.days += _stated_days(statement)
    if len(entries.refused) == before[1]:
        _check_balance(statement, entries.lines[before[0] :], entries)


def _skip_reason(entry: Element) -> str:
    """Return why an entry is not a line, or "" if it is booked. Raises UnreadableRow."""
    status = _value(entry, "Sts/Cd") or _value(entry, "Sts")
    match status:
        case "BOOK":
            return ""
        case "PDNG" | "FUTR":
            return PENDING
        case "INFO":
            return _INFORMATION_ONLY
        case _:
            raise UnreadableRow(
                N_("The status “%(cell)s” does not say whether the bank has booked the row."),
                {"cell": quoted(status)},
            )


def _line(row: int, entry: Element, account: str) -> StatementLine:
    written = _value(entry, "BookgDt/Dt") or _value(entry, "BookgDt/DtTm")
    if not written:
        raise UnreadableRow(N_("The row has no date."))
    return StatementLine(
        row=row,
        day=_day(written),
        amount=_signed_amount(entry),
        text=line_text(_texts(entry)),
        bank_reference=line_text([_reference(entry)]),
        account=account,
    )


def _signed_amount(element: Element) -> Money:
    """Return the amount of an entry or a balance. Raises UnreadableRow."""
    amount = element.find(_names(element, "Amt"))
    written = _value(element, "Amt")
    currency = amount.get("Ccy", "") if amount is not None else ""
    if not is_currency(currency):
        raise UnreadableRow(N_("“%(cell)s” is not a currency."), {"cell": quoted(currency)})
    match = _AMOUNT.fullmatch(written)
    digits = minor_digits(currency)
    cents = (match[2] or "").rstrip("0") if match else ""
    if not match or len(cents) > digits:
        raise unreadable_amount(written)
    minor = int(match[1] + cents.ljust(digits, "0"))
    indicator = _value(element, "CdtDbtInd")
    if indicator not in ("CRDT", "DBIT"):
        raise UnreadableRow(
            N_("“%(cell)s” does not say whether money came in or went out."),
            {"cell": quoted(indicator)},
        )
    return Money(minor if indicator == "CRDT" else -minor, currency)


def _texts(entry: Element) -> Iterator[str]:
    """Yield every text that describes an entry: the bank's description, then each detail."""
    if _value(entry, "RvslInd") in ("true", "1"):
        yield "REVERSAL"
    yield _value(entry, "AddtlNtryInf")
    other = "Dbtr" if _value(entry, "CdtDbtInd") == "CRDT" else "Cdtr"
    details = _all(entry, "NtryDtls/TxDtls")
    for detail in details:
        yield _value(detail, f"RltdPties/{other}/Nm")
        yield _value(detail, f"RltdPties/{other}/Pty/Nm")
        if len(details) > 1:
            yield _value(detail, "AmtDtls/TxAmt/Amt") or _value(detail, "Amt")
        for note in _all(detail, "RmtInf/Ustrd"):
            yield note.text or ""
        yield _value(detail, "RmtInf/Strd/CdtrRefInf/Ref")
        reference = _value(detail, "Refs/EndToEndId")
        yield "" if reference in _NO_REFERENCE else reference
        yield _value(detail, "AddtlTxInf")


def _reference(entry: Element) -> str:
    paths = ("AcctSvcrRef", "NtryRef", "NtryDtls/TxDtls/Refs/AcctSvcrRef")
    references = (_value(entry, path) for path in paths)
    return next((found for found in references if found and found not in _NO_REFERENCE), "")


def _stated_days(statement: Element) -> list[date]:
    """Return the first and the last day that the statement says it covers."""
    period = [_value(statement, "FrToDt/FrDtTm"), _value(statement, "FrToDt/ToDtTm")]
    balances = [
        _value(balance, "Dt/Dt") or _value(balance, "Dt/DtTm")
        for balance in _balances(statement, "OPBD", "CLBD")
    ]
    days = []
    for written in period if all(period) else balances:
        try:
            days.append(_day(written))
        except UnreadableRow:
            continue
    return days


def _balances(statement: Element, *codes: str) -> list[Element]:
    found = {_value(each, "Tp/CdOrPrtry/Cd"): each for each in _all(statement, "Bal")}
    return [found[code] for code in codes if code in found]


def _check_balance(statement: Element, lines: list[StatementLine], entries: _Entries) -> None:
    """Warn if the opening balance and the booked entries do not add up to the closing balance."""
    try:
        ends = [_signed_amount(each) for each in _balances(statement, "OPBD", "CLBD")]
    except UnreadableRow:
        return
    if len(ends) != 2 or any(line.amount.currency != ends[0].currency for line in lines):
        return
    booked = sum(line.amount.amount_minor for line in lines)
    if ends[0].amount_minor + booked != ends[1].amount_minor:
        entries.warnings.append(
            Sentence(N_("The entries do not add up to the closing balance. Some may be missing."))
        )


def _day(written: str) -> date:
    """Read the date from its digits, without converting the time zone."""
    return read_bank_day(written[:10] if "T" in written else written.removesuffix("Z")[:10], "ymd")


def _shown(entry: Element) -> str:
    """Return all text of an entry, in the form in which staff see it."""
    return line_text(map(str, entry.itertext()))


def _names(element: Element, path: str) -> str:
    """Return `path` with the namespace of `element` before each name, as ElementTree needs it.

    Each version of CAMT.053 has a namespace of its own.
    """
    return _in_namespace(element.tag[: element.tag.rfind("}") + 1], path)


@lru_cache(500)
def _in_namespace(namespace: str, path: str) -> str:
    return "/".join(namespace + name for name in path.split("/"))


def _all(element: Element, path: str) -> list[Element]:
    return element.findall(_names(element, path))


def _value(element: Element, path: str) -> str:
    return " ".join((element.findtext(_names(element, path)) or "").split())


def _damaged() -> BadInput:
    return bad_file(N_("The XML file is damaged or cut short. Please download it again."))
