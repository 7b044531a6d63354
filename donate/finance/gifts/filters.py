"""The filters of the gift list: read from the query string, checked, and written into links."""

import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Final
from urllib.parse import urlencode

from donate.errors import BadInput
from donate.finance.transfers.rules import read_day
from donate.finance.words import MODE_NAMES, STATUSES
from donate.gifts.queries import Cursor, DateOf, GiftFilter
from donate.gifts.status import StatusName
from donate.regions.modes import Mode

FIELDS: Final = ("status", "mode", "code", "by", "from", "to")
# At the end of a month, staff filter by the day the money came; otherwise by the day a gift began.
DATES: Final[Mapping[str, DateOf]] = {"received": "received", "chosen": "chosen"}
MAX_TYPED: Final = 64
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class GiftQuery:
    """The filters of the gift list, the text that was typed, and the problems found in the text."""

    filter: GiftFilter
    typed: Mapping[str, str]
    problems: Mapping[str, BadInput] = field(default_factory=dict)

    @property
    def narrowed(self) -> bool:
        """Whether any filter is set."""
        return any(self.typed.values())

    def link(self, **more: str) -> str:
        """Return a link to the list with the same filters, and with the parameters `more`."""
        query = {name: value for name, value in self.typed.items() if value} | more
        return f"/finance/gifts?{urlencode(query)}" if query else "/finance/gifts"


def read_query(query: Mapping[str, str], codes: list[str]) -> GiftQuery:
    """Read the filters from a query string. Each invalid value becomes a problem."""
    typed = {name: query.get(name, "").strip()[:MAX_TYPED] for name in FIELDS}
    problems: dict[str, BadInput] = {}
    choices = (
        ("status", list(STATUSES)),
        ("mode", list(MODE_NAMES)),
        ("code", codes),
        ("by", list(DATES)),
    )
    for name, allowed in choices:
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
    gift_filter = GiftFilter(
        status=StatusName(typed["status"]) if typed["status"] in STATUSES else None,
        mode=Mode(typed["mode"]) if typed["mode"] in MODE_NAMES else None,
        code=typed["code"] or None,
        by=DATES.get(typed["by"], "chosen"),
        first_day=first,
        last_day=last,
    )
    return GiftQuery(gift_filter, typed, problems)


def months(today: date) -> list[tuple[str, str]]:
    """Return a label and a link for the gifts received this month, and for last month's."""
    first = today.replace(day=1)
    before = (first - timedelta(days=1)).replace(day=1)
    return [
        ("Received this month", _days(first, today)),
        ("Received last month", _days(before, first - timedelta(days=1))),
    ]


def _days(first: date, last: date) -> str:
    query = {"by": "received", "from": first.isoformat(), "to": last.isoformat()}
    return "/finance/gifts?" + urlencode(query)


def write_cursor(cursor: Cursor) -> str:
    """Return a cursor as text for a link: microseconds since 1970, and the gift's id."""
    return f"{(cursor.opened_at - _EPOCH) // timedelta(microseconds=1)}-{cursor.id.hex}"


def read_cursor(text: str) -> Cursor | None:
    """Return the cursor that a link contains; None if the text is not a cursor."""
    match = re.fullmatch(r"([0-9]{1,17})-([0-9a-f]{32})", text)
    if not match:
        return None
    return Cursor(_EPOCH + timedelta(microseconds=int(match[1])), uuid.UUID(match[2]))
