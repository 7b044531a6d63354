"""The words of a gift's page: modes, statuses, and the headline for each situation."""

from collections.abc import Mapping
from typing import Final

from donate.errors import N_
from donate.gifts.choosing.options import Tribute
from donate.gifts.status import StatusName
from donate.regions.regions import Frequency

FREQUENCY_NAMES: Final[Mapping[Frequency, str]] = {
    Frequency.ONCE: N_("One-time gift"),
    Frequency.MONTHLY: N_("Monthly gift"),
}

TRIBUTES: Final[Mapping[str, str]] = {
    "": N_("No"),
    Tribute.HONOUR: N_("In honour of"),
    Tribute.MEMORY: N_("In memory of"),
}

ACCOUNT_TO_CONFIRM: Final = N_("Account to confirm")
STATUS_NAMES: Final[Mapping[StatusName, str]] = {
    StatusName.AWAITED: N_("Awaited"),
    StatusName.PROCESSING: N_("On its way"),
    StatusName.CONFIRMED: N_("Received"),
    StatusName.PARTLY_REFUNDED: N_("Partly refunded"),
    StatusName.REFUNDED: N_("Refunded"),
    StatusName.DISPUTED: N_("Disputed"),
    StatusName.CHARGED_BACK: N_("Taken back"),
    StatusName.FAILED: N_("Not paid"),
    StatusName.LAPSED: N_("Lapsed"),
}

Words = tuple[str, str]
"""A headline, and a sentence or two below it."""

STATUS_WORDS: Final[Mapping[StatusName, Words]] = {
    StatusName.AWAITED: (
        N_("Your gift is not paid yet"),
        N_("Your choice is recorded. No payment has reached us so far."),
    ),
    StatusName.PROCESSING: (
        N_("Your gift is on its way"),
        N_("The payment is under way. It is not yet in our account; there is nothing left to do."),
    ),
    StatusName.CONFIRMED: (
        N_("Received, thank you!"),
        N_("Your gift has arrived. Please keep the reference for your records."),
    ),
    StatusName.PARTLY_REFUNDED: (
        N_("Part of your gift was refunded"),
        N_("We received your gift, and a part of it went back to you."),
    ),
    StatusName.REFUNDED: (
        N_("Your gift was refunded"),
        N_("All of it went back to you. It can take a few days to show on your statement."),
    ),
    StatusName.DISPUTED: (
        N_("Your bank has a question about this gift"),
        N_(
            "The payment is disputed, and the bank holds the money until that is settled. "
            "If you did not ask for this, please tell your bank."
        ),
    ),
    StatusName.CHARGED_BACK: (
        N_("Your bank took this gift back"),
        N_(
            "The payment was disputed and the money went back to you. "
            "If that was a mistake, you are welcome to give once more."
        ),
    ),
    StatusName.FAILED: (
        N_("The payment did not go through"),
        N_("Nothing was charged. You can try again, or choose another way to give."),
    ),
    StatusName.LAPSED: (
        N_("This gift was not paid in time"),
        N_("Nothing was charged. You can still pay it now, or choose another way to give."),
    ),
}

ANNOUNCED: Final[Words] = (
    N_("Thank you! We look out for your gift"),
    N_("You told us on %(day)s that you sent it. We will confirm it here as soon as it arrives."),
)
GIVEN_INSTEAD: Final[Words] = (
    N_("You gave this in another way"),
    N_("Thank you! There is nothing to send or to pay here."),
)
LAPSED_BY_HAND: Final[Words] = (
    N_("This gift did not reach us in time"),
    N_("If you have sent it already, all is well: it will still be matched by its reference."),
)
DEBIT_WORDS: Final[Mapping[StatusName, Words]] = {
    StatusName.PROCESSING: (
        N_("Your gift is on its way"),
        N_(
            "Your bank has been asked for the debit, which takes up to five business days. "
            "There is nothing left to do; this page will say when it has arrived."
        ),
    ),
    StatusName.FAILED: (
        N_("Your bank did not allow the debit"),
        N_("No money was taken. You can try again, or choose another way to give."),
    ),
}
CONFIRM_ACCOUNT: Final[Words] = (
    N_("Your bank account still has to be confirmed"),
    N_(
        "Your gift cannot be collected before that. Stripe sends you small deposits, "
        "and you tell it what came. If you have done so already, this page will say so soon."
    ),
)
NEVER_CONFIRMED: Final[Words] = (
    N_("Your bank account was not confirmed in time"),
    N_("No money was taken. You can try again, or choose another way to give."),
)
MONTH_FAILED: Final[Words] = (
    N_("This month could not be collected"),
    N_(
        "Nothing was charged. You can try again now, use another card, "
        "or give this month in another way."
    ),
)
MONTH_PROBLEMS: Final[Mapping[str, Words]] = {
    "declined": (
        N_("The card was declined again"),
        N_("Nothing was charged. Please use another card, or give this month in another way."),
    ),
    "page": (
        N_("Your card cannot be asked just now"),
        N_("Nothing was charged as far as we know. Please try again in a moment."),
    ),
}
DEBIT_MONTH_FAILED: Final[Words] = (
    N_("Your bank did not allow this month’s debit"),
    N_("No money was taken. You can try again now, or give this month in another way."),
)
DEBIT_MONTH_PROBLEMS: Final[Mapping[str, Words]] = {
    "asked": (
        N_("Your bank has been asked again"),
        N_(
            "This takes up to five business days. "
            "There is nothing left to do; this page will say when it has arrived."
        ),
    ),
    "declined": (
        N_("Your bank cannot be asked again"),
        N_("No money was taken. Please give this month in another way."),
    ),
    "page": (
        N_("Your bank cannot be asked just now"),
        N_("No money was taken as far as we know. Please try again in a moment."),
    ),
}
BACK_PAID: Final[Words] = (
    N_("Thank you! We are waiting for the confirmation"),
    N_("This takes a few seconds as a rule. This page looks again by itself."),
)
BACK_CANCELLED: Final[Words] = (
    N_("You left the payment page"),
    N_("No payment has reached us so far. Your choice is recorded, should you want to go on."),
)
REFUSED: Final[Words] = (
    N_("Stripe does not take this payment"),
    N_(
        "Nothing was charged. Your choice is recorded, and we can see what Stripe said. "
        "Please choose another way to give."
    ),
)
NO_PAGE: Final[Words] = (
    N_("The payment page cannot be opened just now"),
    N_("Your choice is recorded and nothing was charged. Please try again, or choose another way."),
)
