"""Computes the new gift if a donor switches an unpaid gift to another mode. Pure functions."""

from donate.gifts.choosing.options import Wishes, fee_cover
from donate.gifts.models import Gift, GiftWish
from donate.money import Money
from donate.regions.regions import Region


def amount_and_wishes(
    gift: Gift, wish: GiftWish | None, region: Region, mode: str
) -> tuple[Money, Wishes]:
    """Return the amount and options for a new gift that replaces this one in another mode."""
    if wish is None:
        return gift.amount, Wishes(fund=gift.fund)
    # Subtract what the donor added to cover the fee: the other mode has another fee, or none.
    amount = Money(gift.amount_minor - wish.fee_cover_minor, gift.currency)
    covers = bool(wish.fee_cover_minor) and fee_cover(region, mode, amount) is not None
    return amount, Wishes(
        fund=gift.fund,
        is_anonymous=wish.is_anonymous,
        note=wish.note,
        tribute_kind=wish.tribute_kind,
        tribute_name=wish.tribute_name,
        covers_fee=covers,
    )
