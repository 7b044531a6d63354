"""Whether a donor still has to confirm their bank account with small deposits. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Final

from donate.gifts.facts import Fact, FactKind

# Stripe gives a donor so long: https://docs.stripe.com/payments/acss-debit/set-up-payment, "Verify
# bank account with micro-deposits" (read 2026-11-28).
DAYS_TO_CONFIRM: Final = 10
_OVER: Final = (FactKind.ACCOUNT_CONFIRMED, FactKind.PAYMENT_FAILED, FactKind.PAYMENT_SUCCEEDED)
ABOUT_CONFIRMING: Final = (FactKind.ACCOUNT_TO_CONFIRM, *_OVER)


@dataclass(frozen=True, slots=True)
class Confirmation:
    """What a donor is asked to confirm: where, and when the deposits should have come.

    `url` is empty where Stripe's link is not one that donors may be sent to. `by_code` tells that
    one deposit with a code comes, and not two amounts.
    """

    url: str
    arrives_on: date | None
    by_code: bool


def confirmation_due(facts: Iterable[Fact]) -> Confirmation | None:
    """Return what the donor still has to confirm, if anything."""
    facts = list(facts)
    asked = [fact for fact in facts if fact.kind == FactKind.ACCOUNT_TO_CONFIRM]
    over = {
        str(fact.evidence.get("session", fact.source_id)) for fact in facts if fact.kind in _OVER
    }
    for fact in reversed(asked):
        if fact.source_id not in over:
            arrives = str(fact.evidence.get("arrives_on", ""))
            return Confirmation(
                url=str(fact.evidence.get("url", "")),
                arrives_on=date.fromisoformat(arrives) if arrives else None,
                by_code=fact.evidence.get("deposits") == "descriptor_code",
            )
    return None


def was_never_confirmed(facts: Iterable[Fact]) -> bool:
    """Whether the last try failed because the donor did not confirm their account."""
    facts = list(facts)
    failed = [fact.source_id for fact in facts if fact.kind == FactKind.PAYMENT_FAILED]
    keys = {(fact.kind, fact.source_id) for fact in facts}
    return (
        bool(failed)
        and (FactKind.ACCOUNT_TO_CONFIRM, failed[-1]) in keys
        and (FactKind.ACCOUNT_CONFIRMED, failed[-1]) not in keys
    )
