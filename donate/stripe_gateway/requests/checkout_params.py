"""What a checkout session is asked with. Pure.

Everything follows from the gift and the intent, so that a retry sends the same under the same key.
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

# Stripe takes 30 minutes to 24 hours; an hour less leaves room for clocks that differ.
SESSION_LIFE: Final = timedelta(hours=23)


def session_params(
    gift: Gift,
    donor: Donor,
    attempt: int,
    asked_at: datetime,
    public_url: str,
    *,
    language: str = "",
) -> "SessionCreateParams":
    """Return what to ask for: a payment, a subscription, or an account that each month is debited.

    The donor reads it in `language`, or else in the gift's, and comes back to a page in the same.

    Stripe offers no pre-authorized debit in subscription mode; what begins after a setup is made by
    `agreements`.
    """
    metadata = {"gift_id": str(gift.id), "reference": gift.reference, "attempt": str(attempt)}
    language = language or gift.language
    page = f"{public_url}/gifts/{gift.token}"
    spoken = "" if language == gift.language else f"&lang={language}"
    about: Any = {"metadata": metadata, "description": gift.reference}
    params: SessionCreateParams = {
        "mode": "payment",
        "allowed_payment_method_types": [Mode(gift.mode).facts.stripe_method],
        "client_reference_id": gift.reference,
        "customer_email": ascii_address(donor.email),
        "locale": _locale(language),
        "expires_at": int((asked_at + SESSION_LIFE).timestamp()),
        "success_url": f"{page}?back=paid{spoken}",
        "cancel_url": f"{page}?back=cancelled{spoken}",
        "metadata": metadata,
    }
    monthly = gift.frequency == Frequency.MONTHLY
    if monthly and gift.mode == Mode.BANK_DEBIT:
        return params | _setup(gift, about, language)
    # The donor pays the very amount and currency that was recorded, never a converted one.
    params["adaptive_pricing"] = {"enabled": False}
    params["line_items"] = [
        {
            "quantity": 1,
            "price_data": {
                "currency": gift.currency.lower(),
                "unit_amount": gift.amount_minor,
                "product_data": {"name": product_name(gift, language)},
            },
        }
    ]
    if monthly:
        params["mode"] = "subscription"
        params["line_items"][0]["price_data"]["recurring"] = {"interval": "month"}
        params["subscription_data"] = about
    else:
        params["submit_type"] = "donate"
        params["payment_intent_data"] = about
    if gift.mode == Mode.BANK_DEBIT:
        once: Any = {"payment_schedule": "sporadic", "transaction_type": "personal"}
        params["payment_method_options"] = {"acss_debit": {"mandate_options": once}}
    return params


def product_name(gift: Gift, language: str = "") -> str:
    """Return what the donor reads at Stripe and on invoices as the name of what they give."""
    french = (language or gift.language).startswith("fr")
    return f"Don {gift.reference}" if french else f"Gift {gift.reference}"


def _setup(gift: Gift, about: Any, language: str) -> "SessionCreateParams":
    terms = translate(
        language,
        N_(
            "You authorize us to debit %(amount)s from your bank account now, and again every "
            "month on the day of the first debit. You can change the amount, pause or cancel at "
            "any time."
        ),
        {"amount": format_money(gift.amount, language)},
    )
    return {
        "mode": "setup",
        # An account belongs to a customer, and this one to nobody else's account.
        "customer_creation": "always",
        "custom_text": {"submit": {"message": terms}},
        "setup_intent_data": about,
        "payment_method_options": {
            "acss_debit": {
                "currency": "cad",
                # One purpose needs the other, and neither can stand beside a payment schedule:
                # when and how much is debited stands in our own terms.
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
