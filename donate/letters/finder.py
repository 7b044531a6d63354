"""Finds the e-mails that newly recorded facts require, and stores those that are missing.

The finder polls the database. Other code does not notify it about new facts. Each search covers the
facts recorded since the last search, with some overlap for slow transactions. Once an hour, a
search covers the past week. Searching twice is harmless, because a unique constraint prevents
duplicates.

Older facts cause no e-mail, so an import, a restored backup or a newly configured mail server does
not send e-mails about last year.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, and_, bindparam, literal, not_, null, or_, select
from sqlmodel import Session

from donate.clock import Clock
from donate.gifts.facts import FactKind
from donate.gifts.models import Donor, Gift, GiftFact
from donate.gifts.offline.models import OfflineEntry
from donate.gifts.status import StatusName
from donate.letters.kinds import LetterKind, statuses_for
from donate.letters.models import Letter, LetterState, new_letter
from donate.letters.transfers import ARRIVAL_KINDS, WAIT
from donate.regions.modes import BY_HAND, OFFLINE
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
_IS_LATER_MONTH: Final = and_(_GIFT.pledge_id.is_not(None), _GIFT.pledge_id != _GIFT.id)
_UNDONE: Final = table_of(GiftFact).alias("undone").c
_IS_UNDONE: Final = (
    select(_UNDONE.id)
    .where(_UNDONE.kind == FactKind.TRANSFER_UNDONE, _UNDONE.source_id == _FACT.source_id)
    .exists()
)
_IS_OFFLINE: Final = _GIFT.mode.in_(OFFLINE)
_ENTRY: Final = table_of(OfflineEntry).c
# Whether staff chose to send thanks when they entered a cheque or cash, and there is an e-mail
# address.
_WANTS_THANKS: Final = (
    select(_ENTRY.id)
    .where(_ENTRY.gift_id == _GIFT.id, _ENTRY.sends_thanks, _ENTRY.donor_email != "")
    .exists()
)
_DONOR: Final = table_of(Donor).c
# Whether the donor has an e-mail address. If staff opened the gift for a transfer that arrived, the
# donor may have none.
_HAS_ADDRESS: Final = (
    select(_DONOR.id).where(_DONOR.id == _GIFT.donor_id, _DONOR.email != "").exists()
)
_OPENED: Final = table_of(GiftFact).alias("opened").c
# Whether the donor opened the gift. Staff open gifts for money that arrived unannounced.
_WAS_CHOSEN: Final = (
    select(_OPENED.id)
    .where(
        _OPENED.gift_id == _GIFT.id,
        _OPENED.kind == FactKind.GIFT_OPENED,
        _OPENED.actor == "donor",
    )
    .exists()
)
# Whether an e-mail had already stated an amount when staff undid the transfer.
_WAS_TOLD: Final = (
    select(_LETTER.id)
    .where(
        _LETTER.gift_id == _GIFT.id,
        _LETTER.kind.in_(ARRIVAL_KINDS),
        _LETTER.knew < _FACT.id,
    )
    .exists()
)


def _is_written(
    kind: LetterKind, occasion: ColumnElement[str], *conditions: ColumnElement[bool]
) -> ColumnElement[bool]:
    return (
        select(_LETTER.id)
        .where(
            _LETTER.gift_id == _GIFT.id,
            _LETTER.kind == kind,
            _LETTER.occasion == occasion,
            *conditions,
        )
        .exists()
    )


@dataclass(frozen=True, slots=True)
class LetterTrigger:
    """A kind of e-mail, and the kinds of fact that cause it.

    If `each` is true, there is one e-mail for each fact source, otherwise one for each gift. Set
    `told_late` for facts that may be weeks old when they are recorded, such as transfers on bank
    statements or failed refunds. `waits` delays the e-mail, because staff can undo the fact. `only`
    is a further condition in SQL.
    """

    kind: LetterKind
    facts: tuple[FactKind, ...]
    each: bool = True
    told_late: bool = False
    waits: bool = False
    only: ColumnElement[bool] | None = None


_TRIGGERS: Final = (
    LetterTrigger(LetterKind.THANK_YOU, (FactKind.PAYMENT_SUCCEEDED,), each=False),
    LetterTrigger(
        LetterKind.THANK_YOU,
        (FactKind.TRANSFER_RECEIVED,),
        told_late=True,
        waits=True,
        only=and_(not_(_IS_UNDONE), or_(and_(not_(_IS_OFFLINE), _HAS_ADDRESS), _WANTS_THANKS)),
    ),
    # No correction is sent for cheques and cash. If a bank returns a cheque, staff write to the
    # donor themselves.
    LetterTrigger(
        LetterKind.CORRECTION,
        (FactKind.TRANSFER_UNDONE,),
        waits=True,
        only=and_(_WAS_TOLD, not_(_IS_OFFLINE)),
    ),
    LetterTrigger(LetterKind.UNDER_WAY, (FactKind.PAYMENT_PROCESSING,)),
    LetterTrigger(LetterKind.CONFIRM_ACCOUNT, (FactKind.ACCOUNT_TO_CONFIRM,)),
    LetterTrigger(LetterKind.FAILED, (FactKind.PAYMENT_FAILED,), only=not_(_IS_LATER_MONTH)),
    LetterTrigger(LetterKind.MONTH_FAILED, (FactKind.PAYMENT_FAILED,), only=_IS_LATER_MONTH),
    LetterTrigger(
        LetterKind.PLEDGE_AMOUNT,
        (FactKind.PLEDGE_CHANGE_REQUESTED,),
        only=_FACT.amount_minor.is_not(None),
    ),
    # Send no e-mail if the pledge ended before its first payment arrived.
    LetterTrigger(LetterKind.PLEDGE_ENDED, (FactKind.PLEDGE_ENDED,), only=_GIFT.received_minor > 0),
    LetterTrigger(LetterKind.REFUND, (FactKind.REFUND_SUCCEEDED,)),
    # Only a donor who got an e-mail about the refund needs one about its failure.
    LetterTrigger(
        LetterKind.REFUND_FAILED,
        (FactKind.REFUND_FAILED,),
        told_late=True,
        only=_is_written(LetterKind.REFUND, _FACT.source_id, _LETTER.state == LetterState.SENT),
    ),
)


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
            not_(_is_written(trigger.kind, occasion)),
        )
        .limit(_BATCH_SIZE)
    )
    if not trigger.told_late:
        statement = statement.where(_FACT.happened_at >= bindparam("recent"))
    return statement if trigger.only is None else statement.where(trigger.only)


def _missing_for_awaited(kind: LetterKind) -> Select[Any]:
    # Skip a gift if its donor already reported the transfer as sent, or if staff undid its transfer
    # a moment ago, because they may be about to mark the right transfer.
    has_transfer = (
        select(_FACT.id)
        .where(
            _FACT.gift_id == _GIFT.id,
            or_(
                _FACT.kind == FactKind.TRANSFER_ANNOUNCED,
                and_(
                    _FACT.kind == FactKind.TRANSFER_UNDONE,
                    _FACT.recorded_at > bindparam("quiet"),
                ),
            ),
        )
        .exists()
    )
    return (
        select(_GIFT.id, literal(kind, _LETTER.kind.type), literal(""))
        .where(
            _GIFT.status == StatusName.AWAITED,
            _GIFT.opened_at.between(bindparam("since"), bindparam("until")),
            _GIFT.mode.in_(BY_HAND),
            _WAS_CHOSEN,
            not_(has_transfer),
            not_(_is_written(kind, literal(""))),
        )
        .limit(_BATCH_SIZE)
    )


# Build these statements once, because they run every second.
_BY_FACT: Final = tuple(_missing_for(trigger) for trigger in _TRIGGERS)
_BY_GIFT: Final = (
    (_missing_for_awaited(LetterKind.INSTRUCTIONS), timedelta(0)),
    (_missing_for_awaited(LetterKind.REMINDER), REMIND_AFTER),
)
