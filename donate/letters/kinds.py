"""The kinds of e-mail, and the gift statuses in which each kind is true."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from donate.gifts.status import StatusName


class LetterKind(StrEnum):
    """The kinds of e-mail. The `occasion` distinguishes e-mails of one kind about the same gift."""

    THANK_YOU = "thank_you"  # The gift arrived. Occasion: the transfer, if staff marked one.
    CORRECTION = "correction"  # Less arrived than we wrote. Occasion: the undone transfer.
    INSTRUCTIONS = "instructions"  # This explains how to send the gift. No occasion.
    REMINDER = "reminder"  # The gift has not arrived. No occasion.
    UNDER_WAY = "under_way"  # The bank is processing the debit. Occasion: the checkout session.
    CONFIRM_ACCOUNT = "confirm_account"  # The account is unconfirmed. Occasion: the session.
    FAILED = "failed"  # The debit failed. Occasion: the checkout session.
    MONTH_FAILED = "month_failed"  # A monthly payment failed. Occasion: the invoice.
    PLEDGE_AMOUNT = "pledge_amount"  # The monthly amount will change. Occasion: the request.
    PLEDGE_ENDED = "pledge_ended"  # The pledge ended. Occasion: the subscription.
    PLEDGE_LINK = "pledge_link"  # The link to the pledge's page. Occasion: the staff's form.
    REFUND = "refund"  # A refund was made. Occasion: the refund.
    REFUND_FAILED = "refund_failed"  # A refund did not arrive. Occasion: the refund.


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
    LetterKind.PLEDGE_LINK: frozenset(StatusName),
    LetterKind.REFUND: frozenset(StatusName),
    LetterKind.REFUND_FAILED: frozenset(StatusName),
}


def statuses_for(kind: LetterKind) -> frozenset[StatusName]:
    """Return the gift statuses in which this kind of e-mail is true."""
    return _TRUE_WHILE[kind]
