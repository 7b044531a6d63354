"""Draws the summary of a month: one page of PDF, the same bytes for the same texts.

The page uses Helvetica, which every reader of PDF has, so no font is embedded. Its letters are
those of Windows-1252, which has all of English and French. Another letter becomes a question mark;
the CSV files have it as it is.
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
    """A row: what it is, how many, and how much; the last two may be empty."""

    label: str
    number: str = ""
    amount: str = ""


class SummaryBlock(NamedTuple):
    """Rows below a title."""

    title: str
    rows: Sequence[SummaryRow]


class SummaryPage(NamedTuple):
    """All texts of the page. `more` says that not all rows fit; `%(count)s` is how many do not."""

    title: str
    lead: Sequence[str]
    blocks: Sequence[SummaryBlock]
    more: str
    language: str


def write_summary(page: SummaryPage) -> bytes:
    """Return the PDF. Rows that do not fit are counted in the last line; none is cut silently."""
    file = io.BytesIO()
    # Invariant: no time of now and no random id. Compressed bytes would depend on zlib's version.
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
    """Writes lines from the top of a page to its bottom."""

    def __init__(self, canvas: Canvas, top: float) -> None:
        self._canvas = canvas
        self._y = top

    def text(self, text: str, font: str, size: int) -> None:
        self._canvas.setFont(font, size)
        self._canvas.drawString(_MARGIN, self._y, _printable(text))
        self._y -= size * 1.4

    def fitting(self, rows: Sequence[_FlatRow]) -> int:
        """Return how many rows fit, if the line about the others has to fit too."""
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
