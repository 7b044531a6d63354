"""Finds unfinished gifts of which donors are to be reminded, and stores the e-mails.

Each region says after how many hours. A gift that was opened more than a week before that time
gets no reminder, so a restored backup or a new setting reminds nobody of old gifts. The outbox
checks all conditions again before it sends, and a unique constraint allows one reminder for each
gift.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import bindparam, not_, select
from sqlmodel import Session

from donate.clock import Clock
from donate.gifts.models import Gift
from donate.letters.kinds import LetterKind
from donate.letters.models import Letter, new_letter
from donate.letters.reminders.conditions import QUIET, remindable
from donate.regions.regions import Regions
from donate.storage.bulk_writes import insert_new, table_of
from donate.storage.database import Database

FRESH: Final = timedelta(days=7)
EVERY: Final = timedelta(minutes=10)
_BATCH_SIZE: Final = 100
_GIFT, _LETTER = table_of(Gift).c, table_of(Letter).c
_DUE: Final = (
    select(_GIFT.id)
    .where(
        _GIFT.code == bindparam("code"),
        _GIFT.opened_at.between(bindparam("since"), bindparam("until")),
        *remindable(),
        not_(
            select(_LETTER.id)
            .where(_LETTER.gift_id == _GIFT.id, _LETTER.kind == LetterKind.UNFINISHED)
            .exists()
        ),
    )
    .limit(_BATCH_SIZE)
)


class ReminderFinder:
    """The background job that stores reminders. Calls `on_found` after storing any."""

    def __init__(
        self, database: Database, regions: Regions, clock: Clock, on_found: Callable[[], None]
    ) -> None:
        self._database = database
        self._clock = clock
        self._on_found = on_found
        self._after = {
            region.code: timedelta(hours=region.reminder.after_hours)
            for region in regions.values()
            if region.reminder
        }
        self._searched_at: datetime | None = None

    def find_due(self) -> int:
        """Store the reminders that are due, up to a batch; return how many were stored."""
        now, last = self._clock.now(), self._searched_at
        if not self._after or (last and last <= now < last + EVERY):
            return 0
        with self._database.reading() as session:
            gifts = [gift_id for code in self._after for gift_id in self._due(session, code, now)]
        if not gifts:
            self._searched_at = now
            return 0
        with self._database.writing() as session:
            rows = [new_letter(gift_id, LetterKind.UNFINISHED, "", now=now) for gift_id in gifts]
            new = insert_new(session, Letter, rows)
        self._on_found()
        return new

    def _due(self, session: Session, code: str, now: datetime) -> list[Any]:
        until = now - self._after[code]
        window = {"code": code, "since": until - FRESH, "until": until, "quiet_since": now - QUIET}
        return list(session.connection().execute(_DUE, window).scalars())
