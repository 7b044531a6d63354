"""Is an event ours, and true to the gift it names? Pure; each answer is a reason staff can read."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from donate.money import Money, format_money
from donate.regions.modes import Mode
from donate.stripe_gateway.events.fields import Claim, Envelope

_STAFF_READ: Final = "en-CA"


@dataclass(frozen=True, slots=True)
class Expectation:
    """What we recorded about a gift before Stripe told us anything.

    `requested` are the attempts for which a session was asked; `sessions` the session that each
    attempt got, as far as we heard.
    """

    reference: str
    mode: str
    monthly: bool
    amount_minor: int
    currency: str
    requested: frozenset[int]
    sessions: Mapping[int, str]


def why_foreign(
    envelope: Envelope, *, livemode: bool, account: str, was_asked: bool = False
) -> str | None:
    """Return why an event is not for this service at all, or None.

    A webhook names the connected account it is about, and names none for the platform's own events:
    https://docs.stripe.com/connect/webhooks. What we asked for as that account is its own.
    """
    if envelope.livemode != livemode:
        return (
            "a live event at a test service"
            if envelope.livemode
            else "a test event at a live service"
        )
    if envelope.account and envelope.account != account:
        return "an event of another account"
    if account and not envelope.account and not was_asked:
        return "an event of the platform, not of STRIPE_ACCOUNT"
    return None


def why_untrue(claim: Claim, expected: Expectation) -> str | None:
    """Return in what Stripe's object contradicts the gift it names, or None."""
    if not Mode(expected.mode).through_stripe:
        return f"the gift is given by {expected.mode}, not through Stripe"
    if claim.monthly != expected.monthly:
        return "it is about a monthly gift" if claim.monthly else "the gift is a monthly one"
    if claim.reference != expected.reference:
        return f"its reference is {claim.reference}, the gift's is {expected.reference}"
    if claim.currency != expected.currency:
        return f"currency is {claim.currency}, the gift's is {expected.currency}"
    if claim.amount_minor not in (None, expected.amount_minor):
        told, chosen = claim.amount_minor, expected.amount_minor
        return f"amount is {_in_words(told, claim)}, the gift's is {_in_words(chosen, claim)}"
    if claim.attempt is None:
        return None
    if claim.attempt not in expected.requested:
        return "no checkout session was requested with that attempt"
    bound = expected.sessions.get(claim.attempt, claim.session_id)
    if bound != claim.session_id:
        return f"the gift's checkout session is {bound}"
    return None


def _in_words(amount_minor: int | None, claim: Claim) -> str:
    return format_money(Money(amount_minor or 0, claim.currency), _STAFF_READ)
