"""Starts, resumes and saves catch-up runs, and reports what they found."""

from collections import Counter
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import delete, update
from sqlmodel import Session, col, func, select

from donate.errors import Conflict
from donate.gifts.models import Gift
from donate.money import Money
from donate.storage.bulk_writes import count_changed
from donate.stripe_gateway.catchup.comparison import ListedTotal, Totals
from donate.stripe_gateway.catchup.plan import RESUMED_WITHIN
from donate.stripe_gateway.models import (
    CatchupRun,
    EventSource,
    EventState,
    OpenCheckout,
    StripeEvent,
)

# Each run also covers the hour before the last run began, because Stripe's lists lag behind, and
# clocks differ.
OVERLAP: Final = timedelta(hours=1)
KEPT_FOR: Final = timedelta(days=90)
_MAX_SENTENCES: Final = 20


@dataclass(frozen=True, slots=True)
class Report:
    """What one catch-up found.

    `missing` counts events that were not in the inbox, and `by_state` counts the same events by
    their present state. `totals` are in minor units, by currency. `differing` has a sentence for
    each gift or object for which Stripe and our records differ.
    """

    since: datetime
    events: int
    objects: int
    missing: int
    by_state: dict[EventState, int]
    totals: Totals
    differing: dict[str, str]

    def lines(self) -> list[str]:
        """Return the report in sentences."""
        missing = f"{self.missing:,} were missing"
        waiting = self.by_state.get(EventState.WAITING, 0)
        if self.missing:
            missing += f", {waiting:,} of them wait" if waiting else ", now settled"
        looked_at = f"{self.events:,} events and {self.objects:,} payments, refunds and disputes"
        sentences = [f"looked at {looked_at}; {missing}; {len(self.differing):,} differ."]
        for currency, total in sorted(self.totals.items()):
            listed = Money(total.listed, currency).decimal
            recorded = Money(total.recorded, currency).decimal
            sentences.append(
                f"Stripe lists {listed:,} {currency} in {total.payments:,} payments; "
                f"{recorded:,} {currency} of it are recorded."
            )
        foreign = self.by_state.get(EventState.FOREIGN, 0)
        if foreign:
            sentences.append(
                f"{foreign:,} belong to another account, or to the other of test and live."
            )
        differing = sorted(self.differing.values())
        sentences += differing[:_MAX_SENTENCES]
        if len(differing) > _MAX_SENTENCES:
            sentences.append(f"… and {len(differing) - _MAX_SENTENCES:,} more.")
        return sentences


def unfinished_run(session: Session, since: datetime | None, now: datetime) -> CatchupRun | None:
    """Return the run that was interrupted recently, if it covers the time from `since` on."""
    newest = session.exec(select(CatchupRun).order_by(col(CatchupRun.id).desc()).limit(1))
    run = newest.one_or_none()
    if run is None or run.finished_at or now - run.started_at > RESUMED_WITHIN:
        return None
    return run if since is None or run.since <= since else None


def last_finished_run(session: Session) -> CatchupRun | None:
    """Return the most recent run that finished."""
    finished = select(CatchupRun).where(col(CatchupRun.finished_at).is_not(None))
    return session.exec(finished.order_by(col(CatchupRun.id).desc()).limit(1)).one_or_none()


def begin_run(session: Session, since: datetime | None, now: datetime) -> CatchupRun:
    """Add a run that leaves no gap after the last run; `since` can only make it begin earlier."""
    start = _last_start(session, now) - OVERLAP
    _delete_old_runs(session, now)
    run = CatchupRun(
        since=min(start, since) if since else start,
        started_at=now,
        inbox_before=session.exec(select(func.max(col(StripeEvent.id)))).one() or 0,
    )
    session.add(run)
    session.flush()
    return run


def save_run(session: Session, run: CatchupRun, **changes: Any) -> None:
    """Save the progress of a run. Raises Conflict when another process has continued it."""
    pages = run.pages + 1
    unchanged = (col(CatchupRun.id) == run.id, col(CatchupRun.pages) == run.pages)
    statement = update(CatchupRun).where(*unchanged).values(**changes, pages=pages)
    if not count_changed(session, statement):
        raise Conflict("another catch-up has continued this one")
    for name, value in (changes | {"pages": pages}).items():
        setattr(run, name, value)


def report_of(session: Session, run: CatchupRun) -> Report:
    """Return what a run found, with the present state of the missing events."""
    states = session.exec(
        select(col(StripeEvent.state), func.count())
        .where(col(StripeEvent.id) > run.inbox_before, StripeEvent.source == EventSource.CATCHUP)
        .group_by(StripeEvent.state)
    )
    by_state = Counter(dict(states.all()))
    return Report(
        since=run.since,
        events=run.events,
        objects=run.objects,
        missing=by_state.total(),
        by_state=dict(by_state),
        totals=totals_of(run),
        differing=run.differing,
    )


def totals_of(run: CatchupRun) -> dict[str, ListedTotal]:
    """Return the totals of a run until now."""
    return {currency: ListedTotal(**total) for currency, total in run.totals.items()}


def totals_as_json(totals: Totals) -> dict[str, dict[str, int]]:
    """Return totals in the form in which a run stores them."""
    return {currency: asdict(total) for currency, total in totals.items()}


def newly_set_aside(session: Session, run: CatchupRun) -> dict[str, str]:
    """Return a sentence for each event that was set aside and that arrived since this run began."""
    rows = session.exec(
        select(StripeEvent.event_id, StripeEvent.type, StripeEvent.reason, StripeEvent.gift_id)
        .where(col(StripeEvent.id) > run.inbox_before, StripeEvent.state == EventState.SET_ASIDE)
        .order_by(col(StripeEvent.id))
    )
    return {
        str(gift_id or event_id): f"{event_id} ({kind}) was set aside: {reason}."
        for event_id, kind, reason, gift_id in rows
    }


def still_to_settle(session: Session, run: CatchupRun, now: datetime) -> bool:
    """Return whether an event that this run fetched still waits to be processed."""
    unprocessed = select(StripeEvent.id).where(
        col(StripeEvent.id) > run.inbox_before,
        StripeEvent.source == EventSource.CATCHUP,
        StripeEvent.state == EventState.WAITING,
        col(StripeEvent.due_at) <= now,
    )
    return session.exec(unprocessed.limit(1)).one_or_none() is not None


def key_mismatch_reason(session: Session, *, livemode: bool) -> str | None:
    """Return a warning if our API key is live and our gifts are tests, or vice versa."""
    statement = (
        select(OpenCheckout.session_id).order_by(col(OpenCheckout.opened_at).desc()).limit(1)
    )
    session_id = session.exec(statement).one_or_none() or ""
    ours, other = ("live", "test") if livemode else ("test", "live")
    if not session_id.startswith(f"cs_{other}_"):
        return None
    return (
        f"STRIPE_SECRET_KEY is a {ours} key, and the gifts in this database were made with a "
        f"{other} key; nothing was fetched"
    )


def _delete_old_runs(session: Session, now: datetime) -> None:
    # A run takes place every hour, and each staff page reads all runs. So delete old runs.
    last = last_finished_run(session)
    if last:
        session.execute(
            delete(CatchupRun).where(
                col(CatchupRun.id) < last.id, col(CatchupRun.started_at) < now - KEPT_FOR
            )
        )


def _last_start(session: Session, now: datetime) -> datetime:
    last = last_finished_run(session)
    if last:
        return last.started_at
    first_gift: datetime | None = session.exec(select(func.min(col(Gift.opened_at)))).one()
    return first_gift or now
