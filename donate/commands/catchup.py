"""`donate catchup`: fetches from Stripe the events that webhooks missed, and prints a report."""

import re
import sys
from datetime import UTC, datetime, timedelta
from typing import Final

from donate.clock import SystemClock
from donate.errors import BadInput
from donate.settings import Settings
from donate.wiring.parts import build_parts

# Stripe has no data from before this year.
STRIPE_BEGAN: Final = datetime(2010, 1, 1, tzinfo=UTC)


def catch_up(settings: Settings, since: str | None) -> int:
    """Fetch from Stripe what is missing here, and print a report. Return 1 if anything differs.

    Raises the exceptions of `Catchup.run`.
    """
    now = SystemClock().now()
    begin = read_since(since, now) if since else None
    parts = build_parts(settings)
    try:
        parts.database.upgrade()
        reports = parts.catchup.run(begin, progress=lambda line: print(line, file=sys.stderr))
    finally:
        parts.close()
    for report in reports:
        print("\n".join(report.lines()))
    return 1 if any(report.differing for report in reports) else 0


def read_since(text: str, now: datetime) -> datetime:
    """Return the time that `--since` names: a day in UTC (`2026-03-01`) or days ago (`45d`).

    Raises BadInput.
    """
    try:
        if re.fullmatch("[0-9]{1,5}d", text):
            return max(now - timedelta(days=int(text[:-1])), STRIPE_BEGAN)
        day = datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except (ValueError, OverflowError) as error:
        message = "--since takes a day such as 2026-03-01, or a number of days such as 45d."
        raise BadInput("since", message) from error
    if day > now:
        raise BadInput("since", "--since must be a day in the past.")
    return max(day, STRIPE_BEGAN)
