"""Carries out a request to erase a donor, from the command line or from the staff's page."""

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from sqlmodel import Session

from donate.clock import Clock
from donate.errors import N_, Conflict
from donate.gifts.donor_profiles.merging import lock_groups
from donate.gifts.donor_profiles.models import DonorProfile
from donate.personal_data.collecting import held_rows
from donate.personal_data.donor_scope import scope_for_staff
from donate.personal_data.erasing.erasing import ChangedMeanwhile, erase_donor
from donate.personal_data.erasing.event_search import FoundEvents, find_events
from donate.personal_data.erasing.summary import ErasureSummary, erasure_summary, traces_of
from donate.storage.chain.amending import NotChainedYet
from donate.storage.chain.linker import ChainLinker
from donate.storage.database import Database

NOT_YET: Final = N_(
    "Something about this donor was recorded a moment ago. Nothing was erased. Please try again in "
    "a minute."
)
# How long to wait until the chain covers the newest facts.
_PATIENCE_S: Final = 5.0


class ErasureRequests:
    """Erases donors. Erasing a donor again changes nothing."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def carry_out(
        self,
        find: Callable[[Session], DonorProfile],
        record: Callable[[Session, str], None],
        *,
        actor: str,
    ) -> ErasureSummary:
        """Erase the donor that `find` returns, and call `record` in the same transaction.

        Returns the summary of what was held before. Raises Conflict if something stands in the way;
        then nothing is changed.
        """
        events = self._events_about(find)
        self._chain_what_is_new()
        now = self._clock.now()
        try:
            with self._database.writing() as session:
                found = find(session)
                assert found.id is not None
                main = lock_groups(session, {found.id}, against_gifts=True)[found.id]
                summary = _unhindered(session, main, now)
                if erase_donor(session, main, events, actor=actor, now=now):
                    record(session, f"donor {summary.number}")
        except (NotChainedYet, ChangedMeanwhile):
            raise Conflict(NOT_YET) from None
        self._database.overwrite_deleted()
        return summary

    def _events_about(self, find: Callable[[Session], DonorProfile]) -> FoundEvents:
        with self._database.reading_snapshot() as session:
            main = find(session)
            _unhindered(session, main, self._clock.now())
            traces = traces_of(held_rows(session, scope_for_staff(session, main)))
        return find_events(self._database, traces)

    def _chain_what_is_new(self) -> None:
        linker = ChainLinker(self._database, self._clock, look_every=timedelta(0))
        deadline = time.monotonic() + _PATIENCE_S
        while (linker.link_due() or linker.is_waiting) and time.monotonic() < deadline:
            if linker.is_waiting:
                time.sleep(0.05)


def _unhindered(session: Session, main: DonorProfile, now: datetime) -> ErasureSummary:
    summary = erasure_summary(session, main, now=now)
    for message, values in summary.obstacles:
        raise Conflict(message, values)
    return summary
