"""The events that other programs are told about, and the facts that cause them."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from donate.gifts.facts import FactKind


class OutboundEvent(StrEnum):
    """The types of events. `docs/webhooks.md` documents them."""

    GIFT_CONFIRMED = "gift.confirmed"  # Money arrived.
    GIFT_UNCONFIRMED = "gift.unconfirmed"  # Staff undid a transfer, a cheque or cash.
    GIFT_REFUNDED = "gift.refunded"  # Money went back to the donor.
    GIFT_REFUND_FAILED = "gift.refund_failed"  # It did not go back after all.
    GIFT_DISPUTED = "gift.disputed"  # The donor's bank took the money.
    GIFT_DISPUTE_CLOSED = "gift.dispute_closed"  # The dispute was won, lost or withdrawn.
    PLEDGE_CHANGED = "pledge.changed"  # A monthly gift began, changed or ended.
    TEST = "webhook.test"  # Staff asked for a test.


CHOOSABLE: Final = tuple(event for event in OutboundEvent if event != OutboundEvent.TEST)
"""The events that staff choose for a receiver. A test is always sent."""

EVENT_OF: Final[Mapping[FactKind, OutboundEvent]] = {
    FactKind.PAYMENT_SUCCEEDED: OutboundEvent.GIFT_CONFIRMED,
    FactKind.TRANSFER_RECEIVED: OutboundEvent.GIFT_CONFIRMED,
    FactKind.TRANSFER_UNDONE: OutboundEvent.GIFT_UNCONFIRMED,
    FactKind.REFUND_SUCCEEDED: OutboundEvent.GIFT_REFUNDED,
    FactKind.REFUND_FAILED: OutboundEvent.GIFT_REFUND_FAILED,
    FactKind.DISPUTE_OPENED: OutboundEvent.GIFT_DISPUTED,
    FactKind.DISPUTE_WON: OutboundEvent.GIFT_DISPUTE_CLOSED,
    FactKind.DISPUTE_LOST: OutboundEvent.GIFT_DISPUTE_CLOSED,
    # Only if the bank had taken the money for this inquiry.
    FactKind.INQUIRY_CLOSED: OutboundEvent.GIFT_DISPUTE_CLOSED,
    FactKind.PLEDGE_STARTED: OutboundEvent.PLEDGE_CHANGED,
    FactKind.PLEDGE_ENDED: OutboundEvent.PLEDGE_CHANGED,
}
"""Maps kinds of facts to events. Other changes of a pledge are found in the table `PledgeNews`."""

CHANGE_OF: Final[Mapping[FactKind, str]] = {
    FactKind.DISPUTE_WON: "won",
    FactKind.DISPUTE_LOST: "lost",
    FactKind.INQUIRY_CLOSED: "withdrawn",
    FactKind.PLEDGE_STARTED: "started",
    FactKind.PLEDGE_ENDED: "ended",
}
"""Maps kinds of facts to how a dispute ended, or to what changed about a pledge.

For a row of `PledgeNews`, its own kind says what changed.
"""
