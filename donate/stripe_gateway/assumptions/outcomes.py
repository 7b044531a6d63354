"""The possible outcomes of a check."""

from enum import StrEnum


class Outcome(StrEnum):
    """The outcome of one check."""

    HELD = "held"
    DID_NOT_HOLD = "did not hold"
    NOT_TRIED = "could not be tried"


class DidNotHold(Exception):
    """Raised when Stripe does not behave as assumed; the message says how."""


class CouldNotBeTried(Exception):
    """Raised when something that the check needs is missing; the message names what is missing."""
