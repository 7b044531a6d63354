"""Forged events: each names a real payment and says something untrue about it.

They have Stripe's signature, except those whose forgery is a bad signature. The API does not list
forged events.
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


def possible_lies(event: StripeObject) -> tuple[Lie, ...]:
    """Return the lies that a careful receiver can detect; none if the event is about no payment."""
    if event["type"] not in _AMOUNTS:
        return ()
    elsewhere: tuple[Lie, ...] = ("foreign_account", "other_livemode", "bad_signature")
    # A donor may change the amount of later monthly payments, so a receiver cannot detect a wrong
    # amount.
    is_later_month = event["data"]["object"].get("billing_reason") == "subscription_cycle"
    return elsewhere if is_later_month else ("wrong_amount", *elsewhere)


def forge(rng: random.Random, event: StripeObject) -> Forgery:
    """Return a forgery of this event, with a higher amount than the true one.

    A receiver that accepts the forgery then has totals that are too high, which tests notice.
    """
    lie = rng.choice(possible_lies(event))
    forged = deep_copy(event)
    target = forged["data"]["object"]
    names = _AMOUNTS[event["type"]]
    amount = target[names[-1]] + rng.choice((1, 100, 99_900))
    target.update(dict.fromkeys(names, amount))
    _APPLY[lie](forged)
    if lie != "bad_signature":
        forged["id"] = f"evt_1Forged{rng.randrange(10**17):017}"
    line = f"forged as {forged['id']}: {lie.replace('_', ' ')}, amount {amount}"
    return Forgery(forged, lie, line)


def _nothing_else(_: dict[str, Any]) -> None:
    """Leave the event as it is, because `forge` has already changed the amount."""


def _name_foreign_account(forged: dict[str, Any]) -> None:
    forged["account"] = FOREIGN_ACCOUNT


def _turn_live(forged: dict[str, Any]) -> None:
    forged["livemode"] = forged["data"]["object"]["livemode"] = True


_APPLY: dict[Lie, Callable[[dict[str, Any]], None]] = {
    "wrong_amount": _nothing_else,
    "foreign_account": _name_foreign_account,
    "other_livemode": _turn_live,
    "bad_signature": _nothing_else,
}
