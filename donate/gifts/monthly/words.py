"""Says which card or bank account pays a pledge, for donors and staff, as message ids."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from donate.errors import N_
from donate.gifts.monthly.pledge_state import PaymentMethod

# Stripe's words for brands: https://docs.stripe.com/api/payment_methods/object
_BRANDS: Final[Mapping[str, str]] = {
    "amex": "American Express",
    "cartes_bancaires": "Cartes Bancaires",
    "diners": "Diners Club",
    "discover": "Discover",
    "jcb": "JCB",
    "mastercard": "Mastercard",
    "unionpay": "UnionPay",
    "visa": "Visa",
}


@dataclass(frozen=True, slots=True)
class MethodInWords:
    """A message id and the values of its placeholders."""

    message: str
    values: Mapping[str, str]


def method_in_words(method: PaymentMethod | None, *, by_card: bool) -> MethodInWords | None:
    """Return a sentence such as “Visa ending in 4242”; None if the digits are unknown."""
    if method is None or not method.last4:
        return None
    digits = {"last4": method.last4}
    if not by_card:
        return MethodInWords(N_("Account ending in %(last4)s"), digits)
    if method.brand not in _BRANDS:
        return MethodInWords(N_("Card ending in %(last4)s"), digits)
    brand = {"brand": _BRANDS[method.brand]}
    return MethodInWords(N_("%(brand)s ending in %(last4)s"), brand | digits)
