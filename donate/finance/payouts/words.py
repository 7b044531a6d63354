"""The texts about payouts on the staff pages."""

from collections.abc import Mapping
from typing import Final

from donate.errors import N_

PAYOUT_STATUSES: Final[Mapping[str, str]] = {
    "pending": N_("Pending"),
    "in_transit": N_("On its way"),
    "paid": N_("Paid out"),
    "failed": N_("Failed"),
    "canceled": N_("Canceled"),
}
# The colour of each status, as a CSS class. Statuses of gifts use the same classes.
PAYOUT_COLOURS: Final[Mapping[str, str]] = {
    "pending": "awaited",
    "in_transit": "processing",
    "paid": "confirmed",
    "failed": "failed",
    "canceled": "lapsed",
}
PAYOUT_SENTENCES: Final[Mapping[str, str]] = {
    "pending": N_("Stripe hasn’t sent the money to the bank yet."),
    "in_transit": N_("Stripe has sent the money. The bank hasn’t confirmed it yet."),
    "paid": N_("The bank should have the money. A payout can still fail for five business days."),
    "failed": N_(
        "The bank didn’t take the payout. The money is back in the Stripe balance and is part of "
        "a later payout. Check the bank account in Stripe."
    ),
    "canceled": N_("The payout was canceled. The money is back in the Stripe balance."),
}
DEBIT_SENTENCE: Final = N_(
    "The Stripe balance was negative, so Stripe took this amount from the bank account."
)
# The failure codes at https://docs.stripe.com/api/payouts/failures
PAYOUT_FAILURES: Final[Mapping[str, str]] = {
    "account_closed": N_("The bank account has been closed."),
    "account_frozen": N_("The bank account has been frozen."),
    "bank_account_restricted": N_("The bank account doesn’t allow this kind of payout."),
    "bank_ownership_changed": N_("The bank account belongs to another bank now."),
    "could_not_process": N_("The bank couldn’t process the payout."),
    "debit_not_authorized": N_(
        "The bank doesn’t let Stripe debit the account. Ask the bank to allow Stripe’s debits."
    ),
    "declined": N_("The bank declined the payout. Please call the bank."),
    "incorrect_account_holder_name": N_("The account holder’s name at Stripe is wrong."),
    "insufficient_funds": N_("There wasn’t enough money to cover it."),
    "invalid_account_number": N_("The account number at Stripe is wrong."),
    "invalid_currency": N_("The bank account doesn’t accept this currency."),
    "no_account": N_("The bank couldn’t find the account. Check its number in Stripe."),
    "unsupported_card": N_("The bank no longer supports payouts to this card."),
}
TIED: Final[Mapping[str, str]] = {
    "yes": N_("Tied to a bank line"),
    "no": N_("Not tied to a bank line"),
}
