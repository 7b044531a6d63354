"""Writes an export as CSV (RFC 4180), in UTF-8 with the byte order mark that Excel needs."""

import csv
import hashlib
import io
from collections.abc import Generator, Sequence
from typing import Any

from donate.books.pack.csv_table import BYTE_ORDER_MARK
from donate.books.pack.formulas import guard_formula
from donate.finance.exports.columns import CellType
from donate.finance.exports.runs import ExportRun, write_decimal


class CsvFile:
    """The CSV file of one run. Its hash and size are known once all chunks have been read."""

    def __init__(self, run: ExportRun) -> None:
        self._run = run
        self._hash = hashlib.sha256()
        self._size = 0
        self.says_incomplete = False

    def chunks(self) -> Generator[bytes, None, None]:
        """Yield the bytes of the file.

        If reading the rows fails, the last line of the file says so, and then the error is raised.
        """
        # As RFC 4180 requires, lines end with CRLF, and a field is quoted if it contains quotes,
        # commas or line breaks.
        text = io.StringIO(newline="")
        writer = csv.writer(text, lineterminator="\r\n")
        yield self._note(BYTE_ORDER_MARK)
        writer.writerow([column.name for column in self._run.export.layout.columns])
        try:
            for cells in self._run.cells():
                types = (column.type for column in self._run.export.layout.columns)
                writer.writerows(zip(*map(_texts_of, types, cells.columns), strict=True))
                yield self._note(_take(text))
        except Exception as error:
            self.says_incomplete = True
            yield self._note(_take(text) + f"{self._run.broken_off(error)}\r\n".encode())
            raise
        yield self._note(_take(text))

    def control_totals(self) -> dict[str, object]:
        """Return the control totals for the run, with the file's SHA-256 and size."""
        return self._run.control_totals() | {
            "sha256": self._hash.hexdigest(),
            "bytes": self._size,
        }

    def _note(self, chunk: bytes) -> bytes:
        self._hash.update(chunk)
        self._size += len(chunk)
        return chunk


def _take(text: io.StringIO) -> bytes:
    written = text.getvalue().encode()
    text.seek(0)
    text.truncate()
    return written


def _texts_of(kind: CellType, column: Sequence[Any]) -> Sequence[str]:
    match kind:
        case CellType.TEXT:
            # `guard_formula` puts an apostrophe before texts that spreadsheets take for formulas.
            # Skip texts that begin with a letter or digit, which are never formulas, to save time.
            return [
                cell if not cell or cell[0].isalnum() else guard_formula(cell) for cell in column
            ]
        case CellType.DAY:
            return [day.isoformat() if day else "" for day in column]
        case CellType.AMOUNT:
            return [write_decimal(*amount) for amount in column]
        case _:
            return column
