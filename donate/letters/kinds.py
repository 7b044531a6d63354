"""The kinds of letter, and the gift statuses in which each is true. Pure."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from donate.gifts.status import StatusName


class LetterKind(StrEnum):
    """The kinds of letter. Comments name the `occasion`, if a gift can have several of a kind."""

    THANK_YOU = "thank_you"  # occasion: the transfer, if staff marked one
    CORRECTION = "correction"  # less has arrived than we wrote; occasion: the undone transfer
    INSTRUCTIONS = "instructions"  # how to send the gift
    REMINDER = "reminder"  # the gift has not arrived
    UNDER_WAY = "under_way"  # the debit is processing; occasion: the checkout session
    CONFIRM_ACCOUNT = "confirm_account"  # before the debit; occasion: the checkout session
    FAILED = "failed"  # the debit failed; occasion: the checkout session
    MONTH_FAILED = "month_failed"  # a month could not be collected; occasion: the invoice
    PLEDGE_AMOUNT = "pledge_amount"  # a new monthly amount; occasion: the request
    PLEDGE_ENDED = "pledge_ended"  # occasion: the subscription
    REFUND = "refund"  # occasion: the refund
    REFUND_FAILED = "refund_failed"  # a refund did not arrive; occasion: the refund


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
    """Return the gift statuses in which this kind of letter is true."""
    return _TRUE_WHILE[kind]
