"""Interac e-Transfer: Canadian dollars between Canadian accounts. Staff confirm each transfer."""

from donate.gifts.models import Gift
from donate.modes.next_step import Instructions
from donate.money import parts_of
from donate.regions.modes import Mode
from donate.regions.regions import Regions


class Interac:
    """Tells the donor the address, the amount and the message of the transfer."""

    def __init__(self, regions: Regions) -> None:
        self._regions = regions

    def begin(self, gift: Gift, language: str = "", *, is_counted: bool = True) -> Instructions:
        """Return the instructions for paying this gift. No request to Stripe is needed."""
        region = self._regions[gift.code]
        terms = region.modes[Mode.INTERAC]
        return Instructions(
            mode=Mode.INTERAC,
            amount=gift.amount,
            reference=gift.reference,
            code=gift.code,
            send_to=terms.send_to,
            recipient_name=terms.recipient_name,
            autodeposit=terms.autodeposit,
            parts=parts_of(gift.amount, terms.split_above_minor),
            contact=region.organisation.email,
        )
