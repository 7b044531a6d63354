"""Reads OFX and QFX statements, versions 1 (SGML) and 2 (XML), with common mistakes of banks.

`ofxtools` builds the tree. Before that, this module repairs the header, the encoding and unclosed
tags.
"""

import html
import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Final
from xml.etree.ElementTree import Element  # only a type; ofxtools makes the elements

from donate.bank.shapes.amounts import quoted, read_written_amount
from donate.bank.shapes.csv_cells import MAX_ROWS
from donate.bank.shapes.csv_lines import ZERO_AMOUNT
from donate.bank.shapes.csv_shapes import PENDING
from donate.bank.shapes.dates import checked_day
from donate.bank.shapes.decoding import bad_file, decode_file
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
from donate.money import Money, is_currency

# The debug log of ofxtools would contain donors' names.
logging.getLogger("ofxtools").setLevel(logging.WARNING)

_TAG: Final = re.compile(r"<(/?)([A-Za-z][A-Za-z0-9._]*)\s*>")
_ENTITY: Final = re.compile(r"&#?\w{1,10};")
_DAY: Final = re.compile(
    r"([0-9]{4})([0-9]{2})([0-9]{2})(?:[0-9]{2,6}(?:\.[0-9]*)?)?\s*(?:\[.*\])?"
)
# Matches the text between two tags if it is long enough for a card number.
_LONG_TEXT: Final = re.compile("[^<>]{13,}")
_HEADER_LINES: Final = ("OFXHEADER", "DATA", "VERSION", "ENCODING", "CHARSET")
_MAX_DEPTH: Final = 50


@dataclass(frozen=True, slots=True)
class _Account:
    """The bank account of the transactions in one statement of the file."""

    name: str
    currency: str


def read_ofx(content: bytes, currency: str) -> Statement:
    """Read an OFX file. Raises BadInput if it is damaged.

    `currency` is used if the file names no currency.
    """
    file = decode_file(content, _declared_codec(content))
    start = file.text.upper().find("<OFX>")
    if start < 0:
        raise _damaged()
    root = _tree(file.text[start:])
    lines: list[StatementLine] = []
    refused: list[RefusedRow] = []
    skipped: list[SkippedRow] = []
    accounts, days = _accounts_and_days(root, currency)
    for row, element in enumerate(_transactions(root), 1):
        if element.tag == "STMTTRNP":
            skipped.append(SkippedRow(row, Sentence(PENDING), _shown(element)))
            continue
        try:
            line = _line(row, element, accounts.get(id(element)))
        except UnreadableRow as problem:
            refused.append(RefusedRow(row, problem.reason, _shown(element)))
            continue
        if line.amount.amount_minor:
            lines.append(line)
        else:
            skipped.append(SkippedRow(row, Sentence(ZERO_AMOUNT), _shown(element)))
    if not accounts and not days and not lines:
        raise bad_file(N_("The file has no statement of a bank account."))
    days += [line.day for line in lines]
    return Statement(
        shape="ofx",
        encoding=file.encoding,
        lines=tuple(lines),
        refused=tuple(refused),
        skipped=tuple(skipped),
        warnings=(*file.warnings, *_header_warnings(file.text[:start])),
        first_day=min(days, default=None),
        last_day=max(days, default=None),
        masked=file.encoded(_LONG_TEXT.sub(lambda part: mask_card_numbers(part[0]), file.text)),
    )


def _declared_codec(content: bytes) -> str:
    """Return the codec that the header names: cp1252, utf-8, or "" for any other header."""
    header = content[:2000].partition(b"<OFX>")[0].decode("ascii", "replace").upper()
    # Files that declare ISO-8859-1 are read as Windows-1252, which has quotation marks and dashes
    # where ISO-8859-1 has only control characters.
    if re.search(r"CHARSET\s*:\s*(1252|ISO-8859-1|WINDOWS-1252)", header):
        return "cp1252"
    return "utf-8" if re.search(r"(CHARSET|ENCODING)\s*[:=]\s*\"?UTF-?8", header) else ""


def _header_warnings(header: str) -> tuple[Sentence, ...]:
    header = header.upper()
    missing = [name for name in _HEADER_LINES if not re.search(rf"{name}\s*[:=]", header)]
    if "?OFX" in header or not missing:
        return ()
    return (
        Sentence(
            N_("The header of the file lacks %(names)s. The file could still be read."),
            {"names": ", ".join(missing)},
        ),
    )


def _tree(text: str) -> Element:
    """Parse the part of the file that begins with <OFX>. Raises BadInput."""
    from ofxtools.Parser import (  # noqa: PLC0415 -- it imports an HTTP client, for half a second
        ParseError,
        TreeBuilder,
    )

    builder = TreeBuilder()
    try:
        builder.feed(_repaired(text))
        return builder.close()
    except ParseError:
        # The parser's message quotes the whole file, so do not pass it on.
        raise _damaged() from None


