"""Lapses gifts: marks those whose money did not come within the region's waiting time.

A lapse is recorded as a fact. Money that arrives later still confirms the gift.
"""

from datetime import timedelta
from typing import Final

from sqlmodel import col, select

from donate.clock import Clock
from donate.gifts.facts import Fact, FactKind
from donate.gifts.ledger import record_facts
from donate.gifts.models import Gift
from donate.gifts.status import StatusName
from donate.regions.modes import Mode
from donate.regions.regions import Region, Regions
from donate.storage.database import Database

_AT_A_TIME: Final = 50


class Lapsing:
    """The background job that lapses gifts. On PostgreSQL several processes may run it at once."""

    def __init__(self, database: Database, regions: Regions, clock: Clock) -> None:
        self._database = database
        self._regions = regions
        self._clock = clock

    def lapse_due(self) -> int:
        """Lapse a batch of overdue gifts for each region and mode; return how many gifts lapsed."""
        return sum(
            self._lapse(region, mode)
            for region in self._regions.values()
            for mode in region.modes
            if not mode.through_stripe
        )

    def _lapse(self, region: Region, mode: Mode) -> int:
        now = self._clock.now()
        waited_for = timedelta(days=region.modes[mode].lapses_after_days)
        due = (
            select(Gift.id)
            .where(Gift.status == StatusName.AWAITED, col(Gift.opened_at) <= now - waited_for)
            .where(Gift.code == region.code, Gift.mode == mode)
            .order_by(col(Gift.opened_at))
            .limit(_AT_A_TIME)
        )
        with self._database.reading() as session:
            if session.exec(due.limit(1)).first() is None:
                return 0
        with self._database.writing() as session:
            lapsed = [
                (gift_id, Fact(FactKind.GIFT_LAPSED, str(gift_id), now, "service"))
                for gift_id in session.exec(due.with_for_update(skip_locked=True))
            ]
            record_facts(session, lapsed, now=now)
        return len(lapsed)
