"""What became of each dispute about a gift: a pure function of the set of facts.

One dispute may change its nature and its end under the same id. An inquiry becomes a chargeback; a
dispute that was lost is won a day later
(https://github.com/Automattic/woocommerce-payments/issues/4931); one that was won is lost in a
second round. So a fact about money is named by the dispute and the *round*: each time that the
money came back begins a new round. `dp_1` is the first one, `dp_1:2` the second.

The latest round decides. Within a round an end outranks a beginning, and the later end the earlier
one.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from donate.gifts.facts import Fact, FactKind


class DisputeState(StrEnum):
    """How far a dispute has come."""

    INQUIRY = "inquiry"  # the bank asks; no money is gone
    ANSWERED = "answered"  # the bank asked, and was answered; no money is gone
    CLOSED = "closed"  # the bank asked, and let it be
    OPEN = "open"  # the money is gone until it ends
    WON = "won"  # the money came back
    LOST = "lost"  # the money is gone for good


_TAKEN: Final = frozenset({DisputeState.OPEN, DisputeState.LOST})
_ASKED: Final = frozenset({DisputeState.INQUIRY, DisputeState.ANSWERED})

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
    """One dispute as it is now. `fact` is the one that says so."""

    id: str
    state: DisputeState
    fact: Fact

    @property
    def has_money(self) -> bool:
        """Whether the donor's bank has the money now."""
        return self.state in _TAKEN

    @property
    def is_inquiry(self) -> bool:
        """Whether the donor's bank only asks, and still does."""
        return self.state in _ASKED

    @property
    def amount_minor(self) -> int:
        """What it is about; nothing where no money ever moved."""
        return self.fact.amount_minor or 0

    @property
    def due_by(self) -> datetime | None:
        """Until when the bank waits for an answer, where we were told."""
        told = self.fact.evidence.get("due_by")
        return datetime.fromisoformat(told) if isinstance(told, str) else None


def round_source(dispute_id: str, number: int) -> str:
    """Return what names the facts of a dispute's first, second, ... round."""
    return dispute_id if number == 1 else f"{dispute_id}:{number}"


def disputes_of(facts: Iterable[Fact]) -> list[Dispute]:
    """Return the disputes that these facts tell of, sorted by their ids."""
    told: dict[str, list[Fact]] = defaultdict(list)
    for fact in facts:
        if fact.kind in _RANK:
            told[fact.source_id.partition(":")[0]].append(fact)
    return [_one(dispute_id, told[dispute_id]) for dispute_id in sorted(told)]


def _one(dispute_id: str, facts: list[Fact]) -> Dispute:
    money = [fact for fact in facts if fact.kind in _MONEY]
    closed = [fact for fact in facts if fact.kind == FactKind.INQUIRY_CLOSED]
    if not money or all(_let_be(fact, closed) for fact in money):
        fact = max(facts, key=lambda one: _RANK[one.kind] if one.kind in _INQUIRY else -1)
        return Dispute(dispute_id, _INQUIRY[fact.kind], fact)
    fact = max(money, key=_how_late)
    return Dispute(dispute_id, _MONEY[fact.kind], fact)


def _let_be(opened: Fact, closed: list[Fact]) -> bool:
    # Stripe called it a chargeback for a while, then closed it as an inquiry: nothing had gone.
    is_opening = opened.kind == FactKind.DISPUTE_OPENED
    return is_opening and any(fact.happened_at > opened.happened_at for fact in closed)


def _how_late(fact: Fact) -> tuple[int, bool, datetime, int]:
    number = fact.source_id.partition(":")[2]
    is_end = fact.kind != FactKind.DISPUTE_OPENED
    return int(number) if number.isdecimal() else 1, is_end, fact.happened_at, _RANK[fact.kind]
