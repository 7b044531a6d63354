"""Finds out whether a donor must still confirm a bank account with micro-deposits.

All functions are pure.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Final

from donate.gifts.facts import Fact, FactKind

_ENDINGS: Final = (FactKind.ACCOUNT_CONFIRMED, FactKind.PAYMENT_FAILED, FactKind.PAYMENT_SUCCEEDED)
ABOUT_CONFIRMING: Final = (FactKind.ACCOUNT_TO_CONFIRM, *_ENDINGS)


@dataclass(frozen=True, slots=True)
class Confirmation:
    """A bank account that the donor has to confirm on Stripe's page.

    `url` is the page, or empty if we may not send donors there. `arrives_on` is the day when the
    micro-deposits should arrive. If `by_code` is true, the donor enters the code of one deposit,
    otherwise the amounts of two.
    """

    url: str
    arrives_on: date | None
    by_code: bool


def confirmation_due(facts: Iterable[Fact]) -> Confirmation | None:
    """Return the bank account that the donor still has to confirm; None if there is none."""
    facts = list(facts)
    requests = [fact for fact in facts if fact.kind == FactKind.ACCOUNT_TO_CONFIRM]
    ended = {fact.session_id for fact in facts if fact.kind in _ENDINGS}
    for fact in reversed(requests):
        if fact.source_id not in ended:
            return Confirmation(
                url=fact.confirmation_url,
                arrives_on=fact.deposits_arrive_on,
                by_code=fact.has_deposit_code,
            )
    return None


def was_never_confirmed(facts: Iterable[Fact]) -> bool:
    """Whether the last payment failed because the donor did not confirm the bank account."""
    facts = list(facts)
    failures = [fact.source_id for fact in facts if fact.kind == FactKind.PAYMENT_FAILED]
    keys = {(fact.kind, fact.source_id) for fact in facts}
    return (
        bool(failures)
        and (FactKind.ACCOUNT_TO_CONFIRM, failures[-1]) in keys
        and (FactKind.ACCOUNT_CONFIRMED, failures[-1]) not in keys
    )
