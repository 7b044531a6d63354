"""Readers of the pretend bank's statements, which share no code with the bank or the service."""

import csv
import io
from datetime import date
from decimal import Decimal
from typing import Any
from xml.etree import ElementTree

from ofxtools.Parser import OFXTree

OPENING = 100_000
NAME = "Hélène O'Example-Tremblay"


def minor(text: str) -> int:
    return int(Decimal(text or "0") * 100)


def read_rbc(content: bytes) -> list[tuple[date, int]]:
    head, *rows = csv.reader(io.StringIO(content.decode()))
    assert head[-2:] == ["CAD$", "USD$"]
    return rbc_rows(rows)


def rbc_rows(rows: list[list[str]]) -> list[tuple[date, int]]:
    days = [[int(part) for part in row[2].split("/")] for row in rows]
    return [
        (date(year, month, day), minor(row[6]))
        for (month, day, year), row in zip(days, rows, strict=True)
    ]


def read_rbc_french(content: bytes) -> list[tuple[date, int]]:
    head, *rows = csv.reader(io.StringIO(content.decode("cp1252")))
    assert head[0] == "Type de compte"
    assert {row[0] for row in rows} == {"Chèques"}
    return rbc_rows(rows)


def read_cibc(content: bytes) -> list[tuple[date, int]]:
    rows = list(csv.reader(io.StringIO(content.decode())))
    return [(date.fromisoformat(row[0]), minor(row[3]) - minor(row[2])) for row in rows]


def read_scotiabank(content: bytes) -> list[tuple[date, int]]:
    rows = list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"))))
    assert content.startswith(b"\xef\xbb\xbfFilter,")
    signs = {"Credit": 1, "Debit": -1}
    return [
        (date.fromisoformat(row["Date"]), signs[row["Type of Transaction"]] * minor(row["Amount"]))
        for row in rows
    ]


def read_td(content: bytes) -> list[tuple[date, int]]:
    lines, balance = [], OPENING
    for day, _, debit, credit, after in csv.reader(io.StringIO(content.decode())):
        amount = minor(credit) - minor(debit)
        balance += amount
        assert minor(after) == balance
        month, number, year = (int(part) for part in day.split("/"))
        lines.append((date(year, month, number), amount))
    return lines


def read_bmo(content: bytes) -> list[tuple[date, int]]:
    preamble, *rest = [row for row in csv.reader(io.StringIO(content.decode())) if row]
    assert preamble[0].startswith("Following data is valid as of 2026")
    assert rest[0][3] == " Transaction Amount"
    return [(date.fromisoformat(row[2]), minor(row[3])) for row in rest[1:]]


def read_desjardins(content: bytes) -> list[tuple[date, int]]:
    rows = list(csv.reader(io.StringIO(content.decode("cp1252"))))
    assert {len(row) for row in rows} == {14}
    assert rows[0][5] == f"Virement Interac de /{NAME} /"
    return [
        (date.fromisoformat(row[3].replace("/", "-")), minor(row[8]) - minor(row[7]))
        for row in rows
    ]


def read_ofx(content: bytes) -> list[tuple[date, int]]:
    tree = OFXTree()
    tree.parse(io.BytesIO(content))
    (statement,) = tree.convert().statements
    lines = statement.transactions
    assert len({line.fitid for line in lines}) == len(lines)
    total = sum(line.trnamt for line in lines)
    assert statement.balance.balamt == Decimal(OPENING) / 100 + total
    return [(line.dtposted.date(), int(line.trnamt * 100)) for line in lines]


def read_camt(content: bytes) -> list[tuple[date, int]]:
    root = ElementTree.fromstring(content)
    space = {"c": "urn:iso:std:iso:20022:tech:xsd:camt.053.001.02"}

    def text(element: Any, path: str) -> str:
        return str(element.findtext(path, namespaces=space))

    def signed(element: Any) -> int:
        sign = {"CRDT": 1, "DBIT": -1}[text(element, "c:CdtDbtInd")]
        return sign * minor(text(element, "c:Amt"))

    lines = [
        (date.fromisoformat(text(entry, "c:BookgDt/c:Dt")), signed(entry))
        for entry in root.iterfind(".//c:Ntry", space)
    ]
    opening, closing = (signed(balance) for balance in root.iterfind(".//c:Bal", space))
    assert (opening, closing) == (OPENING, OPENING + sum(amount for _, amount in lines))
    return lines


READERS = {
    "rbc": read_rbc,
    "rbc_french": read_rbc_french,
    "cibc": read_cibc,
    "scotiabank": read_scotiabank,
    "td": read_td,
    "bmo": read_bmo,
    "desjardins": read_desjardins,
    "ofx": read_ofx,
    "camt": read_camt,
}
