"""Reads dates in the way banks write them, and detects whether the day or the month comes first."""

import re
from collections.abc import Iterable, Sequence
from datetime import date
from itertools import pairwise
from typing import Final

from donate.bank.shapes.amounts import quoted
from donate.bank.shapes.statement import Sentence, UnreadableRow
from donate.errors import N_, BadInput

YEAR_FIRST: Final = "ymd"
MONTH_FIRST: Final = "mdy"
DAY_FIRST: Final = "dmy"
DATE_FORMS: Final = (YEAR_FIRST, MONTH_FIRST, DAY_FIRST)

FIRST_YEAR: Final = 1990
LAST_YEAR: Final = 2100

_TIME = r"(?:[ T][0-9]{1,2}:[0-9]{2}\S*(?: ?[APap][Mm])?)?"
_WITH_YEAR_FIRST: Final = re.compile(
    r"([0-9]{4})(?:([-/.])([0-9]{1,2})\2([0-9]{1,2})|([0-9]{2})([0-9]{2}))" + _TIME
)
_WITH_YEAR_LAST: Final = re.compile(r"([0-9]{1,2})([-/.])([0-9]{1,2})\2([0-9]{4})" + _TIME)

_LIKELY_DAY: Final = re.compile("(?:19|20)[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])")

_WAYS: Final = {
    MONTH_FIRST: N_("The dates were read with the month first, as %(date)s shows."),
    DAY_FIRST: N_("The dates were read with the day first, as %(date)s shows."),
}


def looks_like_date(cell: str) -> bool:
    """Whether the cell looks like a date, even an impossible one such as 2026-02-31."""
    return bool(_WITH_YEAR_LAST.fullmatch(cell)) or has_year_first(cell)


def has_year_first(cell: str) -> bool:
    """Whether the cell looks like a date that begins with the year."""
    match = _WITH_YEAR_FIRST.fullmatch(cell)
    # Eight digits without separators may also be an account number.
    return bool(match and (match[2] or _LIKELY_DAY.match(cell)))


def read_bank_day(cell: str, form: str) -> date:
    """Read a date. If it begins with a four-digit year, the month and the day follow.

    `form` is one of DATE_FORMS. It decides about dates that end with the year. Raises UnreadableRow
    for impossible dates, two-digit years, and years before 1990 or after 2100.
    """
    if match := _WITH_YEAR_FIRST.fullmatch(cell):
        year, month, day = match[1], match[3] or match[5], match[4] or match[6]
    elif match := _WITH_YEAR_LAST.fullmatch(cell):
        year = match[4]
        month, day = (match[1], match[3]) if form == MONTH_FIRST else (match[3], match[1])
        if form == YEAR_FIRST:
            raise UnreadableRow(
                N_("The date %(cell)s does not begin with the year."), {"cell": quoted(cell)}
            )
    else:
        raise UnreadableRow(N_("The date %(cell)s cannot be read."), {"cell": quoted(cell)})
    return checked_day(int(year), int(month), int(day), cell)


def checked_day(year: int, month: int, day: int, cell: str) -> date:
    """Return the date. Raises UnreadableRow if the date does not exist or the year is unlikely."""
    try:
        found = date(year, month, day)
    except ValueError:
        raise UnreadableRow(
            N_("The date %(cell)s does not exist."), {"cell": quoted(cell)}
        ) from None
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise UnreadableRow(
            N_("The date %(cell)s is not between 1990 and 2100."), {"cell": quoted(cell)}
        )
    return found


def settle_date_form(cells: Sequence[str]) -> tuple[str, Sentence | None]:
    """Detect the form of a file's dates. Return it, with a warning if the form was only inferred.

    A number above 12 must be the day. If there is none, the order of the rows decides, if it fits
    only one form. Raises BadInput if neither decides, so that a person has to choose.
    """
    parts = _ambiguous_parts(cells)
    if not parts:
        return YEAR_FIRST, None
    above = {
        DAY_FIRST: next((cell for first, _, cell in parts if first > 12), ""),
        MONTH_FIRST: next((cell for _, second, cell in parts if second > 12), ""),
    }
    if all(above.values()):
        raise BadInput(
            "date_form",
            N_(
                "%(one)s has the day first, but %(other)s has the month first. "
                "Please correct the file."
            ),
            {"one": above[DAY_FIRST], "other": above[MONTH_FIRST]},
        )
    for form, cell in above.items():
        if cell:
            return form, Sentence(_WAYS[form], {"date": cell})
    if all(first == second for first, second, _ in parts):
        return MONTH_FIRST, None
    fits = [form for form in (MONTH_FIRST, DAY_FIRST) if is_ordered(cells, form)]
    if len(fits) == 1:
        return fits[0], Sentence(
            N_("The dates were read with the month first, because the rows are in that order.")
            if fits[0] == MONTH_FIRST
            else N_("The dates were read with the day first, because the rows are in that order.")
        )
    raise BadInput(
        "date_form",
        N_(
            "The file does not tell whether %(date)s has the day or the month first. "
            "Please choose it and upload the file again."
        ),
        {"date": next(cell for first, second, cell in parts if first != second)},
    )


def contradicts(cells: Sequence[str], form: str) -> bool:
    """Whether the dates clearly show the opposite order of day and month from `form`."""
    if form not in (MONTH_FIRST, DAY_FIRST):
        return False
    try:
        settled, _ = settle_date_form(cells)
    except BadInput:
        return False
    return settled not in (form, YEAR_FIRST) and any(a != b for a, b, _ in _ambiguous_parts(cells))


def is_ordered(cells: Iterable[str], form: str) -> bool:
    """Whether the readable dates are in order, from old to new or from new to old."""
    days = []
    for cell in cells:
        try:
            days.append(read_bank_day(cell, form))
        except UnreadableRow:
            continue
    return all(a <= b for a, b in pairwise(days)) or all(a >= b for a, b in pairwise(days))


def _ambiguous_parts(cells: Iterable[str]) -> list[tuple[int, int, str]]:
    """Return the first two numbers of each date that ends with the year, and the date's cell."""
    matches = (_WITH_YEAR_LAST.fullmatch(cell) for cell in cells)
    return [(int(match[1]), int(match[3]), match[0]) for match in matches if match]
