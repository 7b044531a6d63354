"""Finds the e-mails that newly recorded facts require, and stores those that are missing.

The finder polls the database. Other code does not notify it about new facts. Each search covers the
facts recorded since the last search, with some overlap for slow transactions. Once an hour, a
search covers the past week. Searching twice is harmless, because a unique constraint prevents
duplicates.

Older facts cause no e-mail, so an import, a restored backup or a newly configured mail server does
not send e-mails about last year.
"""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Select, bindparam, literal, not_, null, select
from sqlmodel import Session

from donate.clock import Clock
from donate.gifts.facts import FactKind
from donate.gifts.models import Gift, GiftFact
from donate.gifts.monthly.models import PledgeNews
from donate.gifts.monthly.news import NewsKind
from donate.gifts.status import StatusName
from donate.letters.kinds import KINDS_ABOUT_NEWS, LetterKind, statuses_for
from donate.letters.models import Letter, new_letter
from donate.letters.transfers import WAIT
from donate.letters.triggers import TRIGGERS, WAS_CHOSEN, LetterTrigger, is_written
from donate.regions.modes import BY_HAND
from donate.storage.bulk_writes import insert_new, table_of
from donate.storage.database import Database

# A fact that was recorded longer ago than this causes no e-mail.
FRESH: Final = timedelta(days=7)
# A fact that happened longer ago than this causes no e-mail. Stripe keeps its events this long.
RECENT: Final = timedelta(days=30)
REMIND_AFTER: Final = timedelta(days=4)
# Searches overlap by this time, for slow transactions and for differences between clocks.
MARGIN: Final = timedelta(minutes=10)
FULL_SEARCH_EVERY: Final = timedelta(hours=1)
_BATCH_SIZE: Final = 100

_GIFT, _FACT, _LETTER = table_of(Gift).c, table_of(GiftFact).c, table_of(Letter).c
_NEWS: Final = table_of(PledgeNews).c


class LetterFinder:
    """Searches for e-mails that are due, and stores them. Calls `on_found` after storing any.

    `wait` is the delay of e-mails about transfers that staff marked.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        on_found: Callable[[], None],
        *,
        wait: timedelta = WAIT,
    ) -> None:
        self._database = database
        self._clock = clock
        self._on_found = on_found
        self._wait = wait
        self._searched_at: datetime | None = None
        self._searched_all_at: datetime | None = None

    def find_due(self) -> int:
        """Store the e-mails that are due and not stored yet; return how many were stored."""
        now = self._clock.now()
        since = self._since(now)
        with self._database.reading() as session:
            missing = list(_missing_letters(session, since=since, now=now, wait=self._wait))
        if not missing:
            self._searched_at = now
            if since == now - FRESH:
                self._searched_all_at = now
            return 0
        # Keep the start of the next search, because more e-mails may be missing than fit into this
        # batch.
        with self._database.writing() as session:
            rows = [new_letter(*each, now=now, due_at=due_at) for *each, due_at in missing]
            new = insert_new(session, Letter, rows)
        self._on_found()
        return new

    def _since(self, now: datetime) -> datetime:
        full, last = self._searched_all_at, self._searched_at
        if full is None or last is None or not full <= now < full + FULL_SEARCH_EVERY:
            return now - FRESH
        return last - MARGIN


def _missing_letters(
    session: Session, *, since: datetime, now: datetime, wait: timedelta
) -> Iterator[tuple[Any, LetterKind, str, datetime | None]]:
    """Yield gift id, kind, occasion and due time of missing e-mails, up to one batch per kind."""
    connection = session.connection()
    for statement in _BY_FACT:
        parameters = {"since": since, "recent": now - RECENT}
        for gift_id, kind, occasion, recorded_at in connection.execute(statement, parameters):
            yield gift_id, kind, occasion, recorded_at and recorded_at + wait
    for statement, after in _BY_GIFT:
        parameters = {"since": since - after, "until": now - after, "quiet": now - wait}
        for row in connection.execute(statement, parameters):
            yield (*row, None)


def _missing_for(trigger: LetterTrigger) -> Select[Any]:
    occasion = _FACT.source_id if trigger.each else literal("")
    recorded_at = _FACT.recorded_at if trigger.waits else null()
    statement = (
        select(_FACT.gift_id, literal(trigger.kind, _LETTER.kind.type), occasion, recorded_at)
        .distinct()
        .where(
            _GIFT.id == _FACT.gift_id,
            _FACT.recorded_at >= bindparam("since"),
            _FACT.kind.in_(trigger.facts),
            _GIFT.status.in_(statuses_for(trigger.kind)),
            not_(is_written(trigger.kind, occasion)),
        )
        .limit(_BATCH_SIZE)
    )
    if not trigger.told_late:
        statement = statement.where(_FACT.happened_at >= bindparam("recent"))
    return statement if trigger.only is None else statement.where(trigger.only)


def _missing_for_news(news: NewsKind, kind: LetterKind) -> Select[Any]:
    return (
        select(_NEWS.gift_id, literal(kind, _LETTER.kind.type), _NEWS.source_id, null())
        .where(
            _GIFT.id == _NEWS.gift_id,
            _NEWS.kind == news,
            _NEWS.recorded_at >= bindparam("since"),
            _NEWS.happened_at >= bindparam("recent"),
            not_(is_written(kind, _NEWS.source_id)),
        )
        .limit(_BATCH_SIZE)
    )


def _missing_for_awaited(kind: LetterKind) -> Select[Any]:
    # Skip a gift if staff undid its transfer a moment ago, because they may be about to mark the
    # right transfer.
    was_just_undone = (
        select(_FACT.id)
        .where(
            _FACT.gift_id == _GIFT.id,
            _FACT.kind == FactKind.TRANSFER_UNDONE,
            _FACT.recorded_at > bindparam("quiet"),
        )
        .exists()
    )
    return (
        select(_GIFT.id, literal(kind, _LETTER.kind.type), literal(""))
        .where(
            _GIFT.status == StatusName.AWAITED,
            _GIFT.opened_at.between(bindparam("since"), bindparam("until")),
            _GIFT.mode.in_(BY_HAND),
            WAS_CHOSEN,
            not_(_GIFT.transfer_announced),
            not_(was_just_undone),
            not_(is_written(kind, literal(""))),
        )
        .limit(_BATCH_SIZE)
    )


# Build these statements once, because they run every second.
_BY_FACT: Final = (
    *(_missing_for(trigger) for trigger in TRIGGERS),
    *(_missing_for_news(news, kind) for news, kind in KINDS_ABOUT_NEWS.items()),
)
_BY_GIFT: Final = (
    (_missing_for_awaited(LetterKind.INSTRUCTIONS), timedelta(0)),
    (_missing_for_awaited(LetterKind.REMINDER), REMIND_AFTER),
)
