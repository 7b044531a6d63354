"""Fetches from Stripe what webhooks missed, stores it in the inbox, and reports differences.

A run works page by page. For each page it asks Stripe (with no database transaction open), stores
the new events and turns them into facts, compares, and saves its progress. An interrupted run
repeats its last page, which does no harm, because the inbox stores each event only once.
"""

import json
import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from sqlmodel import col, select

from donate.clock import Clock
from donate.errors import Conflict, StripeKeyRefused, StripeUnavailable
from donate.storage.database import Database
from donate.stripe_gateway.balance.listed import (
    record_listed_payouts,
    record_listed_transactions,
    tie_recent_transactions,
)
from donate.stripe_gateway.catchup.comparison import (
    Comparison,
    SyntheticEvent,
    add_totals,
    compare,
    synthetic_events,
)
from donate.stripe_gateway.catchup.lists import StripeLists
from donate.stripe_gateway.catchup.plan import EVENTS_REACH, Listing, ListRange, plan_of
from donate.stripe_gateway.catchup.runs import (
    Report,
    begin_run,
    key_mismatch_reason,
    newly_set_aside,
    report_of,
    save_run,
    still_to_settle,
    totals_as_json,
    totals_of,
    unfinished_run,
)
from donate.stripe_gateway.events.fields import is_instant
from donate.stripe_gateway.models import CatchupRun, EventSource, StripeEvent
from donate.stripe_gateway.webhooks.health import LATE_AFTER
from donate.stripe_gateway.webhooks.inbox import Arrival, Inbox
from donate.stripe_gateway.webhooks.settle import Settler

TASK: Final = "catchup"
# How long to wait for another process that is turning our fetched events into facts.
_SETTLE_TIMEOUT_S: Final = 10
# Compare and fetch twice, because the gift of an invoice's payment can be found only after the
# invoice is recorded.
_ROUNDS_TO_FETCH: Final = 2

Progress = Callable[[str], None]


class Stopped(Exception):
    """Raised when the process is stopping; the next process resumes the run."""


