"""The filters of the movements page: read from the query string, checked, written into links."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Final
from urllib.parse import urlencode

from donate.errors import BadInput
from donate.finance.gifts.filters import MAX_TYPED
from donate.finance.movements.queries import MovementCursor
from donate.finance.movements.words import MOVEMENT_KINDS, NO_FUND
from donate.finance.transfers.rules import read_day
from donate.finance.words import LANGUAGE, MODE_NAMES
from donate.gifts.movements.models import Subject
from donate.gifts.movements.totals import TotalFilter
from donate.regions.regions import Regions

MOVEMENTS: Final = "/finance/movements"
MOVEMENT_FIELDS: Final = ("kind", "mode", "code", "fund", "currency", "from", "to")
WITHOUT_FUND: Final = "-"
"""The value of the filter `fund` for gifts without a fund. It cannot be the key of a fund."""


@dataclass(frozen=True, slots=True)
class MovementQuery:
    """The filters of the movements page, the text that was typed, and the problems found in it."""

    filter: TotalFilter
    typed: Mapping[str, str]
    problems: Mapping[str, BadInput] = field(default_factory=dict)

    @property
    def narrowed(self) -> bool:
        """Whether any filter is set."""
        return any(self.typed.values())

    def link(self, **more: str) -> str:
        """Return a link to the page with the same filters, and with the parameters `more`."""
        query = {name: value for name, value in self.typed.items() if value} | more
        return f"{MOVEMENTS}?{urlencode(query)}" if query else MOVEMENTS


def movement_choices(regions: Regions) -> dict[str, dict[str, str]]:
    """Return the values that each filter accepts, with the words in which staff read them."""
    language = LANGUAGE.partition("-")[0]
    funds = {
        key: getattr(text, language)
        for region in regions.values()
        for key, text in region.funds.items()
    }
    return {
        "kind": dict(MOVEMENT_KINDS),
        "mode": {str(mode): name for mode, name in MODE_NAMES.items()},
        "code": {code: code for code in regions},
        "fund": funds | {WITHOUT_FUND: NO_FUND},
        "currency": {each: each for each in sorted({r.currency for r in regions.values()})},
    }


def read_movement_query(query: Mapping[str, str], regions: Regions) -> MovementQuery:
    """Read the filters from a query string. Each invalid value becomes a problem."""
    typed = {name: query.get(name, "").strip()[:MAX_TYPED] for name in MOVEMENT_FIELDS}
    problems: dict[str, BadInput] = {}
    for name, allowed in movement_choices(regions).items():
        if typed[name] and typed[name] not in allowed:
            problems[name] = BadInput(name, f"Please choose a {name} from the list.")
    days: dict[str, date | None] = {}
    for name in ("from", "to"):
        days[name] = read_day(typed[name])
        if typed[name] and days[name] is None:
            problems[name] = BadInput(name, "Please enter a date such as 2026-03-31.")
    first, last = days["from"], days["to"]
    if first and last and first > last:
        problems["to"] = BadInput("to", "This is before the first date.")
    fund = typed["fund"]
    movement_filter = TotalFilter(
        Subject.MOVEMENT,
        first_day=first,
        last_day=last,
        kinds=_only(typed["kind"]),
        currencies=_only(typed["currency"]),
        codes=_only(typed["code"]),
        modes=_only(typed["mode"]),
        funds=("",) if fund == WITHOUT_FUND else _only(fund),
    )
    return MovementQuery(movement_filter, typed, problems)


def _only(value: str) -> Sequence[str]:
    return (value,) if value else ()


def movement_months(today: date, query: MovementQuery) -> list[tuple[str, str]]:
    """Return a label and a link for this month and last month; other filters stay."""
    first = today.replace(day=1)
    before = (first - timedelta(days=1)).replace(day=1)
    return [
        ("This month", _days(query, first, today)),
        ("Last month", _days(query, before, first - timedelta(days=1))),
    ]


def _days(query: MovementQuery, first: date, last: date) -> str:
    return query.link(**{"from": first.isoformat(), "to": last.isoformat()})


def write_movement_cursor(cursor: MovementCursor) -> str:
    """Return a cursor as text for a link: the day and the number of a movement."""
    return f"{cursor.day.isoformat()}.{cursor.id}"


def read_movement_cursor(text: str) -> MovementCursor | None:
    """Return the cursor that a link contains; None if the text is not a cursor."""
    match = re.fullmatch(r"([0-9-]{10})\.([0-9]{1,18})", text)
    day = read_day(match[1]) if match else None
    return MovementCursor(day, int(match[2])) if match and day else None
