"""Checks that an event is for this service and agrees with its gift. Pure.

Each function returns a problem as a reason that staff can read, or None if there is no problem.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from donate.gifts.facts import FactKind
from donate.money import Money, format_money
from donate.regions.modes import Mode
from donate.stripe_gateway.events.fields import Claim, Envelope, Reading

_STAFF_LOCALE: Final = "en-CA"


@dataclass(frozen=True, slots=True)
class Expectation:
    """What we ourselves recorded about a gift, independently of events about it.

    `requested` holds the numbers of the attempts for which we requested a checkout session.
    `sessions` maps the number of an attempt to its session, once Stripe has answered.
    """

    reference: str
    mode: Mode
    monthly: bool
    amount_minor: int
    currency: str
    requested: frozenset[int]
    sessions: Mapping[int, str]


def foreign_reason(
    envelope: Envelope, *, livemode: bool, account: str, was_fetched: bool = False
) -> str | None:
    """Return why an event is not meant for this service, or None if it is meant for it.

    An event of a connected account names that account. An event of the platform itself names no
    account: https://docs.stripe.com/connect/webhooks. If `was_fetched` is true, Stripe listed the
    event for our account, so the event is ours even if it names no account.
    """
    if envelope.livemode != livemode:
        return (
            "a live event at a test service"
            if envelope.livemode
            else "a test event at a live service"
        )
    if envelope.account and envelope.account != account:
        return "an event of another account"
    if account and not envelope.account and not was_fetched:
        return "an event of the platform, not of STRIPE_ACCOUNT"
    return None


def mismatch_reason(claim: Claim, expected: Expectation) -> str | None:
    """Return how Stripe's object contradicts the gift that it names, or None if it does not."""
    if not expected.mode.through_stripe:
        return f"the gift is given by {expected.mode}, not through Stripe"
    if claim.monthly != expected.monthly:
        return "it is about a monthly gift" if claim.monthly else "the gift is a monthly one"
    if claim.reference != expected.reference:
        return f"its reference is {claim.reference}, the gift's is {expected.reference}"
    if claim.currency != expected.currency:
        return f"currency is {claim.currency}, the gift's is {expected.currency}"
    if claim.amount_minor not in (None, expected.amount_minor):
        claimed = _format(claim.amount_minor, claim.currency)
        return (
            f"amount is {claimed}, the gift's is {_format(expected.amount_minor, claim.currency)}"
        )
    if claim.attempt is None:
        return None
    if claim.attempt not in expected.requested:
        return "no checkout session was requested with that attempt"
    session_id = expected.sessions.get(claim.attempt, claim.session_id)
    if session_id != claim.session_id:
        return f"the gift's checkout session is {session_id}"
    return None


def _format(amount_minor: int | None, currency: str) -> str:
    return format_money(Money(amount_minor or 0, currency), _STAFF_LOCALE)


def differs_in_currency(reading: Reading, currency: str) -> bool:
    """Return whether an event tells of money in another currency than its gift's."""
    return any(fact.currency not in (None, currency) for fact in reading.facts)


def only_names_payment(reading: Reading) -> bool:
    """Return whether an event says only which payment belongs to its gift."""
    return all(fact.kind == FactKind.PAYMENT_NAMED for fact in reading.facts)


def is_our_refund(reading: Reading) -> bool:
    """Return whether an event is about a refund that our own staff requested."""
    return any(fact.request for fact in reading.facts)
