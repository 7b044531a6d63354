"""Writes an export as an XLSX workbook, whose last sheet has the control totals.

xlsxwriter keeps one row in memory and the other rows in temporary files. Texts are written as plain
text, never as formulas, links or numbers.
"""

from collections.abc import Iterator
from datetime import UTC
from itertools import chain, islice
from typing import IO, Any, Final

from xlsxwriter import Workbook

from donate.finance.exports.cells import Cell
from donate.finance.exports.columns import CellType
from donate.finance.exports.runs import ExportRun
from donate.money import Money, minor_digits

# Excel's limit on rows, less the header and the line that marks an incomplete file.
MAX_ROWS_IN_A_SHEET: Final = 1_048_576 - 2
_WIDTHS: Final = {CellType.DAY: 11, CellType.TIME: 26, CellType.AMOUNT: 14, CellType.FLAG: 12}


def write_xlsx(
    run: ExportRun, file: IO[bytes], *, rows_in_a_sheet: int = MAX_ROWS_IN_A_SHEET
) -> None:
    """Write all rows of a run into a file.

    If reading the rows fails, the file says so, and then the error is raised.
    """
    workbook = Workbook(file, {"constant_memory": True})
    workbook.use_zip64()
    workbook.set_properties({"created": run.made_at.astimezone(UTC).replace(tzinfo=None)})
    writer = _XlsxWriter(workbook, run)
    try:
        writer.write_rows(rows_in_a_sheet)
    except BaseException as error:
        writer.sheet.write_string(writer.next_row, 0, run.broken_off(error))
        raise
    finally:
        writer.write_control_totals()
        workbook.close()


class _XlsxWriter:
    """Writes the sheets of one workbook."""

    def __init__(self, workbook: Any, run: ExportRun) -> None:
        self._workbook = workbook
        self._run = run
        self._bold = workbook.add_format({"bold": True})
        self._plain = workbook.add_format()
        self._day = workbook.add_format({"num_format": "yyyy-mm-dd"})
        self._amounts: dict[str, Any] = {}
        self._sheets = 0
        self.next_row = 0
        self.sheet: Any = None

    def write_rows(self, rows_in_a_sheet: int) -> None:
        """Write all rows, and start another sheet whenever one is full."""
        self._begin_sheet()
        rows = chain.from_iterable(zip(*cells.columns, strict=True) for cells in self._run.cells())
        while True:
            for cells in islice(rows, rows_in_a_sheet):
                for number, cell in enumerate(cells):
                    self._write(self.next_row, number, cell)
                self.next_row += 1
            another = next(rows, None)
            if another is None:
                return
            self._begin_sheet()
            rows = chain([another], rows)

    def _begin_sheet(self) -> None:
        self._sheets += 1
        name = self._run.export.layout.name
        self.sheet = self._workbook.add_worksheet(
            name if self._sheets == 1 else f"{name} {self._sheets}"
        )
        self.sheet.freeze_panes(1, 0)
        for number, column in enumerate(self._run.export.layout.columns):
            self.sheet.set_column(number, number, _WIDTHS.get(column.type, 18))
            self.sheet.write_string(0, number, column.name, self._bold)
        self.next_row = 1

    def _write(self, row: int, number: int, cell: Cell) -> None:
        match cell:
            case "" | None:
                pass  # writing an empty cell would take as long as writing a word
            case str():
                self._write_text(row, number, cell)
            case (amount_minor, currency):
                decimal = Money(amount_minor, currency).decimal
                self.sheet.write_number(row, number, decimal, self._format_of(currency))
            case _:
                self.sheet.write_datetime(row, number, cell, self._day)

    def _write_text(self, row: int, number: int, text: str) -> None:
        if text.startswith("<r>") and text.endswith("</r>"):
            # xlsxwriter would mistake such a text for its own markup, and would not escape it.
            self.sheet.write_rich_string(row, number, text[0], self._plain, text[1:])
        else:
            self.sheet.write_string(row, number, text)

    def _format_of(self, currency: str) -> Any:
        if currency not in self._amounts:
            digits = minor_digits(currency)
            pattern = "0." + "0" * digits if digits else "0"
            self._amounts[currency] = self._workbook.add_format({"num_format": pattern})
        return self._amounts[currency]

    def write_control_totals(self) -> None:
        """Write the last sheet, which has a name and a value in each row."""
        self.sheet = self._workbook.add_worksheet("control")
        self.sheet.set_column(0, 0, 26)
        self.sheet.set_column(1, 1, 40)
        for row, (name, value) in enumerate(_lines(self._run.control_totals())):
            self.sheet.write_string(row, 0, name, self._bold)
            if isinstance(value, int) and not isinstance(value, bool):
                self.sheet.write_number(row, 1, value)
            else:
                self.sheet.write_string(row, 1, _word(value))


def _lines(totals: dict[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in totals.items():
        if isinstance(value, dict):
            yield from _lines(value, f"{before}{name} ")
        else:
            yield f"{before}{name}", value


def _word(value: Any) -> str:
    return {True: "yes", False: "no", None: "not comparable"}.get(value, str(value))
