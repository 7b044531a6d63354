"""Checks the assumptions one after another, and says how each ended."""

import re
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final

from donate.errors import DonateError, StripeKeyRefused, StripeRefused
from donate.stripe_gateway.assumptions.model import Assumption
from donate.stripe_gateway.assumptions.outcomes import CouldNotBeTried, DidNotHold, Outcome
from donate.stripe_gateway.assumptions.world import World, error_message, refusal_in

_KEY: Final = re.compile(r"\b([sr]k_(?:test|live)_)[^\s'\"]+")


@dataclass(frozen=True, slots=True)
class Result:
    """How the check of one assumption ended; `words` and `request_id` are Stripe's."""

    assumption: Assumption
    outcome: Outcome
    seconds: float
    why: str = ""
    words: str = ""
    request_id: str = ""

    def as_json(self) -> dict[str, Any]:
        """Return what can be sent to us; no secret is in it."""
        told = self.assumption
        return {
            "name": told.name,
            "sentence": told.sentence,
            "outcome": str(self.outcome),
            "why": self.why,
            "words": self.words,
            "request_id": self.request_id,
            "seconds": round(self.seconds, 1),
            "if_false": told.if_false,
            "cost": told.cost.name.lower(),
            "source": {"title": told.source.title, "url": told.source.url},
        }


def check_all(
    world: World, assumptions: Iterable[Assumption], tell: Callable[[Result], None]
) -> list[Result]:
    """Check each; `tell` hears of every result as soon as it is known."""
    results = []
    for assumption in assumptions:
        result = check_one(world, assumption)
        tell(result)
        results.append(result)
    return results


def check_one(world: World, assumption: Assumption) -> Result:
    """Check one assumption. Whatever goes wrong becomes its result."""
    start = time.monotonic()

    def ended(outcome: Outcome, why: str = "", words: str = "", request_id: str = "") -> Result:
        seconds = time.monotonic() - start
        return Result(assumption, outcome, seconds, bare(why), bare(words), request_id)

    try:
        assumption.check(world)
    except DidNotHold as error:
        request_id = error.request_id or world.client.headers.get("request-id", "")
        return ended(Outcome.DID_NOT_HOLD, str(error), error.words, request_id)
    except CouldNotBeTried as error:
        return ended(Outcome.NOT_TRIED, str(error))
    except StripeKeyRefused as error:
        return ended(Outcome.NOT_TRIED, f"the key may not do it: {error_message(error)}")
    except StripeRefused as error:
        refusal = refusal_in(error)
        return ended(Outcome.DID_NOT_HOLD, "Stripe refused it", refusal.words, refusal.request_id)
    except DonateError as error:
        if error.__cause__ is None:  # Stripe answered, and the service can do nothing with it
            request_id = world.client.headers.get("request-id", "")
            return ended(Outcome.DID_NOT_HOLD, str(error), "", request_id)
        return ended(Outcome.NOT_TRIED, f"no usable answer: {error}")
    except (AttributeError, KeyError, IndexError, TypeError, ValueError) as error:
        missing = f"Stripe's answer is not as expected ({type(error).__name__}: {error})"
        return ended(Outcome.DID_NOT_HOLD, missing, "", world.client.headers.get("request-id", ""))
    return ended(Outcome.HELD)


def bare(words: str) -> str:
    """Return words without any key in them, which Stripe may quote."""
    return _KEY.sub(r"\1…", words)
