"""Any payment that quotes the gift's reference: by cheque, by bank transfer or in person."""

from donate.gifts.models import Gift
from donate.modes.next_step import Instructions
from donate.regions.modes import Mode
from donate.regions.regions import Regions


class GivingCode:
    """Tells the donor which giving code and reference to quote."""

    def __init__(self, regions: Regions) -> None:
        self._regions = regions

    def begin(self, gift: Gift, language: str = "", *, is_counted: bool = True) -> Instructions:
        """Return the instructions for paying this gift. No request to Stripe is needed."""
        region = self._regions[gift.code]
        terms = region.modes[Mode.GIVING_CODE]
        return Instructions(
            mode=Mode.GIVING_CODE,
            amount=gift.amount,
            reference=gift.reference,
            code=gift.code,
            text=terms.instructions,
            ways=tuple(terms.ways),
            contact=region.organisation.email,
        )
