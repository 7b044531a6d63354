"""Reads the donor's choice from a request body, and compares it with an already recorded gift."""

from typing import Final

from donate.api.schemas import NewGift
from donate.errors import N_, BadInput, BadInputs
from donate.gifts.choosing.choice import Choice, check_choice
from donate.gifts.models import Donor, Gift, GiftWish
from donate.money import Money, is_currency
from donate.regions.regions import Region

# Maps each field name that `check_choice` uses to the field's path in the request body.
_PLACES: Final = {
    "amount": "amount_minor",
    "name": "donor/name",
    "email": "donor/email",
    "tribute": "tribute/name",
}


def read_new_gift(new: NewGift, region: Region) -> Choice:
    """Return the donor's choice from a request body.

    Raises BadInputs. Each of its problems names the path of an invalid field in the body.
    """
    amount: Money | BadInput
    if is_currency(new.currency):
        amount = Money(new.amount_minor, new.currency)
    else:
        amount = BadInput("currency", N_("There is no such currency."))
    try:
        return check_choice(
            region,
            mode=new.mode,
            amount=amount,
            frequency=new.frequency,
            country=new.country,
            language=region.language(new.language),
            name=new.donor.name,
            email=new.donor.email,
            wishes=new.wishes(),
        )
    except BadInputs as bad:
        raise BadInputs(
            [BadInput(_PLACES.get(p.field, p.field), p.message, p.values) for p in bad.problems]
        ) from None


def requested_fields(choice: Choice) -> tuple[object, ...]:
    """Return the fields that a request asks for, for comparison with `recorded_fields`."""
    return (
        choice.region.code,
        choice.mode,
        choice.frequency,
        choice.amount,
        choice.language,
        choice.country,
        choice.name,
        choice.email,
        choice.wishes.fund,
        choice.wish_row(),
    )


def recorded_fields(gift: Gift, donor: Donor, wish: GiftWish | None) -> tuple[object, ...]:
    """Return a recorded gift's fields, for comparison with `requested_fields`.

    The gift was opened by an earlier request with the same idempotency key.
    """
    return (
        gift.code,
        gift.mode,
        gift.frequency,
        gift.amount,
        gift.language,
        donor.country,
        donor.name,
        donor.email,
        gift.fund,
        wish.model_dump(exclude={"gift_id"}) if wish else {},
    )
