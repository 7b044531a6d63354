"""Checks that each stored status, movement, pledge and total agrees with the facts. It only reads.

Run it in one snapshot of the database (`Database.reading_snapshot`). Otherwise a gift that changes
during the audit would be reported as a difference.
"""

import uuid
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from operator import attrgetter
from typing import Final

from sqlmodel import Session, col, select

from donate.gifts.donor_profiles.audit import merge_differences, profile_differences
from donate.gifts.facts import Fact
from donate.gifts.ledger import cached_copy, pledge_columns
from donate.gifts.models import Gift, GiftFact
from donate.gifts.monthly.models import PledgeRow
from donate.gifts.monthly.pledge_copy import PledgeCopy, copy_of_pledge
from donate.gifts.movements.models import GiftMovement
from donate.gifts.movements.recorder import (
    TotalKey,
    pledge_total_key,
    shares_in_totals,
    shares_of_months,
    terms_of,
)
from donate.gifts.movements.rules import Movement, movements_of
from donate.gifts.movements.totals import pruned_totals, stored_totals
from donate.gifts.offline.audit import offline_differences

_GIFTS_AT_A_TIME: Final = 1_000
# The attributes to compare. A computed movement and its database row both have them.
_VALUES: Final = attrgetter(
    *("kind", "amount_minor", "day", "cause", "source_id", "currency", "happened_at")
)


def differences(session: Session) -> Iterator[str]:
    """Yield one line for each stored value that differs from the facts."""
    try:
        yield from _compare(session)
    except ValueError as error:  # a stored value is not in its column's enum
        yield f"{error}; nothing after it was compared"


def _compare(session: Session) -> Iterator[str]:
    pruned = pruned_totals(session)
    counts: Counter[TotalKey] = Counter({key: count for key, (count, _) in pruned.items()})
    amounts: Counter[TotalKey] = Counter({key: amount for key, (_, amount) in pruned.items()})
    for gift, facts, stored, pledge in _gifts(session):
        if not facts:
            yield f"{gift.reference}: has no facts, not even gift_opened"
            continue
        expected = cached_copy(facts, gift.time_zone)
        for name, value in expected.items():
            cached = getattr(gift, name)
            if cached != value:
                yield f"{gift.reference}: {name} is {cached}, but its facts give {value}"
        movements = movements_of(facts, gift.time_zone)
        yield from _movement_differences(gift, movements, stored)
        terms = terms_of(gift)
        for key, amount in (
            *shares_in_totals(terms, expected["status"], movements),
            *shares_of_months(terms, movements),
        ):
            counts[key] += 1
            amounts[key] += amount
        if gift.pledge_id == gift.id:
            copy = copy_of_pledge(facts, gift.amount, gift.time_zone, expected["status"])
            yield from _pledge_differences(gift, copy, pledge)
            key = pledge_total_key(terms, copy)
            counts[key] += 1
            amounts[key] += copy.amount_minor
    yield from _total_differences(session, counts, amounts)
    yield from profile_differences(session)
    yield from merge_differences(session)
    yield from offline_differences(session)


def _gifts(
    session: Session,
) -> Iterator[tuple[Gift, list[Fact], list[GiftMovement], PledgeRow | None]]:
    """Yield each gift with its facts, its stored movements, and the row of its pledge, if any."""
    last: uuid.UUID | None = None
    while True:
        page = select(Gift).order_by(col(Gift.id)).limit(_GIFTS_AT_A_TIME)
        gifts = session.exec(page.where(col(Gift.id) > last) if last else page).all()
        if not gifts:
            return
        first, last = gifts[0].id, gifts[-1].id
        facts: defaultdict[uuid.UUID, list[Fact]] = defaultdict(list)
        of_gifts = select(GiftFact).where(col(GiftFact.gift_id).between(first, last))
        # The ledger reads facts in the same order. If a pledge changed twice in one second, this
        # order decides which change is the later one.
        for row in session.exec(of_gifts.order_by(col(GiftFact.id))):
            facts[row.gift_id].append(row.as_fact())
        movements: defaultdict[uuid.UUID, list[GiftMovement]] = defaultdict(list)
        of_these = col(GiftMovement.gift_id).between(first, last)
        for movement in session.exec(select(GiftMovement).where(of_these)):
            movements[movement.gift_id].append(movement)
        began = col(PledgeRow.id).between(first, last)
        pledges = {row.id: row for row in session.exec(select(PledgeRow).where(began))}
        for gift in gifts:
            yield gift, facts[gift.id], movements[gift.id], pledges.get(gift.id)
        session.expunge_all()  # Otherwise the session would keep all gifts in memory.


def _pledge_differences(gift: Gift, copy: PledgeCopy, row: PledgeRow | None) -> Iterator[str]:
    if row is None:
        yield f"{gift.reference}: the row of its pledge is missing"
        return
    for name, value in pledge_columns(terms_of(gift), gift.opened_at, copy).items():
        cached = getattr(row, name)
        if cached != value:
            yield f"{gift.reference}: {name} of its pledge is {cached}, but its facts give {value}"


def _movement_differences(
    gift: Gift, movements: Iterable[Movement], rows: Iterable[GiftMovement]
) -> Iterator[str]:
    # Compare plain values, because a row that somebody edited in the database may have a kind that
    # does not exist.
    expected, stored = set(map(_VALUES, movements)), set(map(_VALUES, rows))
    for word, some in (("is missing", expected - stored), ("has no fact", stored - expected)):
        for kind, amount, day, *_ in sorted(some, key=str):
            yield f"{gift.reference}: the {kind} of {amount} on {day} {word}"


def _total_differences(
    session: Session, counts: Counter[TotalKey], amounts: Counter[TotalKey]
) -> Iterator[str]:
    stored = stored_totals(session)
    for key in sorted(stored.keys() | counts.keys(), key=str):
        count, amount = stored.get(key, (0, 0))
        if (count, amount) != (counts[key], amounts[key]):
            fund = f" for {key.fund}" if key.fund else ""
            about = f"{key.day} {key.code} {key.mode} {key.kind} in {key.currency}{fund}"
            yield (
                f"total of {about}: {count} {key.subject}s of {amount} in all, "
                f"but the gifts give {counts[key]} of {amounts[key]}"
            )
