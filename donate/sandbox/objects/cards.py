"""The test cards and the test bank account, and the outcome of paying with each.

https://docs.stripe.com/testing
"""

from dataclasses import dataclass
from typing import Any

from donate.sandbox.objects.parts import null_fields


@dataclass(frozen=True)
class Decline:
    code: str
    decline_code: str
    message: str


GENERIC_DECLINE = Decline("card_declined", "generic_decline", "Your card was declined.")
INSUFFICIENT_FUNDS = Decline(
    "card_declined", "insufficient_funds", "Your card has insufficient funds."
)
EXPIRED_CARD = Decline("expired_card", "expired_card", "Your card has expired.")
BANK_REFUSED = Decline(
    "payment_method_bank_account_blocked",
    "debit_not_authorized",
    "The customer's bank account could not be debited.",
)

# The fields of a card or bank account that a payment method has. A charge has more of them.
_METHOD_FIELDS = {
    "acss_debit": "bank_name fingerprint institution_number last4 transit_number",
    "card": "brand checks country exp_month exp_year fingerprint funding last4 regulated_status "
    "wallet",
}


@dataclass(frozen=True)
class KnownCard:
    number: str
    brand: str
    country: str
    decline: Decline | None = None


TEST_CARDS = {
    card.number: card
    for card in (
        KnownCard("4242424242424242", "visa", "US"),
        KnownCard("4000001240000000", "visa", "CA"),
        KnownCard("5555555555554444", "mastercard", "US"),
        KnownCard("378282246310005", "amex", "US"),
        # A refund to this card is pending at first: https://docs.stripe.com/testing#refunds
        KnownCard("4000000000007726", "visa", "US"),
        KnownCard("4000000000000002", "visa", "US", GENERIC_DECLINE),
        KnownCard("4000000000009995", "visa", "US", INSUFFICIENT_FUNDS),
        KnownCard("4000000000000069", "visa", "US", EXPIRED_CARD),
    )
}


def card_details(number: str, brand: str, country: str) -> dict[str, Any]:
    return {
        "card": {
            **null_fields(
                "amount_authorized authorization_code installments mandate network_transaction_id "
                "three_d_secure wallet"
            ),
            "brand": brand,
            "checks": {
                **null_fields("address_line1_check address_postal_code_check"),
                "cvc_check": "pass",
            },
            "country": country,
            "exp_month": 12,
            "exp_year": 2040,
            "fingerprint": f"sandbox{number[-9:]}",
            "funding": "credit",
            "last4": number[-4:],
            "network": brand,
            "network_token": {"used": False},
            "regulated_status": "unregulated",
        },
        "type": "card",
    }


def bank_debit_details(institution: str, transit: str, account: str) -> dict[str, Any]:
    return {
        "acss_debit": {
            "bank_name": "SANDBOX BANK",
            "fingerprint": f"sandbox{account[-4:]}",
            "institution_number": institution,
            "last4": account[-4:],
            "transit_number": transit,
        },
        "type": "acss_debit",
    }


def method_of(charge: dict[str, Any]) -> dict[str, Any]:
    """Return a charge's payment method as a PaymentMethod object."""
    kind = charge["payment_method_details"]["type"]
    details = charge["payment_method_details"][kind]
    return {
        "id": charge["payment_method"],
        "object": "payment_method",
        "allow_redisplay": "unspecified",
        "billing_details": charge["billing_details"],
        "created": charge["created"],
        "customer": charge["customer"],
        "customer_account": None,
        "livemode": False,
        "metadata": {},
        "type": kind,
        kind: {name: details[name] for name in _METHOD_FIELDS[kind].split() if name in details},
    }
