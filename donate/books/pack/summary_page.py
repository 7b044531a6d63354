"""Draws the summary of a month as a PDF of one page. The same texts always give the same bytes.

The font is Helvetica, which every PDF reader has, so it need not be embedded. It is used with the
characters of Windows-1252, which are enough for English and French. Any other character becomes a
question mark on this page, but not in the CSV files.
"""

import io
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from reportlab.lib.pagesizes import letter
from reportlab.pdfgen.canvas import Canvas

_MARGIN: Final = 54.0
_NUMBER_AT: Final = 420.0
_FONT: Final = "Helvetica"
_BOLD: Final = "Helvetica-Bold"
_LONGEST: Final = 66
_SPACES: Final = str.maketrans({"\u202f": "\u00a0", "\u2009": "\u00a0", "\u2212": "-"})


class SummaryRow(NamedTuple):
    """A row: its label, a number and an amount. The last two may be empty."""

    label: str
    number: str = ""
    amount: str = ""


class SummaryBlock(NamedTuple):
    """A title, with rows below it."""

    title: str
    rows: Sequence[SummaryRow]


class SummaryPage(NamedTuple):
    """All texts of the page.

    `more` is the sentence if not all rows fit; `%(count)s` is how many do not.
    """

    title: str
    lead: Sequence[str]
    blocks: Sequence[SummaryBlock]
    more: str
    language: str


def write_summary(page: SummaryPage) -> bytes:
    """Return the PDF. If not all rows fit, the last line says how many are missing."""
    file = io.BytesIO()
    # Leave out the current time and random ids, so that the bytes are always the same. Do not
    # compress, because the compressed bytes would depend on the version of zlib.
    canvas = Canvas(file, pagesize=letter, invariant=1, pageCompression=0, lang=page.language)
    canvas.setTitle(_printable(page.title))
    pen = _Pen(canvas, letter[1] - _MARGIN)
    pen.text(page.title, _BOLD, 16)
    for line in page.lead:
        pen.text(line, _FONT, 9)
    rows = list(_flat(page.blocks))
    fit = pen.fitting(rows)
    for row in rows[:fit]:
        pen.row(row)
    left = sum(1 for row in rows[fit:] if not row.is_title)
    if left:
        pen.text(page.more % {"count": left}, _BOLD, 9)
    canvas.showPage()
    canvas.save()
    return file.getvalue()


class _FlatRow(NamedTuple):
    cells: SummaryRow
    is_title: bool

    @property
    def height(self) -> float:
        return 22.0 if self.is_title else 12.0


def _flat(blocks: Iterable[SummaryBlock]) -> Iterable[_FlatRow]:
    for block in blocks:
        yield _FlatRow(SummaryRow(block.title), is_title=True)
        for row in block.rows:
            yield _FlatRow(row, is_title=False)


class _Pen:
    """Writes lines on a page, from the top to the bottom."""

    def __init__(self, canvas: Canvas, top: float) -> None:
        self._canvas = canvas
        self._y = top

    def text(self, text: str, font: str, size: int) -> None:
        self._canvas.setFont(font, size)
        self._canvas.drawString(_MARGIN, self._y, _printable(text))
        self._y -= size * 1.4

    def fitting(self, rows: Sequence[_FlatRow]) -> int:
        """Return how many rows fit. If not all fit, leave space for the line about the others."""
        space = self._y - _MARGIN
        if sum(row.height for row in rows) <= space:
            return len(rows)
        fit = 0
        for row in rows:
            space -= row.height
            if space < rows[0].height:
                break
            fit += 1
        return fit

    def row(self, row: _FlatRow) -> None:
        self._y -= row.height
        label, number, amount = row.cells
        self._canvas.setFont(_BOLD if row.is_title else _FONT, 10 if row.is_title else 9)
        shown = label if len(label) <= _LONGEST else f"{label[: _LONGEST - 1]}…"
        self._canvas.drawString(_MARGIN, self._y, _printable(shown))
        if number:
            self._canvas.drawRightString(_NUMBER_AT, self._y, _printable(number))
        if amount:
            self._canvas.drawRightString(letter[0] - _MARGIN, self._y, _printable(amount))
        if row.is_title:
            self._canvas.setLineWidth(0.5)
            self._canvas.line(_MARGIN, self._y - 3, letter[0] - _MARGIN, self._y - 3)


def _printable(text: str) -> str:
    return text.translate(_SPACES).encode("cp1252", "replace").decode("cp1252")
