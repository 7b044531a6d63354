"""What the operator has to do at Stripe, because this program erases nothing there."""

from typing import Final

from donate.errors import N_

# https://docs.stripe.com/privacy/deletion-requests and https://docs.stripe.com/privacy/redaction
AT_STRIPE: Final = (
    N_("Redact the customers and payments below with a redaction job (docs.stripe.com/privacy)."),
    N_("Without redaction jobs, delete the customers in Stripe’s Dashboard."),
    N_("Stripe redacts a payment 90 days after it at the earliest, and no customer in use."),
)
