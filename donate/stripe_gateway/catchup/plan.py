"""Plans which of Stripe's lists a catch-up reads, in order, and how far back each goes.

`begin_run` in `runs.py` decides from which time on to catch up. Some lists have to be read from an
earlier time.

Pure: a resumed run gets the same plan. Stripe lists events for thirty days, so older changes can
only be seen in the objects. Every run also reads objects, to compare Stripe's money with the
recorded money.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

# Stripe lists 30 days of events. Read 29 days, so that the oldest events are still listed when a
# run that takes some hours reads them.
EVENTS_REACH: Final = timedelta(days=29)
# Read the events of one day, then those of the next. Stripe lists the newest event first. With
# longer periods, a refund would often come before its payment.
SLICE: Final = timedelta(days=1)
# The maximum age at which an interrupted run is resumed. If it is older, a new run begins instead.
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
# refund fails, a dispute ends. If some events since the run's `since` are too old for Stripe's
# list, the run reads all objects that were created up to this long before `since`.
_STILL_CHANGES: Final = {
    # Read invoices before sessions: only the invoice says when a pledge's first payment succeeded.
    Listing.INVOICES: timedelta(days=45),
    Listing.SUBSCRIPTIONS: timedelta(days=3650),
    Listing.PAID_SESSIONS: timedelta(days=15),
    Listing.EXPIRED_SESSIONS: timedelta(days=2),
    Listing.REFUNDS: timedelta(days=45),
    Listing.DISPUTES: timedelta(days=180),
    # A payout may fail five business days after it was paid, and its trace id may arrive ten days
    # after it was paid: https://docs.stripe.com/api/payouts/object
    Listing.PAYOUTS: timedelta(days=30),
    Listing.BALANCE: timedelta(days=2),  # a balance transaction never changes
}
# Every run reads these objects as far back as _STILL_CHANGES says. Disputes are few and change for
# months: an inquiry becomes a chargeback, or an outcome is revised. Payouts are few, and no event
# reports that a payout got its trace id.
_ALWAYS_FAR_BACK: Final = frozenset({Listing.DISPUTES, Listing.PAYOUTS})
# Read these objects only if some of their events are too old for Stripe's list.
_ONLY_WHEN_OLD: Final = frozenset({Listing.EXPIRED_SESSIONS, Listing.SUBSCRIPTIONS})
# Every run reads the objects that were created up to this long before `since`, because a session
# may be paid up to a day after its creation.
_MIN_REACH: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class ListRange:
    """The part of a list with the objects created between two times. None means until now."""

    listing: Listing
    created_from: datetime
    created_before: datetime | None = None


def plan_of(since: datetime, started_at: datetime) -> tuple[ListRange, ...]:
    """Return the parts of lists to read, in order, to find everything since the time `since`."""
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
