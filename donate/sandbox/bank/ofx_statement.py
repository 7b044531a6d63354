"""Statements as OFX 1.02 files, which are SGML without end tags.

The format: https://financialdataexchange.org/ofx
"""

from collections.abc import Sequence
from datetime import date
from xml.sax.saxutils import escape

from donate.sandbox.bank.ledger import BankLine
from donate.sandbox.bank.wording import ofx_texts
from donate.sandbox.currencies import format_amount

_HEADER = """OFXHEADER:100
DATA:OFXSGML
VERSION:102
SECURITY:NONE
ENCODING:USASCII
CHARSET:1252
COMPRESSION:NONE
OLDFILEUID:NONE
NEWFILEUID:NONE
"""
# The time zone is the bank's. The digits before it are the day that the statement shows.
_NOON = "120000.000[-5:EST]"


def ofx_statement(
    lines: Sequence[BankLine], balance: int, currency: str, first: date, last: date
) -> bytes:
    closing = balance + sum(line.amount for line in lines)
    end = _stamp(last)
    rows = [
        "<OFX><SIGNONMSGSRSV1><SONRS>",
        "<STATUS><CODE>0<SEVERITY>INFO</STATUS>",
        f"<DTSERVER>{end}<LANGUAGE>ENG",
        "</SONRS></SIGNONMSGSRSV1>",
        "<BANKMSGSRSV1><STMTTRNRS><TRNUID>0",
        "<STATUS><CODE>0<SEVERITY>INFO</STATUS>",
        f"<STMTRS><CURDEF>{currency.upper()}",
        "<BANKACCTFROM><BANKID>000000000<ACCTID>00000 0000001<ACCTTYPE>CHECKING</BANKACCTFROM>",
        f"<BANKTRANLIST><DTSTART>{_stamp(first)}<DTEND>{end}",
        *(_transaction(line) for line in lines),
        "</BANKTRANLIST>",
        f"<LEDGERBAL><BALAMT>{format_amount(closing, currency)}<DTASOF>{end}</LEDGERBAL>",
        "</STMTRS></STMTTRNRS></BANKMSGSRSV1></OFX>",
        "",
    ]
    text = f"{_HEADER}\n" + "\n".join(rows)
    return text.replace("\n", "\r\n").encode("cp1252", errors="replace")


def _transaction(line: BankLine) -> str:
    name, memo = ofx_texts(line)
    # A value has no end tag in this format: the next tag ends it. Without a value the element
    # would look like a group that never ends, so leave it out.
    written = f"<NAME>{escape(name)}" + (f"<MEMO>{escape(memo)}" if memo else "")
    return (
        f"<STMTTRN><TRNTYPE>{'CREDIT' if line.amount > 0 else 'DEBIT'}"
        f"<DTPOSTED>{_stamp(line.day)}<TRNAMT>{format_amount(line.amount, line.currency)}"
        f"<FITID>{line.day:%Y%m%d}{line.number:06}"
        f"{written}</STMTTRN>"
    )


def _stamp(day: date) -> str:
    return f"{day:%Y%m%d}{_NOON}"