class Catchup:
    """Reads Stripe's lists and fetches what is missing, in one process at a time."""

    def __init__(
        self,
        database: Database,
        lists: StripeLists,
        inbox: Inbox,
        settler: Settler,
        clock: Clock,
        *,
        livemode: bool,
    ) -> None:
        self._database = database
        self._lists = lists
        self._inbox = inbox
        self._settler = settler
        self._clock = clock
        self._livemode = livemode
        self._stopping = threading.Event()

    def stop(self) -> None:
        """Stop a running catch-up before its next page, and start no other in this process."""
        self._stopping.set()

    def run(
        self, since: datetime | None = None, progress: Progress = lambda _: None
    ) -> list[Report]:
        """Resume an interrupted run, then catch up with everything until now.

        With `since`, catch up with everything from that time on. `progress` is called with each
        line to print. Return a report for each run.

        Raises Conflict when another process is running a catch-up, Stopped when this process is
        stopping, and StripeUnavailable or a related error when Stripe gives no usable answer. The
        saved progress of the run is kept after an error.
        """
        with self._database.alone(TASK) as alone:
            if not alone:
                raise Conflict("another catch-up is running; this one did nothing")
            reports = []
            now = self._clock.now()
            with self._database.reading() as session:
                mismatch = key_mismatch_reason(session, livemode=self._livemode)
                unfinished = unfinished_run(session, since, now)
            if mismatch:
                raise Conflict(mismatch)
            if unfinished:
                progress(f"resuming the catch-up that began at {unfinished.started_at:%H:%M:%S}")
                reports.append(self._finish(unfinished, progress))
            with self._database.writing() as session:
                run = begin_run(session, None if unfinished else since, self._clock.now())
            reports.append(self._finish(run, progress))
            return reports

    def _finish(self, run: CatchupRun, progress: Progress) -> Report:
        plan = plan_of(run.since, run.started_at)
        while run.stretch < len(plan):
            list_range = plan[run.stretch]
            try:
                self._take_page(run, list_range)
            except StripeKeyRefused as refused:
                if list_range.listing is Listing.EVENTS:
                    raise StripeKeyRefused(_no_permission(list_range.listing, refused)) from refused
                self._skip(run, _no_permission(list_range.listing, refused), list_range.listing)
            looked_at = f"{run.events:,} events and {run.objects:,} objects looked at"
            progress(f"{list_range.listing} since {list_range.created_from:%Y-%m-%d}: {looked_at}")
        return self._close(run)

    def _take_page(self, run: CatchupRun, list_range: ListRange) -> None:
        if self._stopping.is_set():
            raise Stopped
        asked_at = self._clock.now()
        page = self._lists.page(list_range, run.cursor, self._stopping)
        is_last = not page.has_more
        changes: dict[str, Any] = {
            "cursor": "" if is_last else page.objects[-1]["id"],
            "stretch": run.stretch + is_last,
        }
        match list_range.listing:
            case Listing.EVENTS:
                self._take_events(run, page.objects)
                changes["events"] = run.events + len(page.objects)
            case Listing.PAYOUTS:
                troubles = record_listed_payouts(self._database, page.objects, asked_at)
                changes["differing"] = run.differing | troubles
            case Listing.BALANCE:
                troubles = record_listed_transactions(self._database, page.objects, asked_at)
                changes["differing"] = run.differing | troubles
            case listing:
                changes |= self._take_objects(run, listing, page.objects)
                changes["objects"] = run.objects + len(page.objects)
        self._save(run, **changes)

    def _take_events(self, run: CatchupRun, events: Sequence[dict[str, Any]]) -> None:
        ids = [event["id"] for event in events]
        with self._database.reading() as session:
            stored_ids = set(
                session.exec(select(StripeEvent.event_id).where(col(StripeEvent.event_id).in_(ids)))
            )
        if stored_ids:
            self._settler.reclaim_foreign(list(stored_ids), EventSource.CATCHUP)
        new_events = [event for event in events if event["id"] not in stored_ids]
        late_since = self._clock.now() - LATE_AFTER
        # Save `missed_at` before storing the events. After a crash, the page is read again. If its
        # events are stored by then, they no longer count as new, and the repeated run could not
        # tell that webhooks had missed them.
        late_times = [at for at in _creation_times(new_events) if at <= late_since]
        if late_times:
            self._save(run, missed_at=max([*late_times, run.missed_at or late_times[0]]))
        self._store(run, [json.dumps(event).encode() for event in new_events])

    def _take_objects(
        self, run: CatchupRun, listing: Listing, objects: Sequence[dict[str, Any]]
    ) -> dict[str, Any]:
        """Compare Stripe's objects with the recorded facts, and store what is missing.

        Returns the new totals and differences.
        """
        events = [
            event
            for stripe_object in objects
            for event in synthetic_events(
                listing, stripe_object, run.started_at, livemode=self._livemode
            )
            if event.happened_at <= run.started_at  # the next run reads later events
        ]
        comparison = self._compare(events)
        oldest_listed = run.started_at - EVENTS_REACH
        to_fetch = [
            one for one in events if one.reading is None and one.happened_at < oldest_listed
        ]
        for _ in range(_ROUNDS_TO_FETCH):
            to_fetch += [one.event for one in comparison.discrepancies if not one.needs_staff]
            if not to_fetch:
                break
            self._store(run, [event.payload for event in to_fetch])
            comparison, to_fetch = self._compare(events), []
        return {
            "totals": totals_as_json(add_totals(totals_of(run), comparison.totals)),
            "differing": run.differing
            | {one.key: one.sentence for one in comparison.discrepancies},
        }

    def _compare(self, events: Sequence[SyntheticEvent]) -> Comparison:
        with self._database.reading() as session:
            return compare(session, events)

    def _store(self, run: CatchupRun, payloads: Sequence[bytes]) -> None:
        now = self._clock.now()
        self._inbox.store_now(*(Arrival(payload, now, EventSource.CATCHUP) for payload in payloads))
        self._settle_all(run)

    def _settle_all(self, run: CatchupRun) -> None:
        """Turn the events of this run into facts, or wait briefly while another process does it."""
        pause_s = 0.05
        for _ in range(int(_SETTLE_TIMEOUT_S / pause_s)):
            while self._settler.settle_due() and not self._stopping.is_set():
                pass
            with self._database.reading() as session:
                if not still_to_settle(session, run, self._clock.now()):
                    return
            if self._stopping.wait(pause_s):
                raise Stopped

    def _skip(self, run: CatchupRun, why: str, listing: Listing) -> None:
        self._save(
            run, stretch=run.stretch + 1, cursor="", differing=run.differing | {listing: why}
        )

    def _save(self, run: CatchupRun, **changes: Any) -> None:
        with self._database.writing() as session:
            save_run(session, run, **changes)

    def _close(self, run: CatchupRun) -> Report:
        self._settle_all(run)
        tie_recent_transactions(self._database, self._clock)
        with self._database.writing() as session:
            differing = newly_set_aside(session, run) | run.differing
            save_run(session, run, differing=differing, finished_at=self._clock.now())
            return report_of(session, run)


def _creation_times(events: Sequence[dict[str, Any]]) -> list[datetime]:
    """Return the creation times of events. Leave out malformed ones."""
    seconds = [event.get("created") for event in events]
    return [datetime.fromtimestamp(at, UTC) for at in seconds if is_instant(at)]


def _no_permission(listing: Listing, refused: StripeUnavailable) -> str:
    why = f"Stripe does not let this key read {listing} ({refused})"
    return f"{why}: see docs/operate.md for what it needs"
