"""Makes signed webhook requests like Stripe's: a paid checkout session of realistic size."""

import hashlib
import hmac
import json
import time
from collections.abc import Iterable

from tests.real_parts import WEBHOOK_SECRET
from tests.stripe_gateway.service import WEBHOOK_PATH

_NULLS = (
    "after_expiration billing_address_collection client_secret collected_information consent "
    "customer_creation currency_conversion discounts invoice locale origin_context payment_link "
    "permissions recovered_from saved_payment_method_options setup_intent "
    "shipping_address_collection subscription ui_mode url wallet_options"
).split()


def _template() -> str:
    # Words in angle brackets are replaced by the gift's ids; the rest is the same in all events.
    checkout = {
        "id": "<session>",
        "object": "checkout.session",
        "adaptive_pricing": {"enabled": False},
        "allow_promotion_codes": None,
        "amount_subtotal": 5_000,
        "amount_total": 5_000,
        "automatic_tax": {"enabled": False, "liability": None, "provider": None, "status": None},
        "cancel_url": "https://give.example.org/gifts/<gift>",
        "client_reference_id": "<reference>",
        "created": 1_772_366_000,
        "currency": "cad",
        "custom_fields": [],
        "custom_text": {
            "after_submit": None,
            "shipping_address": None,
            "submit": None,
            "terms_of_service_acceptance": None,
        },
        "customer": None,
        "customer_details": {
            "address": {
                "city": None,
                "country": "CA",
                "line1": None,
                "line2": None,
                "postal_code": "K1A 0B1",
                "state": None,
            },
            "email": "ann@example.com",
            "name": "Ann Lee",
            "phone": None,
            "tax_exempt": "none",
            "tax_ids": [],
        },
        "customer_email": "ann@example.com",
        "expires_at": 1_772_452_400,
        "livemode": False,
        "metadata": {"gift_id": "<gift>", "reference": "<reference>", "attempt": "1"},
        "mode": "payment",
        "payment_intent": "<payment>",
        "payment_method_collection": "if_required",
        "payment_method_options": {"card": {"request_three_d_secure": "automatic"}},
        "payment_method_types": ["card"],
        "payment_status": "paid",
        "phone_number_collection": {"enabled": False},
        "shipping_options": [],
        "status": "complete",
        "submit_type": "donate",
        "success_url": "https://give.example.org/gifts/<gift>",
        "total_details": {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0},
    } | dict.fromkeys(_NULLS)
    event = {
        "id": "<event>",
        "object": "event",
        "api_version": "2026-10-28.endive",
        "created": 1_772_366_400,
        "data": {"object": checkout},
        "livemode": False,
        "pending_webhooks": 1,
        "request": {"id": None, "idempotency_key": None},
        "type": "checkout.session.completed",
    }
    text = json.dumps(event, indent=2).replace("%", "%%")
    for word in ("session", "gift", "reference", "payment", "event"):
        text = text.replace(f"<{word}>", f"%({word})s")
    return text


PAID = _template()


def paid(gift: dict[str, str]) -> bytes:
    """Return the body of an event that says that this gift was paid."""
    return (PAID % gift).encode()


def sign_all(bodies: Iterable[bytes]) -> list[bytes]:
    """Return HTTP requests with these bodies, signed now; signatures are valid for five minutes."""
    now = int(time.time())
    return [_signed(body, now) for body in bodies]


def _signed(body: bytes, now: int) -> bytes:
    mac = hmac.new(WEBHOOK_SECRET.encode(), b"%d." % now + body, hashlib.sha256).hexdigest()
    head = (
        f"POST {WEBHOOK_PATH} HTTP/1.1\r\n"
        "Host: give.example.org\r\n"
        "User-Agent: Stripe/1.0 (+https://stripe.com/docs/webhooks)\r\n"
        "Accept: */*; q=0.5, application/xml\r\n"
        "Cache-Control: no-cache\r\n"
        "Content-Type: application/json; charset=utf-8\r\n"
        f"Content-Length: {len(body)}\r\n"
        f"Stripe-Signature: t={now},v1={mac}\r\n\r\n"
    )
    return head.encode() + body
