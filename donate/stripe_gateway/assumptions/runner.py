"""Runs the checks of the assumptions one by one and records each outcome."""

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
    """The outcome of one check; `words` and `request_id` come from Stripe."""

    assumption: Assumption
    outcome: Outcome
    seconds: float
    why: str = ""
    words: str = ""
    request_id: str = ""

    def as_json(self) -> dict[str, Any]:
        """Return the result for the report; it contains no secret."""
        assumption = self.assumption
        return {
            "name": assumption.name,
            "sentence": assumption.sentence,
            "outcome": str(self.outcome),
            "why": self.why,
            "words": self.words,
            "request_id": self.request_id,
            "seconds": round(self.seconds, 1),
            "if_false": assumption.if_false,
            "cost": assumption.cost.name.lower(),
            "source": {"title": assumption.source.title, "url": assumption.source.url},
        }


def check_all(
    world: World, assumptions: Iterable[Assumption], report: Callable[[Result], None]
) -> list[Result]:
    """Run all checks, calling `report` with each result when it is ready."""
    results = []
    for assumption in assumptions:
        result = check_one(world, assumption)
        report(result)
        results.append(result)
    return results


def check_one(world: World, assumption: Assumption) -> Result:
    """Run one check and return its result; an exception in the check becomes a result too."""
    start = time.monotonic()

    def result(outcome: Outcome, why: str = "", words: str = "", request_id: str = "") -> Result:
        seconds = time.monotonic() - start
        return Result(
            assumption, outcome, seconds, redact_keys(why), redact_keys(words), request_id
        )

    def refuted(why: str) -> Result:
        return result(Outcome.DID_NOT_HOLD, why, "", world.client.headers.get("request-id", ""))

    try:
        assumption.check(world)
    except DidNotHold as error:
        return refuted(str(error))
    except CouldNotBeTried as error:
        return result(Outcome.NOT_TRIED, str(error))
    except StripeKeyRefused as error:
        return result(Outcome.NOT_TRIED, f"the key lacks a permission: {error_message(error)}")
    except StripeRefused as error:
        refusal = refusal_in(error)
        return result(
            Outcome.DID_NOT_HOLD, "Stripe refused the request", refusal.words, refusal.request_id
        )
    except DonateError as error:
        if error.__cause__ is None:  # Stripe answered, but the service cannot use the answer.
            return refuted(str(error))
        return result(Outcome.NOT_TRIED, f"no usable answer: {error}")
    except (AttributeError, KeyError, IndexError, TypeError, ValueError) as error:
        return refuted(f"Stripe's answer is not as expected ({type(error).__name__}: {error})")
    return result(Outcome.HELD)


def redact_keys(text: str) -> str:
    """Return the text with its API keys shortened. A message from Stripe may quote a key."""
    return _KEY.sub(r"\1…", text)
