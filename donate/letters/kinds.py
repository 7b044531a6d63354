"""The kinds of e-mail, and the gift statuses in which what each kind says is true."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from donate.gifts.monthly.news import NewsKind
from donate.gifts.status import StatusName


class LetterKind(StrEnum):
    """The kinds of e-mail.

    `Letter.occasion` tells apart e-mails of one kind about the same gift. The comments say what it
    is: the id of the refund, for example.
    """

    THANK_YOU = "thank_you"  # The gift arrived. Occasion: the transfer, if staff marked one.
    CORRECTION = "correction"  # Less arrived than we wrote. Occasion: the undone transfer.
    INSTRUCTIONS = "instructions"  # This explains how to send the gift. No occasion.
    REMINDER = "reminder"  # The gift has not arrived. No occasion.
    UNFINISHED = "unfinished"  # The donor left the payment page. No occasion.
    UNDER_WAY = "under_way"  # The bank is processing the debit. Occasion: the checkout session.
    CONFIRM_ACCOUNT = "confirm_account"  # The account is unconfirmed. Occasion: the session.
    FAILED = "failed"  # The debit failed. Occasion: the checkout session.
    MONTH_FAILED = "month_failed"  # A monthly payment failed. Occasion: the invoice.
    # The occasion of the next four is the source of the `pledge_changed` fact.
    PLEDGE_AMOUNT = "pledge_amount"  # The monthly amount has changed.
    PLEDGE_PAUSED = "pledge_paused"  # The pledge is paused, or a month is skipped.
    PLEDGE_RESUMED = "pledge_resumed"  # The pledge was resumed before its pause was over.
    PLEDGE_METHOD = "pledge_method"  # Another card or bank account is charged.
    PLEDGE_ENDED = "pledge_ended"  # The pledge ended. Occasion: the subscription.
    PLEDGE_LINK = "pledge_link"  # The link to the pledge's page. Occasion: the staff's form.
    REFUND = "refund"  # A refund was made. Occasion: the refund.
    REFUND_FAILED = "refund_failed"  # A refund did not arrive. Occasion: the refund.
    NOT_SENT_BACK = "not_sent_back"  # A transfer was not sent back after all. Occasion: the refund.


KINDS_ABOUT_NEWS: Final[Mapping[NewsKind, LetterKind]] = {
    NewsKind.AMOUNT: LetterKind.PLEDGE_AMOUNT,
    NewsKind.PAUSED: LetterKind.PLEDGE_PAUSED,
    NewsKind.RESUMED: LetterKind.PLEDGE_RESUMED,
    NewsKind.PAYMENT_METHOD: LetterKind.PLEDGE_METHOD,
}
"""The e-mail about each kind of change of a pledge."""

_TRUE_WHILE: Final[Mapping[LetterKind, frozenset[StatusName]]] = {
    LetterKind.THANK_YOU: frozenset({StatusName.CONFIRMED}),
    LetterKind.CORRECTION: frozenset(StatusName),
    LetterKind.INSTRUCTIONS: frozenset({StatusName.AWAITED}),
    LetterKind.REMINDER: frozenset({StatusName.AWAITED}),
    LetterKind.UNFINISHED: frozenset({StatusName.LAPSED}),
    LetterKind.UNDER_WAY: frozenset({StatusName.PROCESSING}),
    LetterKind.CONFIRM_ACCOUNT: frozenset({StatusName.PROCESSING}),
    LetterKind.FAILED: frozenset({StatusName.FAILED}),
    LetterKind.MONTH_FAILED: frozenset({StatusName.FAILED}),
    LetterKind.PLEDGE_AMOUNT: frozenset(StatusName),
    LetterKind.PLEDGE_PAUSED: frozenset(StatusName),
    LetterKind.PLEDGE_RESUMED: frozenset(StatusName),
    LetterKind.PLEDGE_METHOD: frozenset(StatusName),
    LetterKind.PLEDGE_ENDED: frozenset(StatusName),
    LetterKind.PLEDGE_LINK: frozenset(StatusName),
    LetterKind.REFUND: frozenset(StatusName),
    LetterKind.REFUND_FAILED: frozenset(StatusName),
    LetterKind.NOT_SENT_BACK: frozenset(StatusName),
}


# Donors can stop these e-mails. All others are about a gift that the donor is making or has made.
STOPPABLE: Final = frozenset({LetterKind.UNFINISHED})


def statuses_for(kind: LetterKind) -> frozenset[StatusName]:
    """Return the gift statuses in which what this kind of e-mail says is true."""
    return _TRUE_WHILE[kind]
