"""What the facts about a gift mean together: a pure function of their set, so order is nothing."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from donate.gifts.disputes import DisputeState, disputes_of
from donate.gifts.facts import Fact, FactKind


class StatusName(StrEnum):
    """What a gift is, in one word."""

    AWAITED = "awaited"
    PROCESSING = "processing"
    CONFIRMED = "confirmed"
    PARTLY_REFUNDED = "partly_refunded"
    REFUNDED = "refunded"
    DISPUTED = "disputed"
    CHARGED_BACK = "charged_back"
    FAILED = "failed"
    LAPSED = "lapsed"


# The donor may still pay; in any other status a second payment would be one too many.
STILL_PAYABLE: Final = frozenset({StatusName.AWAITED, StatusName.FAILED, StatusName.LAPSED})


class Flag(StrEnum):
    """Something about the money that staff should look at."""

    PAID_MORE_THAN_ONCE = "paid_more_than_once"
    AMOUNT_DIFFERS = "amount_differs"
    RETURNED_MORE_THAN_RECEIVED = "returned_more_than_received"


@dataclass(frozen=True, slots=True)
class Status:
    """The meaning of a set of facts. Amounts in minor units of the gift's currency.

    `received_minor` came in. `returned_minor` went back (refunds, and disputes open or lost), and
    is never more than came in: a bank may dispute a whole payment of which a part was refunded.
    A bank holds `held_minor` of that until a dispute ends. `net_minor` is what is left.
    """

    name: StatusName
    received_minor: int
    returned_minor: int
    held_minor: int
    net_minor: int
    received_at: datetime | None
    flags: frozenset[Flag]


def status_of(facts: Iterable[Fact]) -> Status:
    """Say what `facts` mean together. Money in hand outranks every earlier failure or expiry.

    The rule for money that went back: what is in hand is held against what was chosen, not the sum
    of all that ever happened. Of a gift that was paid twice, one payment may go back whole: what
    was chosen is in hand, so it is confirmed, and there is nothing left to flag. A gift of which
    less than was chosen is left, because some went back, is partly refunded.
    """
    facts = list(facts)
    by_kind: dict[FactKind, dict[str, Fact]] = defaultdict(dict)
    for fact in facts:
        by_kind[fact.kind][fact.source_id] = fact

    transfers = _without(by_kind[FactKind.TRANSFER_RECEIVED], by_kind[FactKind.TRANSFER_UNDONE])
    # Side by side, not one dict: a payment and a transfer may bear the same source_id.
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
    # A bank may not let all of it go in one transfer: several payments are no fault by themselves.
    if len(payments) > 1 and net > chosen:
        flags.add(Flag.PAID_MORE_THAN_ONCE)
    if gone > received:
        flags.add(Flag.RETURNED_MORE_THAN_RECEIVED)
    # Too little because some went back is what the status says.
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


def _without(facts: dict[str, Fact], taken_back: dict[str, Fact]) -> dict[str, Fact]:
    return {source: fact for source, fact in facts.items() if source not in taken_back}


def _total(facts: Iterable[Fact]) -> int:
    return sum(fact.amount_minor or 0 for fact in facts)
