"""The names that staff pages show for the kinds of movements."""

from typing import Final

from donate.errors import N_
from donate.gifts.movements.rules import MovementKind

MOVEMENT_KINDS: Final[dict[str, str]] = {
    MovementKind.PAYMENT: N_("Payment"),
    MovementKind.TRANSFER: N_("Transfer"),
    MovementKind.TRANSFER_UNDONE: N_("Transfer undone"),
    MovementKind.REFUND: N_("Refund"),
    MovementKind.REFUND_RETURNED: N_("Failed refund returned"),
    MovementKind.DISPUTE: N_("Dispute"),
    MovementKind.DISPUTE_RETURNED: N_("Dispute money returned"),
}

NO_FUND: Final = N_("No fund")
