"""Events that Stripe never made: each names a real payment, and says something untrue of it.

They are signed as Stripe signs, but for those with a bad signature; the API lists none of them.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from donate.sandbox.copies import deep_copy
from donate.sandbox.shelf import StripeObject

Lie = Literal["wrong_amount", "foreign_account", "other_livemode", "bad_signature"]

FOREIGN_ACCOUNT = "acct_1NotOurAccount0"

_AMOUNTS = {
    "checkout.session.async_payment_succeeded": ("amount_subtotal", "amount_total"),
    "checkout.session.completed": ("amount_subtotal", "amount_total"),
    "invoice.paid": ("amount_due", "amount_paid", "subtotal", "total"),
}


@dataclass(frozen=True)
class Forgery:
    event: StripeObject
    lie: Lie
    line: str

    @property
    def is_well_signed(self) -> bool:
        return self.lie != "bad_signature"


def what_can_be_forged(event: StripeObject) -> tuple[Lie, ...]:
    """The lies that a careful receiver can see through; none about what moves no money."""
    if event["type"] not in _AMOUNTS:
        return ()
    elsewhere: tuple[Lie, ...] = ("foreign_account", "other_livemode", "bad_signature")
    # Nothing but the signature vouches for the amount of a later month: it may have been changed.
    is_later_month = event["data"]["object"].get("billing_reason") == "subscription_cycle"
    return elsewhere if is_later_month else ("wrong_amount", *elsewhere)


def forge(dice: random.Random, event: StripeObject) -> Forgery:
    """Always over another amount, so that whoever believes it is found out by the totals."""
    lie = dice.choice(what_can_be_forged(event))
    forged = deep_copy(event)
    found = forged["data"]["object"]
    names = _AMOUNTS[event["type"]]
    amount = found[names[-1]] + dice.choice((1, 100, 99_900))
    found.update(dict.fromkeys(names, amount))
    _TELL[lie](forged)
    if lie != "bad_signature":
        forged["id"] = f"evt_1Forged{dice.randrange(10**17):017}"
    line = f"and forged as {forged['id']}, {lie.replace('_', ' ')}, over {amount}"
    return Forgery(forged, lie, line)


def _nothing_else(_: dict[str, Any]) -> None:
    """The amount alone, or the signature that it will get, is the lie."""


def _name_foreign_account(forged: dict[str, Any]) -> None:
    forged["account"] = FOREIGN_ACCOUNT


def _turn_live(forged: dict[str, Any]) -> None:
    forged["livemode"] = forged["data"]["object"]["livemode"] = True


_TELL: dict[Lie, Callable[[dict[str, Any]], None]] = {
    "wrong_amount": _nothing_else,
    "foreign_account": _name_foreign_account,
    "other_livemode": _turn_live,
    "bad_signature": _nothing_else,
}
