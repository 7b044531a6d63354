"""The filters of the movements page: reads them from query strings, writes them into links."""

import re
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Final

from donate.clock import read_day
from donate.errors import N_
from donate.finance.list_filters import ListQuery, read_typed, this_and_last_month
from donate.finance.movements.queries import MovementCursor
from donate.finance.movements.words import MOVEMENT_KINDS, NO_FUND
from donate.finance.words import MODE_NAMES
from donate.gifts.movements.models import Subject
from donate.gifts.movements.totals import TotalFilter
from donate.regions.regions import Regions
from donate.web.languages import LANGUAGES
from donate.web.templating import Localizer

MOVEMENTS: Final = "/finance/movements"
MOVEMENT_FIELDS: Final = ("kind", "mode", "code", "fund", "currency", "from", "to")
WITHOUT_FUND: Final = "-"
"""The value of the filter `fund` for gifts without a fund. No fund can have this key."""


def movement_choices(regions: Regions, language: str) -> dict[str, dict[str, str]]:
    """Return the values that each filter accepts, each with its text for staff."""
    _ = Localizer(language)
    funds = {
        key: text.in_language(language)
        for region in regions.values()
        for key, text in region.funds.items()
    }
    return {
        "kind": {kind: _(name) for kind, name in MOVEMENT_KINDS.items()},
        "mode": {str(mode): _(name) for mode, name in MODE_NAMES.items()},
        "code": {code: code for code in regions},
        "fund": funds | {WITHOUT_FUND: _(NO_FUND)},
        "currency": {each: each for each in sorted({r.currency for r in regions.values()})},
    }


def read_movement_query(query: Mapping[str, str], regions: Regions) -> ListQuery[TotalFilter]:
    """Read the filters from a query string. Each invalid value becomes a problem."""
    read = read_typed(query, MOVEMENT_FIELDS, movement_choices(regions, LANGUAGES[0]))
    typed = read.typed
    fund = typed["fund"]
    movement_filter = TotalFilter(
        Subject.MOVEMENT,
        first_day=read.first_day,
        last_day=read.last_day,
        kinds=_only(typed["kind"]),
        currencies=_only(typed["currency"]),
        codes=_only(typed["code"]),
        modes=_only(typed["mode"]),
        funds=("",) if fund == WITHOUT_FUND else _only(fund),
    )
    return ListQuery(MOVEMENTS, movement_filter, typed, read.problems)


def _only(value: str) -> Sequence[str]:
    return (value,) if value else ()


def movement_months(today: date, query: ListQuery[TotalFilter]) -> list[tuple[str, str]]:
    """Return a label and a link for this month and for last month, keeping the other filters."""
    links = (query.link(**days) for days in this_and_last_month(today))
    return list(zip((N_("This month"), N_("Last month")), links, strict=True))


def write_movement_cursor(cursor: MovementCursor) -> str:
    """Return a cursor as text for a link: the day and the id of a movement."""
    return f"{cursor.day.isoformat()}.{cursor.id}"


def read_movement_cursor(text: str) -> MovementCursor | None:
    """Return the cursor that a link contains; None if the text is not a cursor."""
    match = re.fullmatch(r"([0-9-]{10})\.([0-9]{1,18})", text)
    day = read_day(match[1]) if match else None
    return MovementCursor(day, int(match[2])) if match and day else None
