"""The movements of a gift's money, computed from its facts.

All functions are pure. The order of the facts does not matter.

The total of a calendar month is the sum of its movements. A refund in March of a gift from January
belongs to March, so the total of January does not change.
"""

from collections.abc import Iterable, Iterator
from datetime import date, datetime
from enum import StrEnum
from typing import Final, NamedTuple

from donate.clock import local_date
from donate.gifts.disputes import Dispute, disputes_of
from donate.gifts.facts import Fact, FactKind


class MovementKind(StrEnum):
    """Why money moved."""

    PAYMENT = "payment"
    TRANSFER = "transfer"
    TRANSFER_UNDONE = "transfer_undone"
    REFUND = "refund"
    REFUND_RETURNED = "refund_returned"  # the refund failed later, and we have the money again
    DISPUTE = "dispute"
    DISPUTE_RETURNED = "dispute_returned"


MONEY_IN: Final = (
    MovementKind.PAYMENT,
    MovementKind.TRANSFER,
    MovementKind.REFUND_RETURNED,
    MovementKind.DISPUTE_RETURNED,
)


# Only facts of these kinds move money. Most new facts are of other kinds.
_MOVING: Final = frozenset(
    {
        FactKind.PAYMENT_SUCCEEDED,
        FactKind.TRANSFER_RECEIVED,
        FactKind.TRANSFER_UNDONE,
        FactKind.REFUND_SUCCEEDED,
        FactKind.REFUND_FAILED,
        FactKind.DISPUTE_OPENED,
        FactKind.DISPUTE_WON,
        FactKind.DISPUTE_LOST,
        FactKind.INQUIRY_CLOSED,  # a closed inquiry shows that its dispute took no money
    }
)


class Movement(NamedTuple):
    """Money that came in (a positive amount) or went out (a negative one).

    `amount_minor` is in minor units of `currency`. `cause` and `source_id` name the fact that
    moved the money. `day` is the fact's date in the region's time zone.
    """

    kind: MovementKind
    cause: FactKind
    source_id: str
    amount_minor: int
    currency: str
    happened_at: datetime
    day: date


def movements_of(facts: Iterable[Fact], time_zone: str) -> frozenset[Movement]:
    """Return the movements that result from the facts of one gift.

    Their sum is the money received less the money that went back.
    """
    facts = [fact for fact in facts if fact.kind in _MOVING]
    if not facts:
        return frozenset()
    by_kind: dict[FactKind, dict[str, Fact]] = {kind: {} for kind in _MOVING}
    for fact in facts:
        by_kind[fact.kind][fact.source_id] = fact
    failed = by_kind[FactKind.REFUND_FAILED]
    undone = by_kind[FactKind.TRANSFER_UNDONE]
    payments = by_kind[FactKind.PAYMENT_SUCCEEDED].values()
    amounts = [(MovementKind.PAYMENT, fact, _amount(fact)) for fact in payments]
    for source, fact in by_kind[FactKind.TRANSFER_RECEIVED].items():
        amounts.append((MovementKind.TRANSFER, fact, _amount(fact)))
        if source in undone:
            amounts.append((MovementKind.TRANSFER_UNDONE, undone[source], -_amount(fact)))
    for source, fact in by_kind[FactKind.REFUND_SUCCEEDED].items():
        amounts.append((MovementKind.REFUND, fact, -_amount(fact)))
        if source in failed:
            amounts.append((MovementKind.REFUND_RETURNED, failed[source], _amount(fact)))
    for dispute in disputes_of(facts):
        amounts += _dispute_amounts(dispute)
    currency = next((fact.currency for fact in facts if fact.currency), "")
    return frozenset(
        Movement(
            kind=kind,
            cause=fact.kind,
            source_id=fact.source_id,
            amount_minor=amount,
            currency=currency,
            happened_at=fact.happened_at,
            day=local_date(fact.happened_at, time_zone),
        )
        for kind, fact, amount in amounts
        if amount
    )


def in_order(movements: Iterable[Movement]) -> list[Movement]:
    """Return movements sorted by time.

    At the same time, money that came in sorts first.
    """
    return sorted(movements, key=lambda one: (one.happened_at, -one.amount_minor, one.source_id))


def _dispute_amounts(dispute: Dispute) -> Iterator[tuple[MovementKind, Fact, int]]:
    """Yield each change of the amount that the donor's bank holds, with the fact that caused it.

    If the facts report the same outcome twice, the second change is 0.
    """
    taken = 0
    for fact in dispute.money_facts:
        before, taken = taken, 0 if fact.kind == FactKind.DISPUTE_WON else _amount(fact)
        change = before - taken
        yield MovementKind.DISPUTE if change < 0 else MovementKind.DISPUTE_RETURNED, fact, change


def _amount(fact: Fact) -> int:
    return fact.amount_minor or 0
