"""Bar charts: computes the position of each bar. The template `finance/charts.html` draws them.

Widths are percentages, so that a chart fits any screen. Heights are multiples of the font size, so
that there is room for larger text. Each page also shows the figures of its charts in a table.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

# SVG text does not wrap, so a longer label is cut. The table shows the whole label.
LONGEST_LABEL: Final = 30
# The smallest height of a bar that is not zero, so that it stays visible.
_THINNEST: Final = 0.15
# The width of the longest horizontal bar, in percent. The rest is room for the bar's figure.
_LONGEST_BAR: Final = 55.0
_ROW_HEIGHT: Final = 3.4
_PLOT_TOP: Final = 1.6
_PLOT_HEIGHT: Final = 10.0
# The share of a column's space that the bar fills; the rest is the gap.
_FILLED: Final = 0.7


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar for a chart with horizontal bars: its label, its size, and its size as text."""

    label: str
    size: int
    figure: str


@dataclass(frozen=True, slots=True)
class DrawnRow:
    """A horizontal bar as drawn: `top` is a multiple of the font size, `width` a percentage."""

    label: str
    figure: str
    top: float
    width: float


@dataclass(frozen=True, slots=True)
class RowChart:
    """A chart with horizontal bars.

    `name` is unique among the charts on a page.
    """

    name: str
    title: str
    description: str
    rows: list[DrawnRow]
    height: float


@dataclass(frozen=True, slots=True)
class Columns:
    """The values for a chart with vertical bars: each label has one rise and one fall.

    A rise is a bar above the base line, a fall a bar below it. Empty labels are left out.
    """

    labels: Sequence[str]
    rises: Sequence[int]
    falls: Sequence[int] = ()


@dataclass(frozen=True, slots=True)
class DrawnColumn:
    """A vertical bar as drawn.

    `left` and `width` are percentages, `top` and `height` multiples of the font size.
    """

    left: float
    width: float
    top: float
    height: float
    falls: bool


@dataclass(frozen=True, slots=True)
class ColumnChart:
    """A chart with vertical bars. `name` is unique among the charts on a page.

    `highest` and `lowest` are the texts at the top line and the bottom line; `lowest` is empty if
    the chart has no bars below the base line. The positions in `labels` are percentages.
    """

    name: str
    title: str
    description: str
    columns: list[DrawnColumn]
    labels: list[tuple[float, str]]
    base: float
    bottom: float
    height: float
    highest: str
    lowest: str


def draw_rows(name: str, title: str, description: str, bars: Sequence[Bar]) -> RowChart | None:
    """Return a chart with one horizontal bar for each of `bars`; None if all bars are zero."""
    largest = max((bar.size for bar in bars), default=0)
    if largest <= 0:
        return None
    rows = [
        DrawnRow(
            label=_shortened(bar.label),
            figure=bar.figure,
            top=round(number * _ROW_HEIGHT, 2),
            width=round(max(bar.size / largest * _LONGEST_BAR, 0.5 if bar.size > 0 else 0.0), 2),
        )
        for number, bar in enumerate(bars)
    ]
    return RowChart(name, title, description, rows, round(len(rows) * _ROW_HEIGHT, 2))


def draw_columns(
    name: str, title: str, description: str, values: Columns, *, highest: str, lowest: str = ""
) -> ColumnChart | None:
    """Return a chart with vertical bars; None if all values are zero.

    `highest` labels the tallest bar above the base line, `lowest` the longest bar below it.
    """
    up, down = max(values.rises, default=0), max(values.falls, default=0)
    if up <= 0 and down <= 0:
        return None
    scale = _PLOT_HEIGHT / (up + down)
    base = _PLOT_TOP + up * scale
    slot = 100 / len(values.labels)
    columns = []
    for falls, sizes in ((False, values.rises), (True, values.falls)):
        for number, size in enumerate(sizes):
            if size > 0:
                height = max(size * scale, _THINNEST)
                columns.append(
                    DrawnColumn(
                        left=round((number + (1 - _FILLED) / 2) * slot, 2),
                        width=round(_FILLED * slot, 2),
                        top=round(base if falls else base - height, 2),
                        height=round(height, 2),
                        falls=falls,
                    )
                )
    bottom = _PLOT_TOP + _PLOT_HEIGHT
    has_fall = down > 0
    return ColumnChart(
        name=name,
        title=title,
        description=description,
        columns=columns,
        labels=[
            (round((number + 0.5) * slot, 2), label)
            for number, label in enumerate(values.labels)
            if label
        ],
        base=round(base, 2),
        bottom=bottom,
        # There is room below the bars for the labels and, if there is one, the lowest figure.
        height=round(bottom + (3.2 if has_fall else 1.8), 2),
        highest=highest if up > 0 else "",
        lowest=lowest if has_fall else "",
    )


def _shortened(label: str) -> str:
    return label if len(label) <= LONGEST_LABEL else f"{label[: LONGEST_LABEL - 1].rstrip()}…"
