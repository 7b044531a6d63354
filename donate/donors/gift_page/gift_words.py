"""The texts of a gift's page: names of statuses, and a headline for each situation."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from donate.errors import N_
from donate.gifts.choosing.options import Tribute
from donate.gifts.status import StatusName
from donate.regions.modes import Mode
from donate.regions.regions import Frequency

FREQUENCY_NAMES: Final[Mapping[Frequency, str]] = {
    Frequency.ONCE: N_("Once"),
    Frequency.MONTHLY: N_("Monthly"),
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
    StatusName.CHARGED_BACK: N_("Reversed by your bank"),
    StatusName.FAILED: N_("Not paid"),
    StatusName.LAPSED: N_("Not received"),
}

Words = tuple[str, str]
"""A headline, and a sentence or two below it."""

STATUS_WORDS: Final[Mapping[StatusName, Words]] = {
    StatusName.AWAITED: (
        N_("We haven’t received your payment yet"),
        N_("We’ve saved your gift. You can continue to payment whenever you’re ready."),
    ),
    StatusName.PROCESSING: (
        N_("Your gift is on its way"),
        N_("Your payment is being processed. You don’t need to do anything else."),
    ),
    StatusName.CONFIRMED: (
        N_("Thank you for your gift"),
        N_("Your gift has arrived. Please keep the reference for your records."),
    ),
    StatusName.PARTLY_REFUNDED: (
        N_("Part of your gift was refunded"),
        N_("We received your gift and refunded part of it."),
    ),
    StatusName.REFUNDED: (
        N_("Your gift was refunded"),
        N_("We refunded the full amount. The refund can take a few days to reach your account."),
    ),
    StatusName.DISPUTED: (
        N_("This payment is being disputed"),
        N_(
            "Your bank is holding the money until the dispute is settled. If you didn’t dispute "
            "this payment, please tell your bank."
        ),
    ),
    StatusName.CHARGED_BACK: (
        N_("Your bank reversed this payment"),
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
        N_("Your payment page has expired"),
        N_("Nothing was charged. You can try again, or choose another payment method."),
    ),
}

RECEIVED_FROM: Final[Words] = (
    N_("Thank you, %(name)s!"),
    N_("Your gift has arrived. Please keep the reference for your records."),
)
DECLINED: Final[Words] = (
    N_("Your card was declined"),
    N_("Nothing was charged. You can try another card, or choose another payment method."),
)
ANNOUNCED: Final[Words] = (
    N_("Thank you! We’ll confirm your gift when it arrives"),
    N_("You told us on %(day)s that you’d sent your gift. We’ll update this page when it arrives."),
)
GIVEN_INSTEAD: Final[Words] = (
    N_("You’ve already made this gift another way"),
    N_("Thank you! There’s nothing more to send or pay."),
)
LAPSED_BY_HAND: Final[Words] = (
    N_("We didn’t receive this gift in time"),
    N_("If you’ve already sent it, that’s fine. We’ll recognize it by its reference."),
)
UNDONE_BY_STAFF: Final[Mapping[Mode, Words]] = {
    Mode.CHEQUE: (
        N_("This gift was cancelled"),
        N_(
            "The bank may have returned your cheque, or we may have entered the gift by mistake. "
            "If you have questions, please write to us."
        ),
    ),
    Mode.CASH: (
        N_("This gift was cancelled"),
        N_("We may have entered it by mistake. If you have questions, please write to us."),
    ),
}
DEBIT_WORDS: Final[Mapping[StatusName, Words]] = {
    StatusName.PROCESSING: (
        N_("Your gift is on its way"),
        N_(
            "We’ve sent the debit request to your bank. Processing can take up to five business "
            "days. You don’t need to do anything else. We’ll update this page when your gift "
            "arrives."
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
        "We can’t collect your gift until you do. Stripe, our payment processor, is sending one "
        "or two small deposits to your account. When they arrive, enter their amounts, or the "
        "code that comes with them, on Stripe’s page. If you’ve already done this, we’ll update "
        "this page soon."
    ),
)
NEVER_CONFIRMED: Final[Words] = (
    N_("Your bank account wasn’t confirmed in time"),
    N_("No money was taken. You can try again, or choose another payment method."),
)
MONTH_FAILED: Final[Words] = (
    N_("We couldn’t collect this gift"),
    N_(
        "Nothing was charged. You can try again now, use another card, or choose another payment "
        "method."
    ),
)
MONTH_PROBLEMS: Final[Mapping[str, Words]] = {
    "declined": (
        N_("Your card was declined again"),
        N_("Nothing was charged. Please use another card, or choose another payment method."),
    ),
    "page": (
        N_("We can’t charge your card right now"),
        N_("As far as we know, nothing was charged. Please try again in a moment."),
    ),
}
DEBIT_MONTH_PROBLEMS: Final[Mapping[str, Words]] = {
    "asked": (
        N_("We’ve sent the debit request to your bank again"),
        N_(
            "This can take up to five business days. You don’t need to do anything else. We’ll "
            "update this page when your gift arrives."
        ),
    ),
    "declined": (
        N_("We can’t try this payment again"),
        N_("No money was taken. Please choose another payment method."),
    ),
    "page": (
        N_("We can’t send the debit request to your bank right now"),
        N_("As far as we know, no money was taken. Please try again in a moment."),
    ),
}
BACK_PAID: Final[Words] = (
    N_("Thank you! We’re confirming your payment"),
    N_("This usually takes a few seconds. This page updates automatically."),
)
ASKED_EARLIER: Final = N_(
    "We last checked your payment with Stripe %(minutes)s min ago. If you’ve paid since then, "
    "we’ll update this page soon."
)
NOT_ASKED: Final = N_(
    "We can’t check your payment with Stripe right now. If you’ve paid, we’ll update this page "
    "soon."
)
BACK_CANCELLED: Final[Words] = (
    N_("Your payment isn’t complete"),
    N_("Nothing has been charged. Continue when you’re ready."),
)
REFUSED: Final[Words] = (
    N_("This payment method didn’t work"),
    N_("Nothing was charged. We’ve saved your gift. Please choose another payment method."),
)
NO_PAGE: Final[Words] = (
    N_("We can’t open the payment page right now"),
    N_(
        "We’ve saved your gift, and nothing was charged. Please try again, or choose another "
        "payment method."
    ),
)


@dataclass(frozen=True, slots=True)
class PageNotice:
    """A sentence above the page's headline: a msgid with the values of its placeholders."""

    message: str
    values: Mapping[str, object] = field(default_factory=dict)


def asked_notice(asked_at: datetime | None, now: datetime) -> PageNotice | None:
    """Return a sentence that says how old Stripe's answer about the payment is.

    Returns None if it is less than a minute old. `asked_at` is None if Stripe did not answer.
    """
    if asked_at is None:
        return PageNotice(NOT_ASKED)
    minutes = int((now - asked_at) / timedelta(minutes=1))
    return PageNotice(ASKED_EARLIER, {"minutes": minutes}) if minutes else None
