"""Checks that a bank line can be a payout, a payout that came back, or a top-up of Stripe."""

from typing import Final

from sqlmodel import Session

from donate.bank.statements.models import RecordedLine
from donate.errors import N_, BadInput
from donate.stripe_gateway.balance.models import TOP_UP_TYPES, BalanceTransaction, StripePayout

_NO_PAYOUT: Final = N_("Please choose a payout.")
_PAYOUT_CURRENCY: Final = N_("This payout is in another currency than the account.")
_PAYOUT_CANCELED: Final = N_("Stripe canceled this payout, so it never reached the bank.")
_PAYOUT_OUT: Final = N_("Stripe took this payout from the account, but the line is money in.")
_PAYOUT_IN: Final = N_("Stripe sent this payout to the account, but the line is money out.")
_PAYOUT_AMOUNT: Final = N_("This payout has another amount than what is left of the line.")
_NO_TOP_UP: Final = N_("Please choose a top-up.")
_TOP_UP_CURRENCY: Final = N_("This top-up is in another currency than the account.")
_TOP_UP_AMOUNT: Final = N_("This top-up has another amount than what is left of the line.")


def check_payout(session: Session, line: RecordedLine, payout_id: int, amount_minor: int) -> bool:
    """Check that the line can be this payout: same currency and amount. Raises BadInput.

    Return whether the line is the return of a payout: the money moved in the opposite direction.
    Only a failed payout can be returned.
    """
    payout = session.get(StripePayout, payout_id)
    if payout is None:
        raise BadInput("payout", _NO_PAYOUT)
    if payout.currency != line.currency:
        raise BadInput("payout", _PAYOUT_CURRENCY)
    if payout.status == "canceled":
        raise BadInput("payout", _PAYOUT_CANCELED)
    is_return = (payout.amount_minor > 0) != (line.amount_minor > 0)
    if is_return and payout.status != "failed":
        raise BadInput("payout", _PAYOUT_OUT if line.amount_minor > 0 else _PAYOUT_IN)
    if payout.amount_minor != (-amount_minor if is_return else amount_minor):
        raise BadInput("payout", _PAYOUT_AMOUNT)
    return is_return


def check_top_up(session: Session, line: RecordedLine, top_up_id: int, amount_minor: int) -> None:
    """Check that the line can be this top-up: same currency and amount. Raises BadInput.

    What Stripe's balance gained has left the bank account, so their signs differ.
    """
    top_up = session.get(BalanceTransaction, top_up_id)
    if top_up is None or top_up.type not in TOP_UP_TYPES:
        raise BadInput("payout", _NO_TOP_UP)
    if top_up.currency != line.currency:
        raise BadInput("payout", _TOP_UP_CURRENCY)
    if top_up.amount_minor != -amount_minor:
        raise BadInput("payout", _TOP_UP_AMOUNT)
