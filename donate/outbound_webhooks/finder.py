"""Finds the events that receivers want, and stores a delivery for each event and receiver.

The finder polls the database, as the finder of e-mails does: each search covers the facts recorded
since the last one, with some overlap for slow transactions, and once an hour, or when a receiver
was changed, the past week. Searching twice is harmless, because a unique constraint prevents
duplicates.
"""

import hashlib
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, bindparam, delete, literal, select
from sqlmodel import Session

from donate.clock import Clock
from donate.gifts.facts import FactKind
from donate.gifts.models import GiftFact
from donate.gifts.monthly.models import PledgeNews
from donate.outbound_webhooks.events import CHANGE_OF, EVENT_OF, OutboundEvent
from donate.outbound_webhooks.models import (
    DeliveryState,
    WebhookDelivery,
    WebhookReceiver,
    WebhookSubscription,
)
from donate.storage.bulk_writes import count_changed, insert_new, table_of
from donate.storage.database import Database

# When a disabled receiver is enabled again, it is told about the facts of the last seven days.
LOOKS_BACK: Final = timedelta(days=7)
# Searches overlap by this time, for slow transactions and for differences between clocks.
OVERLAP: Final = timedelta(minutes=10)
SEARCH_ALL_EVERY: Final = timedelta(hours=1)
# Deliveries that are done are deleted after this time. It is longer than LOOKS_BACK, or the finder
# would find their events again.
KEPT: Final = timedelta(days=60)
_BATCH_SIZE: Final = 200

_FACT, _NEWS = table_of(GiftFact).c, table_of(PledgeNews).c
_RECEIVER, _WISH = table_of(WebhookReceiver).c, table_of(WebhookSubscription).c
_DELIVERY: Final = table_of(WebhookDelivery).c
_OPENED: Final = table_of(GiftFact).alias("opened").c
# Whether the bank took money for the inquiry. If it did not, closing the inquiry is no event.
_TOOK_MONEY: Final = (
    select(_OPENED.id)
    .where(_OPENED.kind == FactKind.DISPUTE_OPENED, _OPENED.source_id == _FACT.source_id)
    .exists()
)


def message_id_of(receiver_id: int, kind: str, source: str, change: str) -> str:
    """Return the id of the webhook about an event: always the same for a fact and a receiver."""
    text = "\n".join((str(receiver_id), kind, source, change))
    return f"msg_{hashlib.sha256(text.encode()).hexdigest()[:32]}"


def new_delivery(
    receiver_id: int, event: OutboundEvent, message_id: str, *, now: datetime
) -> dict[str, Any]:
    """Return the row of a new delivery that is due at once, without its fact."""
    return {
        "receiver_id": receiver_id,
        "event": event,
        "fact_id": None,
        "change": "",
        "message_id": message_id,
        "state": DeliveryState.WAITING,
        "tries": 0,
        "found_at": now,
        "due_at": now,
        "answer": "",
        "reason": "",
    }


class DeliveryFinder:
    """The background job that finds events. Calls `on_found` after storing any delivery."""

    def __init__(self, database: Database, clock: Clock, on_found: Callable[[], None]) -> None:
        self._database = database
        self._clock = clock
        self._on_found = on_found
        self._searched_at: datetime | None = None
        self._searched_all_at: datetime | None = None
        self._receivers: list[tuple[int, int]] = []

    def find_due(self) -> int:
        """Store the deliveries that are missing; return how many were stored."""
        now = self._clock.now()
        with self._database.reading() as session:
            receivers = _receivers_now(session)
            if not receivers:
                return 0
            since = self._since(now, receivers)
            missing = list(_missing(session, since=since, now=now))
        if not missing:
            self._searched_at = now
            if since == now - LOOKS_BACK:
                self._searched_all_at, self._receivers = now, receivers
                self._delete_old(now)
            return 0
        # The next search begins at the same time, because one batch may not have room for all.
        with self._database.writing() as session:
            new = insert_new(session, WebhookDelivery, missing)
        self._on_found()
        return new

    def _since(self, now: datetime, receivers: list[tuple[int, int]]) -> datetime:
        full, last = self._searched_all_at, self._searched_at
        is_recent = full is not None and full <= now < full + SEARCH_ALL_EVERY
        if last is None or not is_recent or receivers != self._receivers:
            return now - LOOKS_BACK
        return last - OVERLAP

    def _delete_old(self, now: datetime) -> None:
        done = (DeliveryState.DELIVERED, DeliveryState.DISMISSED)
        old = delete(WebhookDelivery).where(
            _DELIVERY.state.in_(done), _DELIVERY.found_at < now - KEPT
        )
        with self._database.writing() as session:
            count_changed(session, old)


def _receivers_now(session: Session) -> list[tuple[int, int]]:
    """Return the number and the version of each receiver that is enabled."""
    enabled = select(_RECEIVER.id, _RECEIVER.version).where(_RECEIVER.disabled_at.is_(None))
    return [
        (number, version) for number, version in session.execute(enabled.order_by(_RECEIVER.id))
    ]


def _missing(session: Session, *, since: datetime, now: datetime) -> Iterator[dict[str, Any]]:
    """Yield the rows of missing deliveries, up to one batch of each kind."""
    for statement in _SEARCHES:
        for fact_id, kind, source, receiver_id, event, change in session.connection().execute(
            statement, {"since": since}
        ):
            message_id = message_id_of(receiver_id, str(kind), source, str(change))
            row = new_delivery(receiver_id, event, message_id, now=now)
            yield row | {"fact_id": fact_id, "change": str(change)}


def _search(event: OutboundEvent, change: ColumnElement[str]) -> Select[Any]:
    is_stored = (
        select(_DELIVERY.id)
        .where(
            _DELIVERY.receiver_id == _RECEIVER.id,
            _DELIVERY.fact_id == _FACT.id,
            _DELIVERY.change == change,
        )
        .exists()
    )
    return (
        select(
            *(_FACT.id, _FACT.kind, _FACT.source_id),
            *(_RECEIVER.id, literal(event, _WISH.event.type), change),
        )
        .where(
            _RECEIVER.disabled_at.is_(None),
            _WISH.receiver_id == _RECEIVER.id,
            _WISH.event == event,
            _FACT.recorded_at >= bindparam("since"),
            _FACT.recorded_at >= _WISH.wanted_from,
            ~is_stored,
        )
        .order_by(_FACT.id)
        .limit(_BATCH_SIZE)
    )


def _search_facts(kind: FactKind) -> Select[Any]:
    statement = _search(EVENT_OF[kind], literal(CHANGE_OF.get(kind, ""))).where(_FACT.kind == kind)
    return statement.where(_TOOK_MONEY) if kind == FactKind.INQUIRY_CLOSED else statement


def _search_news() -> Select[Any]:
    return _search(OutboundEvent.PLEDGE_CHANGED, _NEWS.kind).where(
        _FACT.kind == FactKind.PLEDGE_CHANGED,
        _NEWS.gift_id == _FACT.gift_id,
        _NEWS.source_id == _FACT.source_id,
    )


# Build these statements once, because they run every second.
_SEARCHES: Final = (*map(_search_facts, EVENT_OF), _search_news())
