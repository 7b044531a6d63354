"""Which letters there are, and while what a gift is each of them is still true. Pure."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from donate.gifts.status import StatusName


class LetterKind(StrEnum):
    """Why a letter is written, and what its `occasion` names where there may be several."""

    THANK_YOU = "thank_you"  # occasion: the transfer, for one that staff marked
    CORRECTION = "correction"  # less has arrived than we wrote; occasion: the transfer taken back
    INSTRUCTIONS = "instructions"  # how to send what was chosen
    REMINDER = "reminder"  # it has not come
    UNDER_WAY = "under_way"  # the bank has been asked; occasion: the checkout session
    CONFIRM_ACCOUNT = "confirm_account"  # before that; occasion: the checkout session
    FAILED = "failed"  # the bank said no after all; occasion: the checkout session
    MONTH_FAILED = "month_failed"  # a month could not be collected; occasion: the invoice
    PLEDGE_AMOUNT = "pledge_amount"  # each month another amount; occasion: the request
    PLEDGE_ENDED = "pledge_ended"  # occasion: the subscription
    REFUND = "refund"  # occasion: the refund
    REFUND_FAILED = "refund_failed"  # it did not go back after all; occasion: the refund


_TRUE_WHILE: Final[Mapping[LetterKind, frozenset[StatusName]]] = {
    LetterKind.THANK_YOU: frozenset({StatusName.CONFIRMED}),
    LetterKind.CORRECTION: frozenset(StatusName),
    LetterKind.INSTRUCTIONS: frozenset({StatusName.AWAITED}),
    LetterKind.REMINDER: frozenset({StatusName.AWAITED}),
    LetterKind.UNDER_WAY: frozenset({StatusName.PROCESSING}),
    LetterKind.CONFIRM_ACCOUNT: frozenset({StatusName.PROCESSING}),
    LetterKind.FAILED: frozenset({StatusName.FAILED}),
    LetterKind.MONTH_FAILED: frozenset({StatusName.FAILED}),
    LetterKind.PLEDGE_AMOUNT: frozenset(StatusName),
    LetterKind.PLEDGE_ENDED: frozenset(StatusName),
    LetterKind.REFUND: frozenset(StatusName),
    LetterKind.REFUND_FAILED: frozenset(StatusName),
}


def statuses_for(kind: LetterKind) -> frozenset[StatusName]:
    """Return what a gift may be for this letter to say the truth about it."""
    return _TRUE_WHILE[kind]
