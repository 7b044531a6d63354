"""The status of a gift, computed from its facts. The order of the facts does not matter."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final, Protocol, TypeVar

from donate.gifts.disputes import DisputeState, disputes_of
from donate.gifts.facts import Fact, FactKind


class StatusName(StrEnum):
    """The status of a gift."""

    AWAITED = "awaited"
    PROCESSING = "processing"
    CONFIRMED = "confirmed"
    PARTLY_REFUNDED = "partly_refunded"
    REFUNDED = "refunded"
    DISPUTED = "disputed"
    CHARGED_BACK = "charged_back"
    FAILED = "failed"
    LAPSED = "lapsed"


# In these statuses the donor may still pay. In any other status, another payment is a duplicate.
STILL_PAYABLE: Final = frozenset({StatusName.AWAITED, StatusName.FAILED, StatusName.LAPSED})


class Flag(StrEnum):
    """Something odd about a gift's money that staff should check."""

    PAID_MORE_THAN_ONCE = "paid_more_than_once"
    AMOUNT_DIFFERS = "amount_differs"
    RETURNED_MORE_THAN_RECEIVED = "returned_more_than_received"


@dataclass(frozen=True, slots=True)
class Status:
    """A gift's status and amounts, in minor units of its currency.

    `returned_minor` is the sum of refunds and of open and lost disputes, but at most
    `received_minor`: a bank may dispute a whole payment after a part of it was refunded.
    `held_minor` is the part of `returned_minor` that a bank holds until a dispute ends. `net_minor`
    is received less returned.
    """

    name: StatusName
    received_minor: int
    returned_minor: int
    held_minor: int
    net_minor: int
    received_at: datetime | None
    flags: frozenset[Flag]


def status_of(facts: Iterable[Fact]) -> Status:
    """Return the status that `facts` give. Received money outranks every earlier failure or expiry.

    After a refund, the net amount is compared with the chosen amount. If a gift was paid twice and
    one payment was refunded, both amounts are equal: the gift is confirmed, without a flag. If a
    refund makes the net amount smaller than the chosen amount, the gift is partly refunded.
    """
    facts = list(facts)
    by_kind: dict[FactKind, dict[str, Fact]] = defaultdict(dict)
    for fact in facts:
        by_kind[fact.kind][fact.source_id] = fact

    transfers = _without(by_kind[FactKind.TRANSFER_RECEIVED], by_kind[FactKind.TRANSFER_UNDONE])
    # Use a list, because a payment and a transfer may have the same source_id.
    payments = [*by_kind[FactKind.PAYMENT_SUCCEEDED].values(), *transfers.values()]
    refunds = _without(by_kind[FactKind.REFUND_SUCCEEDED], by_kind[FactKind.REFUND_FAILED])
    disputes = disputes_of(facts)

    received = _total(payments)
    gone = _total(refunds.values()) + sum(d.amount_minor for d in disputes if d.has_money)
    held = sum(d.amount_minor for d in disputes if d.state is DisputeState.OPEN)
    returned = min(gone, received)
    net = received - returned
    chosen = _total(by_kind[FactKind.GIFT_OPENED].values())
    states = {dispute.state for dispute in disputes}

    if not received:
        name = _before_money(by_kind)
    elif DisputeState.OPEN in states:
        name = StatusName.DISPUTED
    elif not net:
        lost = DisputeState.LOST in states
        name = StatusName.CHARGED_BACK if lost else StatusName.REFUNDED
    elif not returned or (chosen and net >= chosen):
        name = StatusName.CONFIRMED
    else:
        name = StatusName.PARTLY_REFUNDED

    flags = set()
    # More than one payment is normal: banks limit the amount of one transfer.
    if len(payments) > 1 and net > chosen:
        flags.add(Flag.PAID_MORE_THAN_ONCE)
    if gone > received:
        flags.add(Flag.RETURNED_MORE_THAN_RECEIVED)
    # A refund alone causes no flag, because the status already shows that less is left.
    if net and chosen and (net > chosen or received < chosen):
        flags.add(Flag.AMOUNT_DIFFERS)
    return Status(
        name=name,
        received_minor=received,
        returned_minor=returned,
        held_minor=max(0, returned - (gone - held)),
        net_minor=net,
        received_at=min((fact.happened_at for fact in payments), default=None),
        flags=frozenset(flags),
    )


def _before_money(by_kind: dict[FactKind, dict[str, Fact]]) -> StatusName:
    failed, expired = by_kind[FactKind.PAYMENT_FAILED], by_kind[FactKind.CHECKOUT_EXPIRED]
    processing = _without(by_kind[FactKind.PAYMENT_PROCESSING], failed)
    still_open = _without(by_kind[FactKind.CHECKOUT_OPENED], failed | expired)
    if processing:
        return StatusName.PROCESSING
    if still_open:
        return StatusName.AWAITED
    if failed:
        return StatusName.FAILED
    return StatusName.LAPSED if expired or by_kind[FactKind.GIFT_LAPSED] else StatusName.AWAITED


def _without(facts: dict[str, Fact], undone: dict[str, Fact]) -> dict[str, Fact]:
    return {source: fact for source, fact in facts.items() if source not in undone}


def _total(facts: Iterable[Fact]) -> int:
    return sum(fact.amount_minor or 0 for fact in facts)


class _Sourced(Protocol):
    """What a fact and its row in the database have in common."""

    @property
    def kind(self) -> FactKind: ...
    @property
    def source_id(self) -> str: ...


_SourcedT = TypeVar("_SourcedT", bound=_Sourced)


def announcement_in_force(facts: Iterable[_SourcedT]) -> _SourcedT | None:
    """Return the donor's report that the transfer was sent; None if no report is in force."""
    facts = list(facts)
    taken_back = {f.source_id for f in facts if f.kind == FactKind.ANNOUNCEMENT_TAKEN_BACK}
    reports = (f for f in facts if f.kind == FactKind.TRANSFER_ANNOUNCED)
    return next((report for report in reports if report.source_id not in taken_back), None)
