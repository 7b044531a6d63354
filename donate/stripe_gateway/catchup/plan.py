"""Plans which of Stripe's lists a catch-up reads, in order, and how far back each goes.

`begin_run` in `runs.py` decides since when; some lists need a longer time than that.

Pure: a resumed run gets the same plan. Stripe lists events for thirty days. Older changes show only
on the objects. Every run also reads objects, to compare Stripe's money with the recorded money.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

# Stripe lists 30 days of events. Read 29 days, so that the oldest events are still listed when a
# run that takes some hours reads them.
EVENTS_REACH: Final = timedelta(days=29)
# Read the events of one day, then those of the next. Stripe lists the newest event first, so in a
# longer slice a refund would often come before its payment.
SLICE: Final = timedelta(days=1)
# An interrupted run is resumed up to this age. If it is older, a new run begins instead.
RESUMED_WITHIN: Final = timedelta(hours=12)


class Listing(StrEnum):
    """One of Stripe's lists, or a part of one."""

    EVENTS = "events"
    PAID_SESSIONS = "completed checkout sessions"
    EXPIRED_SESSIONS = "expired checkout sessions"
    INVOICES = "paid invoices"
    SUBSCRIPTIONS = "subscriptions"
    REFUNDS = "refunds"
    DISPUTES = "disputes"
    PAYOUTS = "payouts"
    BALANCE = "balance transactions"


# How long after its creation an object may still change: the bank debit of a session arrives, a
# refund fails, a dispute ends. If Stripe no longer lists some events since the run's `since`, the
# run also reads the objects that were created up to this long before `since`.
_STILL_CHANGES: Final = {
    # Read invoices before sessions: only the invoice says when a pledge's first month was paid.
    Listing.INVOICES: timedelta(days=45),
    Listing.SUBSCRIPTIONS: timedelta(days=3650),
    Listing.PAID_SESSIONS: timedelta(days=15),
    Listing.EXPIRED_SESSIONS: timedelta(days=2),
    Listing.REFUNDS: timedelta(days=45),
    Listing.DISPUTES: timedelta(days=180),
    # A payout may fail five business days after it was paid, and its trace id may come ten days
    # after it: https://docs.stripe.com/api/payouts/object
    Listing.PAYOUTS: timedelta(days=30),
    Listing.BALANCE: timedelta(days=2),  # a balance transaction never changes
}
# Every run reads as many days of these objects as _STILL_CHANGES says. Disputes are few and change
# for months: an inquiry becomes a chargeback, an outcome is revised. Payouts are few, and no event
# says that a payout got its trace id.
_ALWAYS_FAR_BACK: Final = frozenset({Listing.DISPUTES, Listing.PAYOUTS})
# Read these objects only when their events are too old to list.
_ONLY_WHEN_OLD: Final = frozenset({Listing.EXPIRED_SESSIONS, Listing.SUBSCRIPTIONS})
# Every run reads the objects that were created up to this long before `since`, because a session
# may be paid up to a day after its creation.
_MIN_REACH: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class ListRange:
    """The part of a list whose objects were created between two times; None means now."""

    listing: Listing
    created_from: datetime
    created_before: datetime | None = None


def plan_of(since: datetime, started_at: datetime) -> tuple[ListRange, ...]:
    """Return the ranges to read, in order, to find everything that happened since `since`."""
    oldest_event = started_at - EVENTS_REACH
    is_old = since < oldest_event
    plan: list[ListRange] = []
    start = max(since, oldest_event)
    while start < started_at:
        end = start + SLICE
        plan.append(ListRange(Listing.EVENTS, start, end if end < started_at else None))
        start = end
    listings = [listing for listing in _STILL_CHANGES if is_old or listing not in _ONLY_WHEN_OLD]
    for listing in listings:
        is_far = is_old or listing in _ALWAYS_FAR_BACK
        plan.append(ListRange(listing, since - (_STILL_CHANGES[listing] if is_far else _MIN_REACH)))
    return tuple(plan)
