"""The filters of the list of monthly gifts: reads them from query strings, writes links."""

import re
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

from donate.finance.list_filters import ListQuery, read_typed
from donate.finance.monthly.queries import PledgeCursor, PledgeFilter
from donate.finance.monthly.words import NO_FUND_CHOSEN, STAGES
from donate.finance.movements.filters import WITHOUT_FUND
from donate.finance.words import MODE_NAMES
from donate.gifts.monthly.pledge_copy import PledgeStage
from donate.regions.modes import Mode
from donate.regions.regions import Regions
from donate.web.templating import translate

MONTHLY: Final = "/finance/monthly"
PLEDGE_FIELDS: Final = ("state", "mode", "code", "fund")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def pledge_choices(regions: Regions, language: str) -> dict[str, dict[str, str]]:
    """Return the values that each filter accepts, each with its text for staff."""
    funds = {
        key: text.in_language(language)
        for region in regions.values()
        for key, text in region.funds.items()
    }
    modes = {
        str(mode): translate(language, name)
        for mode, name in MODE_NAMES.items()
        if mode.facts.monthly
    }
    return {
        "state": {str(stage): translate(language, name) for stage, name in STAGES.items()},
        "mode": modes,
        "code": {code: code for code in regions},
        "fund": funds | {WITHOUT_FUND: translate(language, NO_FUND_CHOSEN)},
    }


def read_pledge_query(query: Mapping[str, str], regions: Regions) -> ListQuery[PledgeFilter]:
    """Read the filters from a query string. Each invalid value becomes a problem."""
    choices = pledge_choices(regions, "en-CA")
    read = read_typed(query, PLEDGE_FIELDS, choices)
    typed = {name: "" if name in read.problems else text for name, text in read.typed.items()}
    fund = typed["fund"]
    pledge_filter = PledgeFilter(
        stage=PledgeStage(typed["state"]) if typed["state"] else None,
        mode=Mode(typed["mode"]) if typed["mode"] else None,
        code=typed["code"] or None,
        fund="" if fund == WITHOUT_FUND else fund or None,
    )
    return ListQuery(MONTHLY, pledge_filter, read.typed, read.problems)


def write_pledge_cursor(cursor: PledgeCursor) -> str:
    """Return a cursor as text for a link: the stage, the microseconds since 1970, and the id."""
    moment = (cursor.started_at - _EPOCH) // timedelta(microseconds=1)
    return f"{cursor.stage}.{moment}.{cursor.id.hex}"


def read_pledge_cursor(text: str) -> PledgeCursor | None:
    """Return the cursor that a link contains; None if the text is not a cursor."""
    match = re.fullmatch(r"([a-z_]+)\.([0-9]{1,17})\.([0-9a-f]{32})", text, re.ASCII)
    if not match or match[1] not in STAGES:
        return None
    started_at = _EPOCH + timedelta(microseconds=int(match[2]))
    return PledgeCursor(PledgeStage(match[1]), started_at, uuid.UUID(match[3]))
