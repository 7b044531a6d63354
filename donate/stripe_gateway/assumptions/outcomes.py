"""How the check of an assumption can end."""

from enum import StrEnum


class Outcome(StrEnum):
    """How the check of one assumption ended."""

    HELD = "held"
    DID_NOT_HOLD = "did not hold"
    NOT_TRIED = "could not be tried"


class DidNotHold(Exception):
    """Stripe behaved otherwise. `words` are Stripe's own, where it said anything."""

    def __init__(self, what: str, *, words: str = "", request_id: str = "") -> None:
        self.words = words
        self.request_id = request_id
        super().__init__(what)


class CouldNotBeTried(Exception):
    """Something that the check needs first is not there; the message says what."""
