"""What all staff lists with filters share: reading, checking and linking to filters."""

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final, Generic, TypeVar
from urllib.parse import urlencode

from donate.clock import read_day
from donate.errors import N_, BadInput, Msgid

MAX_TYPED: Final = 64
Filter = TypeVar("Filter")


@dataclass(frozen=True, slots=True)
class TypedFilters:
    """The text typed into the filters of a list, the two dates in it, and the problems found."""

    typed: Mapping[str, str]
    first_day: date | None
    last_day: date | None
    problems: Mapping[str, BadInput]


@dataclass(frozen=True, slots=True)
class ListQuery(Generic[Filter]):
    """The filters of the list at `path`, the text that was typed, and the problems found in it."""

    path: str
    filter: Filter
    typed: Mapping[str, str]
    problems: Mapping[str, BadInput]

    @property
    def narrowed(self) -> bool:
        """Whether any filter is set."""
        return any(self.typed.values())

    def link(self, **more: str) -> str:
        """Return a link to the list with the same filters, and with the query parameters `more`."""
        query = {name: value for name, value in self.typed.items() if value} | more
        return f"{self.path}?{urlencode(query)}" if query else self.path


def read_typed(
    query: Mapping[str, str], fields: Sequence[str], choices: Mapping[str, Mapping[str, str]]
) -> TypedFilters:
    """Read the filters from a query string. Each invalid value becomes a problem.

    `choices` has, for each field with a fixed set of values, the values that it accepts, each with
    its text for staff. The fields `from` and `to`, if they exist, contain dates.
    """
    typed = {name: query.get(name, "").strip()[:MAX_TYPED] for name in fields}
    problems = {
        name: not_in_list(name, typed[name], options)
        for name, options in choices.items()
        if typed[name] and typed[name] not in options
    }
    first, last = read_day(typed.get("from", "")), read_day(typed.get("to", ""))
    for name, day in (("from", first), ("to", last)):
        if typed.get(name) and day is None:
            problems[name] = BadInput(name, N_("Please enter a date such as 2026-03-31."))
    if first and last and first > last:
        problems["to"] = BadInput("to", N_("This is before the first date."))
    return TypedFilters(typed, first, last, problems)


def not_in_list(name: str, typed: str, options: Mapping[str, str]) -> BadInput:
    """Return the problem that a filter has no such value. It names a similar one, if there is one.

    `options` has the values that the filter accepts, each with its text for staff.
    """
    near = difflib.get_close_matches(typed.lower(), [key.lower() for key in options], 1, 0.55)
    meant = next((text for key, text in options.items() if [key.lower()] == near), None)
    if meant:
        message = N_("“%(typed)s” isn’t in the list. Did you mean “%(meant)s”?")
        return BadInput(name, message, {"typed": typed, "meant": Msgid(meant)})
    return BadInput(name, N_("“%(typed)s” isn’t in the list."), {"typed": typed})


def this_and_last_month(today: date) -> list[dict[str, str]]:
    """Return the fields `from` and `to` for this month up to today, and the same for last month."""
    first = today.replace(day=1)
    last_of_before = first - timedelta(days=1)
    return [
        {"from": start.isoformat(), "to": end.isoformat()}
        for start, end in ((first, today), (last_of_before.replace(day=1), last_of_before))
    ]
