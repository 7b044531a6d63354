"""Finds the gifts that lack a letter, and writes it down. Nothing is pushed here: it is looked for.

Looks at what became known since it looked last, with a margin for transactions that took long, and
once an hour at all of the past week. Finding the same twice is harmless: a letter is there once.
What is older than that, or happened long ago, gets no letter, so that an import, a restored backup
or a mail server that was only now set up writes to nobody about last year.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, and_, bindparam, literal, not_, null, or_, select
from sqlmodel import Session, SQLModel

from donate.clock import Clock
from donate.gifts.facts import FactKind
from donate.gifts.status import StatusName
from donate.letters.kinds import LetterKind, statuses_for
from donate.letters.models import Letter, LetterState, new_letter
from donate.letters.transfers import ARRIVAL_KINDS, WAIT
from donate.regions.modes import BY_HAND
from donate.storage.bulk_writes import insert_new
from donate.storage.database import Database

# Of what became known longer ago no letter is written.
FRESH: Final = timedelta(days=7)
# The same for what happened longer ago: as long as Stripe remembers its events.
RECENT: Final = timedelta(days=30)
REMIND_AFTER: Final = timedelta(days=4)
# How long a transaction, or another process's clock, may lag behind.
MARGIN: Final = timedelta(minutes=10)
LOOK_AT_ALL_EVERY: Final = timedelta(hours=1)
_AT_A_TIME: Final = 100

_GIFT, _FACT, _LETTER = (SQLModel.metadata.tables[n].c for n in ("gift", "gift_fact", "letter"))
_IS_LATER_MONTH: Final = and_(_GIFT.pledge_id.is_not(None), _GIFT.pledge_id != _GIFT.id)
_UNDONE: Final = SQLModel.metadata.tables["gift_fact"].alias("undone").c
_IS_TAKEN_BACK: Final = (
    select(_UNDONE.id)
    .where(_UNDONE.kind == str(FactKind.TRANSFER_UNDONE), _UNDONE.source_id == _FACT.source_id)
    .exists()
)
# A letter had told the donor what has arrived when the transfer was taken back.
_WAS_TOLD: Final = (
    select(_LETTER.id)
    .where(
        _LETTER.gift_id == _GIFT.id,
        _LETTER.kind.in_([str(kind) for kind in ARRIVAL_KINDS]),
        _LETTER.knew < _FACT.id,
    )
    .exists()
)


def _is_sent(kind: LetterKind, occasion: ColumnElement[str]) -> ColumnElement[bool]:
    return (
        select(_LETTER.id)
        .where(
            _LETTER.gift_id == _GIFT.id,
            _LETTER.kind == str(kind),
            _LETTER.occasion == occasion,
            _LETTER.state == str(LetterState.SENT),
        )
        .exists()
    )


@dataclass(frozen=True, slots=True)
class LetterTrigger:
    """Facts of these kinds call for a letter: one for each source, or one for each gift.

    `told_late` is for what may be weeks old when we hear of it: what staff enter from statements,
    or a refund that failed. `waits` is for what staff can take back.
    """

    kind: LetterKind
    facts: tuple[FactKind, ...]
    each: bool = True
    told_late: bool = False
    waits: bool = False
    only: ColumnElement[bool] | None = None


_TELLING: Final = (
    LetterTrigger(LetterKind.THANK_YOU, (FactKind.PAYMENT_SUCCEEDED,), each=False),
    LetterTrigger(
        LetterKind.THANK_YOU,
        (FactKind.TRANSFER_RECEIVED,),
        told_late=True,
        waits=True,
        only=not_(_IS_TAKEN_BACK),
    ),
    LetterTrigger(LetterKind.CORRECTION, (FactKind.TRANSFER_UNDONE,), waits=True, only=_WAS_TOLD),
    LetterTrigger(LetterKind.UNDER_WAY, (FactKind.PAYMENT_PROCESSING,)),
    LetterTrigger(LetterKind.CONFIRM_ACCOUNT, (FactKind.ACCOUNT_TO_CONFIRM,)),
    LetterTrigger(LetterKind.FAILED, (FactKind.PAYMENT_FAILED,), only=not_(_IS_LATER_MONTH)),
    LetterTrigger(LetterKind.MONTH_FAILED, (FactKind.PAYMENT_FAILED,), only=_IS_LATER_MONTH),
    LetterTrigger(
        LetterKind.PLEDGE_AMOUNT,
        (FactKind.PLEDGE_CHANGE_REQUESTED,),
        only=_FACT.amount_minor.is_not(None),
    ),
    # A pledge that ended before its first month was paid never began.
    LetterTrigger(LetterKind.PLEDGE_ENDED, (FactKind.PLEDGE_ENDED,), only=_GIFT.received_minor > 0),
    LetterTrigger(LetterKind.REFUND, (FactKind.REFUND_SUCCEEDED,)),
    # Who was never told that money went back needs no correction.
    LetterTrigger(
        LetterKind.REFUND_FAILED,
        (FactKind.REFUND_FAILED,),
        told_late=True,
        only=_is_sent(LetterKind.REFUND, _FACT.source_id),
    ),
)


class LetterFinder:
    """Looks for letters that are due. `on_found` is told when there are any.

    `wait` is how long a letter waits that follows from what staff did by hand.
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
        self._looked_at: datetime | None = None
        self._looked_at_all_at: datetime | None = None

    def find_due(self) -> int:
        """Write down the letters that are due; returns how many are new."""
        now = self._clock.now()
        since = self._since(now)
        with self._database.reading() as session:
            found = list(_lacking(session, since=since, now=now, wait=self._wait))
        if not found:
            self._looked_at = now
            if since == now - FRESH:
                self._looked_at_all_at = now
            return 0
        # Looked at again in the next round: there may be more than were taken at a time.
        with self._database.writing() as session:
            rows = [new_letter(*each, now=now, due_at=due_at) for *each, due_at in found]
            new = insert_new(session, Letter, rows)
        self._on_found()
        return new

    def _since(self, now: datetime) -> datetime:
        whole, last = self._looked_at_all_at, self._looked_at
        if whole is None or last is None or not whole <= now < whole + LOOK_AT_ALL_EVERY:
            return now - FRESH
        return last - MARGIN


