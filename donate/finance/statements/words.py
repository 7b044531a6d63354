"""The texts about bank lines, and about what their money is for."""

from collections.abc import Mapping
from typing import Final

from donate.bank.matching.inputs import Band, LineClass
from donate.bank.reconciliation.models import NoGiftReason, PartKind
from donate.bank.shapes.dates import DAY_FIRST, MONTH_FIRST, YEAR_FIRST
from donate.bank.statements.identity import DoubtKind
from donate.errors import N_

STATEMENTS: Final = "/finance/statements"

CLASS_NAMES: Final[Mapping[LineClass, str]] = {
    LineClass.INCOMING_TRANSFER: N_("e-Transfer received"),
    LineClass.STRIPE_PAYOUT: N_("Payout from Stripe"),
    LineClass.OTHER_CREDIT: N_("Other money in"),
    LineClass.RETURNED_ITEM: N_("Returned by the bank"),
    LineClass.BANK_FEE: N_("Bank fee"),
    LineClass.STRIPE_DEBIT: N_("Debit by Stripe"),
    LineClass.OWN_TRANSFER: N_("Own transfer"),
    LineClass.OTHER_DEBIT: N_("Other money out"),
}

BAND_NAMES: Final[Mapping[Band, str]] = {
    Band.CERTAIN: N_("Certain"),
    Band.LIKELY: N_("Likely"),
    Band.AMBIGUOUS: N_("Ambiguous"),
    Band.NONE: N_("No suggestion"),
}

REASON_NAMES: Final[Mapping[NoGiftReason, str]] = {
    NoGiftReason.BANK_FEE: N_("Bank fee"),
    NoGiftReason.INTEREST: N_("Interest"),
    NoGiftReason.OWN_TRANSFER: N_("Transfer between our own accounts"),
    NoGiftReason.RETURNED_ITEM: N_("Cheque or debit that the bank returned"),
    NoGiftReason.MONEY_RETURNED: N_("Money that we sent back to a donor"),
    NoGiftReason.DEPOSIT: N_("Deposit of cheques and cash that are entered already"),
    NoGiftReason.EXPENSE: N_("Expense"),
    NoGiftReason.OTHER_INCOME: N_("Other income, not a gift"),
    NoGiftReason.OTHER: N_("Something else"),
}

_PAYOUT: Final = N_("Payout from Stripe")
_PAYOUT_RETURN: Final = N_("Failed payout that the bank took back")
_TOP_UP: Final = N_("Top-up of Stripe’s balance")


def move_name(kind: PartKind, *, is_return: bool = False) -> str:
    """Return the msgid for what Stripe moved: a payout, its return, or a top-up."""
    if kind is PartKind.TOP_UP:
        return _TOP_UP
    return _PAYOUT_RETURN if is_return else _PAYOUT


DOUBT_SENTENCES: Final[Mapping[DoubtKind, str]] = {
    DoubtKind.PART_OF_A_DAY: N_(
        "An equal line of this day is recorded, but neither file has the whole day."
    ),
    DoubtKind.OTHER_BALANCE: N_("An equal line is recorded with another balance."),
    DoubtKind.OTHER_TEXT: N_(
        "A line of this day and amount is recorded with another text, and this file lacks it."
    ),
}

DATE_FORM_NAMES: Final[Mapping[str, str]] = {
    YEAR_FIRST: N_("Year first: 2026-03-31"),
    DAY_FIRST: N_("Day first: 31/03/2026"),
    MONTH_FIRST: N_("Month first: 03/31/2026"),
}

DECIMAL_MARKS: Final[Mapping[str, str]] = {
    ".": N_("Point: 1,234.56"),
    ",": N_("Comma: 1.234,56"),
}

DELIMITER_NAMES: Final[Mapping[str, str]] = {
    "comma": N_("Comma"),
    "semicolon": N_("Semicolon"),
    "tab": N_("Tab"),
}

SHOWN: Final[Mapping[str, str]] = {
    "open": N_("Open"),
    Band.CERTAIN: N_("Certain"),
    Band.LIKELY: N_("Likely"),
    Band.AMBIGUOUS: N_("Ambiguous"),
    Band.NONE: N_("No suggestion"),
    "explained": N_("Done"),
    "all": N_("All"),
}

DONE: Final[Mapping[str, str]] = {
    "tied": N_("Tied to the gift. This is the next line."),
    "payout_tied": N_("Tied to the payout. This is the next line."),
    "sent_back": N_("Recorded as sent back to the donor. This is the next line."),
    "top_up_tied": N_("Tied to the top-up. This is the next line."),
    "no_gift": N_("Noted. This is the next line."),
    "gift_opened": N_("The gift is opened, and this line is tied to it."),
    "part": N_("Noted. Part of this line is still open."),
    "undone": N_("Undone. The line is open again."),
    "all": N_("Every line is explained."),
    "matched": N_("All open lines were matched again."),
    "imported": N_("The file is imported."),
    "discarded": N_("The file was not imported."),
    "quiet": N_("Confirmed: there were no transactions on these days."),
    "renamed": N_("Renamed."),
    "forgotten": N_("Forgotten. The next such file asks for its columns again."),
}
