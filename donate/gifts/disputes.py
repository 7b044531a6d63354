"""The state of each dispute about a gift, computed from its facts. Pure functions.

A dispute keeps its id while its type and outcome change. An inquiry can become a chargeback. A lost
dispute can be won a day later (https://github.com/Automattic/woocommerce-payments/issues/4931). A
dispute that was won can be lost in a second *round*. A new round begins each time the money comes
back and is taken again. So the source of a fact about the money names the dispute and its round:
`dp_1` is the first round, `dp_1:2` the second.

The latest round decides the state. Within a round, an outcome outranks the opening, and a later
outcome outranks an earlier one.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from donate.gifts.facts import Fact, FactKind


class DisputeState(StrEnum):
    """The state of a dispute or inquiry."""

    INQUIRY = "inquiry"  # The bank asks a question; it has taken no money.
    ANSWERED = "answered"  # We answered the inquiry; the bank has taken no money.
    CLOSED = "closed"  # The bank closed the inquiry.
    OPEN = "open"  # The bank holds the money until the dispute ends.
    WON = "won"  # The bank gave the money back to us.
    LOST = "lost"  # The bank keeps the money.


_TAKEN: Final = frozenset({DisputeState.OPEN, DisputeState.LOST})

_MONEY: Final = {
    FactKind.DISPUTE_OPENED: DisputeState.OPEN,
    FactKind.DISPUTE_LOST: DisputeState.LOST,
    FactKind.DISPUTE_WON: DisputeState.WON,
}
_INQUIRY: Final = {
    FactKind.INQUIRY_OPENED: DisputeState.INQUIRY,
    FactKind.INQUIRY_ANSWERED: DisputeState.ANSWERED,
    FactKind.INQUIRY_CLOSED: DisputeState.CLOSED,
}
_RANK: Final = {kind: rank for rank, kind in enumerate([*_INQUIRY, *_MONEY])}


@dataclass(frozen=True, slots=True)
class Dispute:
    """The current state of one dispute. `fact` is the fact that determines the state.

    `money_facts` are the facts which say that the bank took or returned money, in order.
    """

    id: str
    state: DisputeState
    fact: Fact
    money_facts: tuple[Fact, ...] = ()

    @property
    def has_money(self) -> bool:
        """Whether the donor's bank has the money now."""
        return self.state in _TAKEN

    @property
    def amount_minor(self) -> int:
        """The disputed amount in minor units; 0 if the bank never took any money."""
        return self.fact.amount_minor or 0

    @property
    def due_by(self) -> datetime | None:
        """The bank's deadline for our answer, if Stripe gave one."""
        return self.fact.due_by


def round_source(dispute_id: str, number: int) -> str:
    """Return the source of a fact about one round of a dispute. `number` counts from 1."""
    return dispute_id if number == 1 else f"{dispute_id}:{number}"


def disputes_of(facts: Iterable[Fact]) -> list[Dispute]:
    """Return the current state of each dispute that `facts` mention, sorted by the dispute's id."""
    by_dispute: dict[str, list[Fact]] = defaultdict(list)
    for fact in facts:
        if fact.kind in _RANK:
            by_dispute[fact.source_id.partition(":")[0]].append(fact)
    return [_current(dispute_id, by_dispute[dispute_id]) for dispute_id in sorted(by_dispute)]


def _current(dispute_id: str, facts: list[Fact]) -> Dispute:
    money = _money_facts(facts)
    if not money:
        fact = max(facts, key=lambda one: _RANK[one.kind] if one.kind in _INQUIRY else -1)
        return Dispute(dispute_id, _INQUIRY[fact.kind], fact)
    return Dispute(dispute_id, _MONEY[money[-1].kind], money[-1], tuple(money))


def _money_facts(facts: list[Fact]) -> list[Fact]:
    """Return one dispute's facts about money that the bank took or returned, in order."""
    money = [fact for fact in facts if fact.kind in _MONEY]
    closed = [fact for fact in facts if fact.kind == FactKind.INQUIRY_CLOSED]
    if all(_was_withdrawn(fact, closed) for fact in money):
        return []
    return sorted(money, key=_dispute_order)


def _was_withdrawn(opened: Fact, closed: list[Fact]) -> bool:
    # If Stripe reported a chargeback and later closed it as an inquiry, the bank took no money.
    is_opening = opened.kind == FactKind.DISPUTE_OPENED
    return is_opening and any(fact.happened_at > opened.happened_at for fact in closed)


def _dispute_order(fact: Fact) -> tuple[int, bool, datetime, int]:
    number = fact.source_id.partition(":")[2]
    is_end = fact.kind != FactKind.DISPUTE_OPENED
    return int(number) if number.isdecimal() else 1, is_end, fact.happened_at, _RANK[fact.kind]
