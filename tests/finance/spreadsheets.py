"""Reads the files that are exported: CSV with Python's parser, XLSX from its XML."""

import csv
import io
import re
import zipfile
from typing import NamedTuple
from xml.etree import ElementTree as ET

MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


class Cell(NamedTuple):
    """A cell of a sheet: its type (`inlineStr`, or `n` for a number), and its value as text."""

    type: str
    value: str


def read_csv(body: bytes) -> list[dict[str, str]]:
    text = body.decode("utf-8-sig")
    assert body.startswith(b"\xef\xbb\xbf")
    return list(csv.DictReader(io.StringIO(text, newline=""), strict=True))


def unguarded(text: str) -> str:
    """Remove the apostrophe that an export puts before a text that could be a formula."""
    return text[1:] if re.match(r"''*\s*[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]", text) else text


def read_xlsx(body: bytes) -> dict[str, list[list[Cell | None]]]:
    """Return the rows of each sheet. Fails if a cell has a formula."""
    sheets = {}
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        assert archive.testzip() is None
        workbook = ET.fromstring(archive.read("xl/workbook.xml"))
        for number, sheet in enumerate(workbook.iter(f"{MAIN}sheet"), 1):
            root = ET.fromstring(archive.read(f"xl/worksheets/sheet{number}.xml"))
            assert not list(root.iter(f"{MAIN}f")), "a formula"
            assert not list(root.iter(f"{MAIN}hyperlink")), "a link"
            sheets[sheet.attrib["name"]] = [_cells(row) for row in root.iter(f"{MAIN}row")]
    return sheets


def _cells(row: ET.Element) -> list[Cell | None]:
    cells: list[Cell | None] = []
    for cell in row.iter(f"{MAIN}c"):
        letters = re.sub(r"\d", "", cell.attrib["r"])
        column = 0
        for letter in letters:
            column = 26 * column + ord(letter) - 64
        cells += [None] * (column - 1 - len(cells))
        texts = (part.text or "" for tag in ("t", "v") for part in cell.iter(f"{MAIN}{tag}"))
        cells.append(Cell(cell.attrib.get("t", "n"), _unescaped("".join(texts))))
    return cells


def _unescaped(text: str) -> str:
    """Replace Excel's escapes of control characters, such as `_x000D_`, by these characters."""
    return re.sub("_x([0-9A-F]{4})_", lambda match: chr(int(match[1], 16)), text)
