"""The filters of the gift list: read from the query string, checked, and written into links."""

import re
import uuid
from collections.abc import Collection, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Final
from urllib.parse import urlencode

from donate.finance.list_filters import ListQuery, read_typed, this_and_last_month
from donate.finance.words import MODE_NAMES, STATUSES
from donate.gifts.queries import Cursor, DateOf, GiftFilter
from donate.gifts.status import StatusName
from donate.regions.modes import Mode

GIFTS: Final = "/finance/gifts"
FIELDS: Final = ("status", "mode", "code", "by", "from", "to")
# At the end of a month, staff filter by the day the money came; otherwise by the day a gift began.
DATES: Final[Mapping[str, DateOf]] = {"received": "received", "chosen": "chosen"}
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def read_query(query: Mapping[str, str], codes: list[str]) -> ListQuery[GiftFilter]:
    """Read the filters from a query string. Each invalid value becomes a problem."""
    choices: dict[str, Collection[str]] = {
        "status": STATUSES,
        "mode": MODE_NAMES,
        "code": codes,
        "by": DATES,
    }
    read = read_typed(query, FIELDS, choices)
    typed = read.typed
    gift_filter = GiftFilter(
        status=StatusName(typed["status"]) if typed["status"] in STATUSES else None,
        mode=Mode(typed["mode"]) if typed["mode"] in MODE_NAMES else None,
        code=typed["code"] or None,
        by=DATES.get(typed["by"], "chosen"),
        first_day=read.first_day,
        last_day=read.last_day,
    )
    return ListQuery(GIFTS, gift_filter, typed, read.problems)


def months(today: date) -> list[tuple[str, str]]:
    """Return a label and a link for the gifts received this month, and for last month's."""
    links = (
        f"{GIFTS}?{urlencode({'by': 'received'} | days)}" for days in this_and_last_month(today)
    )
    return list(zip(("Received this month", "Received last month"), links, strict=True))


def write_cursor(cursor: Cursor) -> str:
    """Return a cursor as text for a link: microseconds since 1970, and the gift's id."""
    return f"{(cursor.opened_at - _EPOCH) // timedelta(microseconds=1)}-{cursor.id.hex}"


def read_cursor(text: str) -> Cursor | None:
    """Return the cursor that a link contains; None if the text is not a cursor."""
    match = re.fullmatch(r"([0-9]{1,17})-([0-9a-f]{32})", text)
    if not match:
        return None
    return Cursor(_EPOCH + timedelta(microseconds=int(match[1])), uuid.UUID(match[2]))
