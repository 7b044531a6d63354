"""Fetches what Stripe has and we do not, into the same inbox, and says what differs.

Page by page: ask (no transaction open), store what is new, settle it, compare, and write down how
far we are. Broken off between any two of these, the page is looked at again, which changes nothing.
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
    SOURCE,
    Report,
    begin_run,
    newly_set_aside,
    report_of,
    save_run,
    still_to_settle,
    unfinished_run,
    why_another_mode,
)
from donate.stripe_gateway.events.fields import is_instant
from donate.stripe_gateway.models import CatchupRun, StripeEvent
from donate.stripe_gateway.webhooks.health import LATE_AFTER
from donate.stripe_gateway.webhooks.inbox import Arrival, Inbox
from donate.stripe_gateway.webhooks.settle import Settler

TASK: Final = "catchup"
# Another process may be settling what we fetched; it is done in moments.
_SETTLED_WITHIN_S: Final = 10
# Whose an invoice's payment is, is known only when the invoice is recorded.
_ROUNDS_TO_FETCH: Final = 2

Tell = Callable[[str], None]


class Stopped(Exception):
    """The process is being ended; the run goes on with the next one."""


class Catchup:
    """Looks through what Stripe lists. One process at a time."""

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
        """Break off before the next page, for good."""
        self._stopping.set()

    def run(self, since: datetime | None = None, tell: Tell = lambda _: None) -> list[Report]:
        """Go on with a run that was broken off, then catch up with everything until now.

        `since` makes it reach further back than it would. Returns a report for each run.

        Raises Conflict when another process is at it, Stopped, and StripeUnavailable or its kin
        when Stripe gives no usable answer; what was done until then stays done.
        """
        with self._database.alone(TASK) as alone:
            if not alone:
                raise Conflict("another catch-up is running; this one has left everything to it")
            reports = []
            now = self._clock.now()
            with self._database.reading() as session:
                why = why_another_mode(session, livemode=self._livemode)
                unfinished = unfinished_run(session, since, now)
            if why:
                raise Conflict(why)
            if unfinished:
                tell(f"going on with the catch-up that began at {unfinished.started_at:%H:%M:%S}")
                reports.append(self._finish(unfinished, tell))
            with self._database.writing() as session:
                run = begin_run(session, None if unfinished else since, self._clock.now())
            reports.append(self._finish(run, tell))
            return reports

    def _finish(self, run: CatchupRun, tell: Tell) -> Report:
        plan = plan_of(run.since, run.started_at)
        while run.stretch < len(plan):
            stretch = plan[run.stretch]
            try:
                self._take_page(run, stretch)
            except StripeKeyRefused as refused:
                if stretch.listing is Listing.EVENTS:
                    raise StripeKeyRefused(_may_not_read(stretch.listing, refused)) from refused
                self._skip(run, _may_not_read(stretch.listing, refused), stretch.listing)
            looked_at = f"{run.events:,} events and {run.objects:,} objects looked at"
            tell(f"{stretch.listing} since {stretch.created_from:%Y-%m-%d}: {looked_at}")
        return self._close(run)

    def _take_page(self, run: CatchupRun, stretch: ListRange) -> None:
        if self._stopping.is_set():
            raise Stopped
        page = self._lists.page(stretch, run.cursor, self._stopping)
        is_last = not page.has_more
        further: dict[str, Any] = {
            "cursor": "" if is_last else page.objects[-1]["id"],
            "stretch": run.stretch + is_last,
        }
        if stretch.listing is Listing.EVENTS:
            self._take_events(run, page.objects)
            further["events"] = run.events + len(page.objects)
        else:
            further |= self._take_objects(run, stretch.listing, page.objects)
            further["objects"] = run.objects + len(page.objects)
        self._save(run, **further)

    def _take_events(self, run: CatchupRun, events: Sequence[dict[str, Any]]) -> None:
        ids = [event["id"] for event in events]
        with self._database.reading() as session:
            known = set(
                session.exec(select(StripeEvent.event_id).where(col(StripeEvent.event_id).in_(ids)))
            )
        if known:
            self._settler.take_back(list(known), SOURCE)
        fresh = [event for event in events if event["id"] not in known]
        late_before = self._clock.now() - LATE_AFTER
        # Noted before they are stored: afterwards nobody could tell that they were missing.
        late = [at for at in _made_at(fresh) if at <= late_before]
        if late:
            self._save(run, missed_at=max([*late, run.missed_at or late[0]]))
        self._store(run, [json.dumps(event).encode() for event in fresh])

    def _take_objects(
        self, run: CatchupRun, listing: Listing, objects: Sequence[dict[str, Any]]
    ) -> dict[str, Any]:
        """Compare objects with what is recorded, fetch what lacks; returns the new sums."""
        tellings = [
            telling
            for found in objects
            for telling in synthetic_events(listing, found, run.started_at, livemode=self._livemode)
            if telling.happened_at <= run.started_at  # what came since is the next run's
        ]
        found = self._compare(tellings)
        old = run.started_at - EVENTS_REACH
        wanted = [one for one in tellings if one.reading is None and one.happened_at < old]
        for _ in range(_ROUNDS_TO_FETCH):
            wanted += [lack.telling for lack in found.lacking if not lack.is_staffs_turn]
            if not wanted:
                break
            self._store(run, [telling.payload for telling in wanted])
            found, wanted = self._compare(tellings), []
        return {
            "totals": add_totals(run.totals, found.totals),
            "differing": run.differing | {lack.key: lack.sentence for lack in found.lacking},
        }

    def _compare(self, tellings: Sequence[SyntheticEvent]) -> Comparison:
        with self._database.reading() as session:
            return compare(session, tellings)

    def _store(self, run: CatchupRun, payloads: Sequence[bytes]) -> None:
        now = self._clock.now()
        self._inbox.store_now(*(Arrival(payload, now, source=SOURCE) for payload in payloads))
        self._settle_all(run)

    def _settle_all(self, run: CatchupRun) -> None:
        """Settle what this run fetched, or wait a little while another process does."""
        pause_s = 0.05
        for _ in range(int(_SETTLED_WITHIN_S / pause_s)):
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

    def _save(self, run: CatchupRun, **changed: Any) -> None:
        with self._database.writing() as session:
            save_run(session, run, **changed)

    def _close(self, run: CatchupRun) -> Report:
        self._settle_all(run)
        with self._database.writing() as session:
            differing = newly_set_aside(session, run) | run.differing
            save_run(session, run, differing=differing, finished_at=self._clock.now())
            return report_of(session, run)


def _made_at(events: Sequence[dict[str, Any]]) -> list[datetime]:
    """Return when events were made, leaving out those that don't say."""
    seconds = [event.get("created") for event in events]
    return [datetime.fromtimestamp(at, UTC) for at in seconds if is_instant(at)]


def _may_not_read(listing: Listing, refused: StripeUnavailable) -> str:
    return f"Stripe does not let this key read {listing} ({refused}): see README for what it needs"
