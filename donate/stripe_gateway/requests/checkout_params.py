"""Builds the parameters of a checkout session. Pure.

The parameters depend only on the gift and the recorded request, so a retry sends the same
parameters with the same idempotency key.
"""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, Literal

from donate.errors import N_
from donate.gifts.models import Donor, Gift
from donate.mail_server import ascii_address
from donate.money import format_money
from donate.regions.modes import Mode
from donate.regions.regions import Frequency
from donate.web.templating import translate

if TYPE_CHECKING:
    from stripe.params.checkout import SessionCreateParams

# How long a session stays open. Stripe allows 30 minutes to 24 hours. This is a bit less than 24
# hours, because Stripe's clock and ours may differ.
SESSION_LIFE: Final = timedelta(hours=23)


def session_params(
    gift: Gift,
    donor: Donor,
    attempt: int,
    requested_at: datetime,
    page: str,
    *,
    language: str = "",
    charity: str = "",
) -> "SessionCreateParams":
    """Return the parameters for a payment, a subscription, or a bank account for monthly debits.

    `page` is the URL of the donor's page for the gift. `language` is the language of Stripe's page
    and of the page to which the donor returns. By default it is the gift's language. Stripe does
    not offer pre-authorized debit in subscription mode. So a monthly debit starts with a session in
    setup mode, and `agreements` creates its subscription.
    """
    metadata = {"gift_id": str(gift.id), "reference": gift.reference, "attempt": str(attempt)}
    language = language or gift.language
    lang_param = "" if language == gift.language else f"&lang={language}"
    labels: Any = {"metadata": metadata, "description": gift.reference}
    params: SessionCreateParams = {
        "mode": "payment",
        "allowed_payment_method_types": [gift.mode.facts.stripe_method],
        "client_reference_id": gift.reference,
        "customer_email": ascii_address(donor.email),
        "locale": _locale(language),
        "expires_at": int((requested_at + SESSION_LIFE).timestamp()),
        "success_url": f"{page}?back=paid{lang_param}",
        "cancel_url": f"{page}?back=cancelled{lang_param}",
        "metadata": metadata,
    }
    monthly = gift.frequency == Frequency.MONTHLY
    if monthly and gift.mode == Mode.BANK_DEBIT:
        return params | _setup(gift, labels, language)
    # Charge the recorded amount and currency, never a converted one.
    params["adaptive_pricing"] = {"enabled": False}
    params["line_items"] = [
        {
            "quantity": 1,
            "price_data": {
                "currency": gift.currency.lower(),
                "unit_amount": gift.amount_minor,
                "product_data": {"name": product_name(gift, language, charity)},
            },
        }
    ]
    if monthly:
        params["mode"] = "subscription"
        params["line_items"][0]["price_data"]["recurring"] = {"interval": "month"}
        params["subscription_data"] = labels
    else:
        params["submit_type"] = "donate"
        params["payment_intent_data"] = labels
    if gift.mode == Mode.BANK_DEBIT:
        once: Any = {"payment_schedule": "sporadic", "transaction_type": "personal"}
        params["payment_method_options"] = {"acss_debit": {"mandate_options": once}}
    return params


def product_name(gift: Gift, language: str = "", charity: str = "") -> str:
    """Return the gift's name, which Stripe shows to the donor on its page and on invoices.

    `charity` is the organisation's name in that language; empty if it is not known.
    """
    french = (language or gift.language).startswith("fr")
    name = f"Don {gift.reference}" if french else f"Gift {gift.reference}"
    return f"{name} – {charity}" if charity else name


def _setup(gift: Gift, labels: Any, language: str) -> "SessionCreateParams":
    terms = translate(
        language,
        N_(
            "You authorize us to debit %(amount)s from your bank account now, and then every "
            "month on the same day. You can change the amount, pause or cancel at any time."
        ),
        {"amount": format_money(gift.amount, language)},
    )
    return {
        "mode": "setup",
        # Stripe saves a bank account with a customer. Create a new customer for each gift, so that
        # the bank accounts of two gifts are never mixed up.
        "customer_creation": "always",
        "custom_text": {"submit": {"message": terms}},
        "setup_intent_data": labels,
        "payment_method_options": {
            "acss_debit": {
                "currency": "cad",
                # In `default_for`, Stripe accepts "invoice" only together with "subscription", and
                # in that case it refuses a payment schedule. Our own terms tell the donor when and
                # how much is debited.
                # https://docs.stripe.com/api/mandates/object (payment_method_details.acss_debit)
                "mandate_options": {"default_for": ["invoice", "subscription"]},
            }
        },
    }


def _locale(language: str) -> Literal["en", "fr-CA", "fr", "auto"]:
    match language.partition("-"):
        case "fr", _, "CA":
            return "fr-CA"
        case ("en" | "fr") as spoken, _, _:
            return spoken
        case _:
            return "auto"