def _repaired(text: str) -> str:
    """Return the text with a closing tag after each value, and without tags that have no value.

    A tag that contains other tags must already be closed, as OFX requires. Raises BadInput if it is
    not, because then the end of the file is missing.
    """
    if "</OFX>" not in text.upper():
        raise bad_file(N_("The file is cut short. Please download it again."))
    _, *pieces = _TAG.split(_without_cdata(text))
    closings, tags = pieces[::3], [tag.upper() for tag in pieces[1::3]]
    if tags.count("STMTTRN") > 2 * MAX_ROWS:
        raise bad_file(
            N_("The file has more than 50,000 transactions. Please export a shorter period.")
        )
    containers = _containers(closings, tags)
    parts = []
    open_tags: list[str] = []
    for closing, tag, content in zip(closings, tags, map(str.strip, pieces[2::3]), strict=True):
        if tag not in containers and not closing:
            if content:
                parts.append(f"<{tag}>{content.replace('<', '&lt;')}</{tag}>")
            continue
        if content or len(open_tags) > _MAX_DEPTH:
            raise _damaged()
        if tag not in containers:
            continue
        if not closing:
            open_tags.append(tag)
        elif not open_tags or open_tags.pop() != tag:
            raise _damaged()
        parts.append(f"<{closing}{tag}>")
    if open_tags:
        raise _damaged()
    return "\n".join(parts)


def _containers(closings: list[str], tags: list[str]) -> frozenset[str]:
    """Return the tags that contain other tags.

    These are the tags whose closing tag does not directly follow their own opening tag.
    """
    found = {"OFX"}
    before = ("", "")
    for closing, tag in zip(closings, tags, strict=True):
        if closing and before != ("", tag):
            found.add(tag)
        before = (closing, tag)
    return frozenset(found)


def _without_cdata(text: str) -> str:
    """Return the text with each CDATA section turned into plain text."""
    parts = []
    place = 0
    while (start := text.find("<![CDATA[", place)) >= 0:
        end = text.find("]]>", start)
        if end < 0:
            break
        inside = text[start + len("<![CDATA[") : end].replace("&", "&amp;")
        parts += [text[place:start], inside.replace("<", "&lt;")]
        place = end + len("]]>")
    return "".join([*parts, text[place:]])


def _transactions(root: Element) -> Iterator[Element]:
    return (element for element in root.iter() if element.tag in ("STMTTRN", "STMTTRNP"))


def _accounts_and_days(root: Element, currency: str) -> tuple[dict[int, _Account], list[date]]:
    """Return the account of each transaction, by the element's id(), and the days covered."""
    accounts: dict[int, _Account] = {}
    days = []
    for statement in root.iter():
        if statement.tag not in ("STMTRS", "CCSTMTRS"):
            continue
        number = _value(statement, "BANKACCTFROM/ACCTID") or _value(statement, "CCACCTFROM/ACCTID")
        account = _Account(mask_account(number), _value(statement, "CURDEF") or currency)
        accounts |= {id(element): account for element in _transactions(statement)}
        for name in ("BANKTRANLIST/DTSTART", "BANKTRANLIST/DTEND"):
            try:
                days.append(_day(_value(statement, name)))
            except UnreadableRow:
                continue
    return accounts, days


def _line(row: int, element: Element, account: _Account | None) -> StatementLine:
    if account is None:
        raise UnreadableRow(N_("The transaction belongs to no bank account of the file."))
    currency = (_value(element, "CURRENCY/CURSYM") or account.currency).upper()
    if not is_currency(currency):
        raise UnreadableRow(N_("“%(cell)s” is not a currency."), {"cell": quoted(currency)})
    written = _value(element, "TRNAMT")
    if not written:
        raise UnreadableRow(N_("The row has no amount."))
    names = ("NAME", "PAYEE/NAME", "MEMO")
    return StatementLine(
        row=row,
        day=_day(_value(element, "DTPOSTED")),
        amount=Money(read_written_amount(written, currency).signed_minor, currency),
        text=line_text(dict.fromkeys(_value(element, name) for name in names)),
        bank_reference=line_text([_value(element, "FITID")]),
        account=account.name,
    )


def _shown(element: Element) -> str:
    """Return all text of a transaction, in the form in which staff see it."""
    return line_text(element.itertext())


def _value(element: Element, path: str) -> str:
    text = element.findtext(path) or ""
    return " ".join(_ENTITY.sub(lambda entity: html.unescape(entity[0]), text).split())


def _day(written: str) -> date:
    """Read the date from its digits.

    Banks write midnight in the wrong time zone, so the time zone is ignored.
    """
    if not written:
        raise UnreadableRow(N_("The row has no date."))
    match = _DAY.fullmatch(written)
    if not match:
        raise UnreadableRow(N_("The date %(cell)s cannot be read."), {"cell": quoted(written)})
    return checked_day(int(match[1]), int(match[2]), int(match[3]), written)


def _damaged() -> BadInput:
    return bad_file(N_("The OFX file is damaged. Please download it again."))
