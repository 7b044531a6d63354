"""What one catch-up looks at, in order, and how far back. Pure: the same again when it is resumed.

Stripe tells events for thirty days. What is older is seen on the objects themselves, which also
say, each time, whether the money that Stripe lists is the money that is recorded here.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

# A day less than Stripe promises, so that a run which takes hours loses nothing at its beginning.
EVENTS_REACH: Final = timedelta(days=29)
# Stripe's list may lag behind, and clocks differ: each run begins before the last one did.
OVERLAP: Final = timedelta(hours=1)
# Payments before refunds, mostly: a day of events at a time, and the newest first within it.
SLICE: Final = timedelta(days=1)
# A run that was broken off goes on where it was, unless it is so old that a new one is better.
RESUMED_WITHIN: Final = timedelta(hours=12)


class Listing(StrEnum):
    """One of Stripe's lists, and which part of it."""

    EVENTS = "events"
    PAID_SESSIONS = "completed checkout sessions"
    EXPIRED_SESSIONS = "expired checkout sessions"
    INVOICES = "paid invoices"
    SUBSCRIPTIONS = "subscriptions"
    REFUNDS = "refunds"
    DISPUTES = "disputes"


# How long after its creation an object may still change in a way that counts, where no event is
# left to tell: a session and its bank debit, a failing refund, a dispute before its end.
_STILL_CHANGES: Final = {
    # Before the sessions: of a pledge's first month, only the invoice says when it was paid.
    Listing.INVOICES: timedelta(days=45),
    Listing.SUBSCRIPTIONS: timedelta(days=3650),
    Listing.PAID_SESSIONS: timedelta(days=15),
    Listing.EXPIRED_SESSIONS: timedelta(days=2),
    Listing.REFUNDS: timedelta(days=45),
    Listing.DISPUTES: timedelta(days=180),
}
# Disputes are few, and change for months: an inquiry becomes a chargeback, an end is revised. They
# are always looked at so far back, whatever the events say.
_ALWAYS_THIS_FAR: Final = frozenset({Listing.DISPUTES})
# What only events would tell is looked at as an object when it is too old for them.
_ONLY_WHEN_OLD: Final = frozenset({Listing.EXPIRED_SESSIONS, Listing.SUBSCRIPTIONS})
# A session lives for a day before it is paid.
_ALWAYS_BACK: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class ListRange:
    """A piece of one list: what was created from here, and before there (None: until now)."""

    listing: Listing
    created_from: datetime
    created_before: datetime | None = None


def plan_of(since: datetime, started_at: datetime) -> tuple[ListRange, ...]:
    """Return what to look at, in order, to know all that happened from `since` on."""
    reach = started_at - EVENTS_REACH
    is_old = since < reach
    plan: list[ListRange] = []
    begin = max(since, reach)
    while begin < started_at:
        end = begin + SLICE
        plan.append(ListRange(Listing.EVENTS, begin, end if end < started_at else None))
        begin = end
    objects = [listing for listing in _STILL_CHANGES if is_old or listing not in _ONLY_WHEN_OLD]
    for listing in objects:
        is_far = is_old or listing in _ALWAYS_THIS_FAR
        plan.append(
            ListRange(listing, since - (_STILL_CHANGES[listing] if is_far else _ALWAYS_BACK))
        )
    return tuple(plan)
