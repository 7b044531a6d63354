"""The texts of a gift's page: names of statuses, and a headline for each situation."""

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

ACCOUNT_TO_CONFIRM: Final = N_("Confirmation needed")
STATUS_NAMES: Final[Mapping[StatusName, str]] = {
    StatusName.AWAITED: N_("Not yet received"),
    StatusName.PROCESSING: N_("On its way"),
    StatusName.CONFIRMED: N_("Received"),
    StatusName.PARTLY_REFUNDED: N_("Partially refunded"),
    StatusName.REFUNDED: N_("Refunded"),
    StatusName.DISPUTED: N_("Disputed"),
    StatusName.CHARGED_BACK: N_("Taken back by your bank"),
    StatusName.FAILED: N_("Not paid"),
    StatusName.LAPSED: N_("Expired"),
}

Words = tuple[str, str]
"""A headline, and a sentence or two below it."""

STATUS_WORDS: Final[Mapping[StatusName, Words]] = {
    StatusName.AWAITED: (
        N_("Your gift isn’t paid yet"),
        N_("We’ve saved your gift. We haven’t received a payment yet."),
    ),
    StatusName.PROCESSING: (
        N_("Your gift is on its way"),
        N_("Your payment is being processed. You don’t need to do anything else."),
    ),
    StatusName.CONFIRMED: (
        N_("Received, thank you!"),
        N_("Your gift has arrived. Please keep the reference for your records."),
    ),
    StatusName.PARTLY_REFUNDED: (
        N_("Part of your gift was refunded"),
        N_("We received your gift and refunded part of it."),
    ),
    StatusName.REFUNDED: (
        N_("Your gift was refunded"),
        N_("We refunded all of it. It can take a few days to appear on your statement."),
    ),
    StatusName.DISPUTED: (
        N_("Your bank is disputing this gift"),
        N_(
            "The bank holds the money until the dispute is settled. If you didn’t dispute the "
            "payment, please tell your bank."
        ),
    ),
    StatusName.CHARGED_BACK: (
        N_("Your bank took this gift back"),
        N_(
            "The payment was disputed, and your bank returned the money to you. If that was a "
            "mistake, you’re welcome to give again."
        ),
    ),
    StatusName.FAILED: (
        N_("Your payment didn’t go through"),
        N_("Nothing was charged. You can try again, or choose another payment method."),
    ),
    StatusName.LAPSED: (
        N_("This gift wasn’t paid in time"),
        N_("Nothing was charged. You can still pay now, or choose another payment method."),
    ),
}

ANNOUNCED: Final[Words] = (
    N_("Thank you! We’ll confirm your gift when it arrives"),
    N_("You told us on %(day)s that you’ve sent it. This page will show when we receive it."),
)
GIVEN_INSTEAD: Final[Words] = (
    N_("You gave this gift another way"),
    N_("Thank you! You don’t need to send or pay anything here."),
)
LAPSED_BY_HAND: Final[Words] = (
    N_("We didn’t receive this gift in time"),
    N_("If you’ve already sent it, that’s fine. We’ll recognize it by its reference."),
)
UNDONE_BY_STAFF: Final[Words] = (
    N_("This gift doesn’t count"),
    N_("We recorded it and then corrected our record. If you have questions, please write to us."),
)
DEBIT_WORDS: Final[Mapping[StatusName, Words]] = {
    StatusName.PROCESSING: (
        N_("Your gift is on its way"),
        N_(
            "We’ve asked your bank for the debit, which takes up to five business days. You "
            "don’t need to do anything else. This page will show when we receive it."
        ),
    ),
    StatusName.FAILED: (
        N_("Your bank declined the debit"),
        N_("No money was taken. You can try again, or choose another payment method."),
    ),
}
CONFIRM_ACCOUNT: Final[Words] = (
    N_("Please confirm your bank account"),
    N_(
        "We can’t collect your gift until you do. Stripe sends you small deposits, and you "
        "enter what you received on Stripe’s page. If you’ve already done this, the page will "
        "update soon."
    ),
)
NEVER_CONFIRMED: Final[Words] = (
    N_("Your bank account wasn’t confirmed in time"),
    N_("No money was taken. You can try again, or choose another payment method."),
)
MONTH_FAILED: Final[Words] = (
    N_("We couldn’t collect this month’s gift"),
    N_(
        "Nothing was charged. You can try again now, use another card, or give this month "
        "another way."
    ),
)
MONTH_PROBLEMS: Final[Mapping[str, Words]] = {
    "declined": (
        N_("The card was declined again"),
        N_("Nothing was charged. Please use another card, or give this month another way."),
    ),
    "page": (
        N_("We can’t charge your card right now"),
        N_("As far as we know, nothing was charged. Please try again in a moment."),
    ),
}
DEBIT_MONTH_FAILED: Final[Words] = (
    N_("Your bank declined this month’s debit"),
    N_("No money was taken. You can try again now, or give this month another way."),
)
DEBIT_MONTH_PROBLEMS: Final[Mapping[str, Words]] = {
    "asked": (
        N_("We’ve asked your bank again"),
        N_(
            "This takes up to five business days. You don’t need to do anything else. This page "
            "will show when we receive it."
        ),
    ),
    "declined": (
        N_("We can’t ask your bank again"),
        N_("No money was taken. Please give this month another way."),
    ),
    "page": (
        N_("We can’t reach your bank right now"),
        N_("As far as we know, no money was taken. Please try again in a moment."),
    ),
}
BACK_PAID: Final[Words] = (
    N_("Thank you! We’re waiting for confirmation"),
    N_("This usually takes a few seconds. The page updates automatically."),
)
BACK_CANCELLED: Final[Words] = (
    N_("Your payment isn’t finished"),
    N_("Nothing has been charged. Continue when you’re ready."),
)
REFUSED: Final[Words] = (
    N_("Stripe couldn’t take this payment"),
    N_(
        "Nothing was charged. We’ve saved your gift, and our team can see the reason. Please "
        "choose another payment method."
    ),
)
NO_PAGE: Final[Words] = (
    N_("We can’t open the payment page right now"),
    N_(
        "We’ve saved your gift, and nothing was charged. Please try again, or choose another "
        "payment method."
    ),
)
