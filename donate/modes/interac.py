"""Interac e-Transfer: Canadian dollars between Canadian accounts, confirmed by staff only."""

from donate.gifts.models import Gift
from donate.modes.next_step import Instructions
from donate.regions import Mode, Regions


class Interac:
    """Tells the donor where to send the transfer, how much exactly, and what to write."""

    def __init__(self, regions: Regions) -> None:
        self._regions = regions

    def begin(self, gift: Gift) -> Instructions:
        """Return the instructions for this gift; nothing is asked of anyone."""
        region = self._regions[gift.code]
        return Instructions(
            mode=Mode.INTERAC,
            amount=gift.amount,
            reference=gift.reference,
            code=gift.code,
            send_to=region.modes[Mode.INTERAC].send_to,
            contact=region.organisation.email,
        )
