"""The filters of the activity page: read from the query string, checked, written into links."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final
from urllib.parse import urlencode

from starlette.datastructures import QueryParams

from donate.clock import start_of_day
from donate.errors import N_, BadInput
from donate.finance.activity.queries import ActCursor, ActFilter
from donate.finance.activity.trail import REFUSED
from donate.finance.activity.words import ACTS
from donate.finance.list_filters import read_typed
from donate.references import is_reference, tidy_reference

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
ACTIVITY: Final = "/finance/activity"
TABS: Final = ("done", "refused")
_TEXTS: Final = ("about", "address", "from", "to")
_NOBODY: Final = "0"
"""The value of the filter `who` for the command line or, on the tab “Refused”, for strangers."""
# Maximum number of combinations of a person and a kind of action in one filter. Each combination
# needs its own query.
MOST_COMBINATIONS: Final = 60


@dataclass(frozen=True, slots=True)
class ActivityQuery:
    """The filters of the activity page, what was typed and chosen in its form, and the problems."""

    filter: ActFilter
    tab: str
    typed: Mapping[str, str]
    chosen: Mapping[str, Sequence[str]]
    problems: Mapping[str, BadInput]

    path: str = ACTIVITY

    @property
    def narrowed(self) -> bool:
        """Whether any filter is set."""
        return any(self.typed.values()) or any(self.chosen.values())

    def link(self, **more: str) -> str:
        """Return a link to the page with the same filters, and with the query parameters `more`."""
        query = [(name, value) for name, values in self.chosen.items() for value in values]
        query += [*self.typed.items(), *({"tab": self.tab} | more).items()]
        query = [pair for pair in query if pair[1] and pair != ("tab", TABS[0])]
        return f"{ACTIVITY}?{urlencode(query)}" if query else ACTIVITY


def read_activity_query(
    query: QueryParams, staff_ids: Sequence[int], time_zone: str
) -> ActivityQuery:
    """Read the filters from a query string. Each invalid value becomes a problem."""
    read = read_typed(query, _TEXTS, {})
    problems = dict(read.problems)
    tab = query.get("tab", TABS[0])
    if tab not in TABS:
        problems["page"] = BadInput("page", N_("This link is incomplete."))
        tab = TABS[0]
    people = {_NOBODY, *map(str, staff_ids)}
    who, kinds = _chosen(query, "who"), _chosen(query, "kind") if tab == "done" else []
    for name, values, allowed in (("who", who, people), ("kind", kinds, ACTS.keys() - {REFUSED})):
        if not set(values) <= allowed:
            problems[name] = BadInput(name, N_("Please choose from the list."))
    if max(len(who), 1) * max(len(kinds), 1) > MOST_COMBINATIONS:
        problems["kind"] = BadInput("kind", N_("Please choose fewer people or fewer actions."))
    about = read.typed["about"]
    act_filter = ActFilter(
        is_refused=tab == "refused",
        staff_ids=[int(each) or None for each in who] if "who" not in problems else (),
        acts=kinds,
        about=tidy if is_reference(tidy := tidy_reference(about)) else about,
        address=read.typed["address"],
        since=_start_of(read.first_day, 0, time_zone),
        until=_start_of(read.last_day, 1, time_zone),
    )
    chosen = {"who": who, "kind": kinds}
    return ActivityQuery(act_filter, tab, read.typed, chosen, problems)


def _start_of(day: date | None, days_later: int, time_zone: str) -> datetime | None:
    """Return the start of the day that is `days_later` after `day`; None if `day` is None."""
    return start_of_day(day + timedelta(days=days_later), time_zone) if day else None


def _chosen(query: QueryParams, name: str) -> list[str]:
    return list(dict.fromkeys(value[:64] for value in query.getlist(name) if value))[:100]


def write_act_cursor(cursor: ActCursor) -> str:
    """Return a cursor as text for a link: the time in microseconds, and the entry's id."""
    return f"{(cursor.happened_at - _EPOCH) // timedelta(microseconds=1)}.{cursor.id}"


def read_act_cursor(text: str) -> ActCursor | None:
    """Return the cursor that a link contains; None if the text is not a cursor."""
    match = re.fullmatch(r"([0-9]{1,17})\.([0-9]{1,18})", text, re.ASCII)
    if match is None:
        return None
    return ActCursor(_EPOCH + timedelta(microseconds=int(match[1])), int(match[2]))
