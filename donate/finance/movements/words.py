"""The words in which staff read the kinds of movements."""

from typing import Final

from donate.gifts.movements.rules import MovementKind

MOVEMENT_KINDS: Final[dict[str, str]] = {
    MovementKind.PAYMENT: "Payment",
    MovementKind.TRANSFER: "Transfer",
    MovementKind.TRANSFER_UNDONE: "Transfer undone",
    MovementKind.REFUND: "Refund",
    MovementKind.REFUND_RETURNED: "Failed refund returned",
    MovementKind.DISPUTE: "Dispute",
    MovementKind.DISPUTE_RETURNED: "Dispute money returned",
}

NO_FUND: Final = "No fund"
