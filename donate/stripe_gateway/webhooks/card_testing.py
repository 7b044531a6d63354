"""Tells the breaker which cards were declined and paid, and ends sessions with many declines.

The caller commits.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from sqlmodel import Session

from donate.breaker.counters import WINDOW_MINUTES, add_counts
from donate.breaker.levels import MOST_DECLINES, pressure_name
from donate.breaker.models import Lane
from donate.gifts.facts import Fact, FactKind
from donate.gifts.ledger import LockedGift
from donate.regions.modes import Mode
from donate.storage.bulk_writes import insert_new
from donate.stripe_gateway.models import OpenExpiry

SESSION_MOST_DECLINES: Final = 5
"""A session is ended after this many declines. Donors who mistype or try other cards need fewer."""
_PARTS: Final = {FactKind.PAYMENT_DECLINED: "declined", FactKind.PAYMENT_SUCCEEDED: "paid"}


def heed_cards(
    session: Session, recorded: Sequence[tuple[LockedGift, Fact]], now: datetime
) -> None:
    """Count the declines and payments among new facts, and plan to end sessions that test cards.

    Bank debits are not counted, because they say nothing about cards. Facts from before the
    breaker's window are not counted. Later months of monthly gifts are not counted either, because
    nobody types a card for them. One session counts as at most ten declines. These can cause a
    challenge, but only several sessions together can pause gifts.
    """
    since = now - timedelta(minutes=WINDOW_MINUTES)
    counts: Counter[str] = Counter()
    declined: dict[str, LockedGift] = {}
    heard: Counter[str] = Counter()
    for gift, fact in recorded:
        if gift.mode != Mode.CARD:
            continue
        part = _PARTS.get(fact.kind)
        if part is None or fact.happened_at < since or gift.pledge_id not in (None, gift.id):
            continue
        if part == "declined":
            declined[str(gift.id)] = gift
            heard[str(gift.id)] += 1
        else:
            counts.update(_names(gift, "paid"))
    for gift_id, gift in declined.items():
        in_all = _declines_of(gift)
        before = in_all - heard[gift_id]
        new = max(0, min(in_all, MOST_DECLINES) - before)
        counts.update(dict.fromkeys(_names(gift, "declined"), new))
    expiries = [
        {"session_id": checkout, "requested_at": now, "ask_at": now, "tries": 0}
        for gift in declined.values()
        if _declines_of(gift) >= SESSION_MOST_DECLINES and (checkout := _open_checkout(gift))
    ]
    insert_new(session, OpenExpiry, expiries)
    add_counts(session, counts, now)


def _names(gift: LockedGift, part: str) -> list[str]:
    return [pressure_name(Lane.STRIPE, part, code) for code in ("", gift.code)]


def _declines_of(gift: LockedGift) -> int:
    """Return how many cards were declined since the newest session was opened."""
    opened = [f.happened_at for f in gift.facts.values() if f.kind == FactKind.CHECKOUT_OPENED]
    since = max(opened, default=gift.opened_at)
    # Stripe's times are whole seconds, so a decline can seem a second older than the session.
    since -= timedelta(seconds=1)
    return sum(
        fact.kind == FactKind.PAYMENT_DECLINED and fact.happened_at >= since
        for fact in gift.facts.values()
    )


def _open_checkout(gift: LockedGift) -> str | None:
    """Return the id of the newest session, unless it has ended."""
    opened = [fact for fact in gift.facts.values() if fact.kind == FactKind.CHECKOUT_OPENED]
    ended = {
        fact.source_id
        for fact in gift.facts.values()
        if fact.kind in (FactKind.CHECKOUT_EXPIRED, FactKind.PAYMENT_FAILED)
    }
    newest = max(opened, key=lambda fact: fact.attempt or 0, default=None)
    return newest.source_id if newest and newest.source_id not in ended else None
