"""The filters of the list of payouts: read from the query string, written into links."""

import re
from collections.abc import Mapping, Sequence
from typing import Final

from donate.clock import read_day
from donate.finance.list_filters import ListQuery, read_typed
from donate.finance.payouts.queries import PayoutCursor, PayoutFilter
from donate.finance.payouts.words import PAYOUT_STATUSES, TIED
from donate.web.languages import LANGUAGES
from donate.web.templating import Localizer

PAYOUTS_PAGE: Final = "/finance/payouts"
PAYOUT_FIELDS: Final = ("currency", "status", "tied", "from", "to")


def payout_choices(currencies: Sequence[str], language: str) -> dict[str, dict[str, str]]:
    """Return the values that each filter accepts, with the words in which staff read them."""
    _ = Localizer(language)
    return {
        "currency": {each: each for each in currencies},
        "status": {status: _(name) for status, name in PAYOUT_STATUSES.items()},
        "tied": {value: _(name) for value, name in TIED.items()},
    }


def read_payout_query(
    query: Mapping[str, str], currencies: Sequence[str]
) -> ListQuery[PayoutFilter]:
    """Read the filters from a query string. Each invalid value becomes a problem."""
    read = read_typed(query, PAYOUT_FIELDS, payout_choices(currencies, LANGUAGES[0]))
    typed = read.typed
    filters = PayoutFilter(
        currency=typed["currency"],
        status=typed["status"],
        tied=typed["tied"],
        first_day=read.first_day,
        last_day=read.last_day,
    )
    return ListQuery(PAYOUTS_PAGE, filters, typed, read.problems)


def write_payout_cursor(cursor: PayoutCursor) -> str:
    """Return a cursor as text for a link: the day and the number of a payout."""
    return f"{cursor.day.isoformat()}.{cursor.id}"


def read_payout_cursor(text: str) -> PayoutCursor | None:
    """Return the cursor that a link contains; None if the text is not a cursor."""
    match = re.fullmatch(r"([0-9-]{10})\.([0-9]{1,18})", text)
    day = read_day(match[1]) if match else None
    return PayoutCursor(day, int(match[2])) if match and day else None