def _lacking(
    session: Session, *, since: datetime, now: datetime, wait: timedelta
) -> Iterator[tuple[Any, str, str, datetime | None]]:
    """Give gift, kind, occasion and time of letters that are not there yet, some of each kind."""
    connection = session.connection()
    for statement in _FACTS_TO_TELL:
        asked = {"since": since, "recent": now - RECENT}
        for gift_id, kind, occasion, told_at in connection.execute(statement, asked):
            yield gift_id, kind, occasion, told_at and told_at + wait
    for statement, after in _GIFTS_TO_WRITE_ABOUT:
        asked = {"since": since - after, "until": now - after, "quiet": now - wait}
        for row in connection.execute(statement, asked):
            yield (*row, None)


def _told(telling: LetterTrigger) -> Select[Any]:
    occasion = _FACT.source_id if telling.each else literal("")
    told_at = _FACT.recorded_at if telling.waits else null()
    statement = (
        select(_FACT.gift_id, literal(str(telling.kind)), occasion, told_at)
        .distinct()
        .where(
            _GIFT.id == _FACT.gift_id,
            _FACT.recorded_at >= bindparam("since"),
            _FACT.kind.in_([str(kind) for kind in telling.facts]),
            _GIFT.status.in_([str(status) for status in statuses_for(telling.kind)]),
            not_(_is_written(telling.kind, occasion)),
        )
        .limit(_AT_A_TIME)
    )
    if not telling.told_late:
        statement = statement.where(_FACT.happened_at >= bindparam("recent"))
    return statement if telling.only is None else statement.where(telling.only)


def _awaited(kind: LetterKind) -> Select[Any]:
    # Skip gifts whose donor already reported the transfer as sent, and those whose transfer staff
    # took back just now: they may be about to mark the right one.
    announced = (
        select(_FACT.id)
        .where(
            _FACT.gift_id == _GIFT.id,
            or_(
                _FACT.kind == str(FactKind.TRANSFER_ANNOUNCED),
                and_(
                    _FACT.kind == str(FactKind.TRANSFER_UNDONE),
                    _FACT.recorded_at > bindparam("quiet"),
                ),
            ),
        )
        .exists()
    )
    return (
        select(_GIFT.id, literal(str(kind)), literal(""))
        .where(
            _GIFT.status == str(StatusName.AWAITED),
            _GIFT.opened_at.between(bindparam("since"), bindparam("until")),
            _GIFT.mode.in_([str(mode) for mode in BY_HAND]),
            not_(announced),
            not_(_is_written(kind, literal(""))),
        )
        .limit(_AT_A_TIME)
    )


def _is_written(kind: LetterKind, occasion: ColumnElement[str]) -> ColumnElement[bool]:
    return (
        select(_LETTER.id)
        .where(
            _LETTER.gift_id == _GIFT.id,
            _LETTER.kind == str(kind),
            _LETTER.occasion == occasion,
        )
        .exists()
    )


# Put together once: it is asked every second.
_FACTS_TO_TELL: Final = tuple(_told(telling) for telling in _TELLING)
_GIFTS_TO_WRITE_ABOUT: Final = (
    (_awaited(LetterKind.INSTRUCTIONS), timedelta(0)),
    (_awaited(LetterKind.REMINDER), REMIND_AFTER),
)
