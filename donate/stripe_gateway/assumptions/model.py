"""What an assumption is, and how it is registered."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from donate.stripe_gateway.assumptions.outcomes import DidNotHold
from donate.stripe_gateway.assumptions.world import World


class Cost(IntEnum):
    """How bad it is for the charity when an assumption is false; the worst has the highest."""

    STAFF_WORK = 1
    UNTRUE_WORDS = 2
    WRONG_BOOKS = 3
    NO_GIFT = 4
    WRONG_MONEY = 5


@dataclass(frozen=True, slots=True)
class Source:
    """Where an assumption comes from, and when somebody read it there."""

    title: str
    url: str
    read_on: str


@dataclass(frozen=True, slots=True)
class Assumption:
    """One thing that we believe of Stripe's behaviour, and the check that proves it.

    `routes` are the calls and `fields` the fields that the check makes sure of. `if_false` says
    what breaks for the charity.
    """

    name: str
    sentence: str
    topic: str
    source: Source
    routes: tuple[str, ...]
    fields: tuple[str, ...]
    cost: Cost
    if_false: str
    by_hand: bool
    check: Callable[[World], None]


class Topic:
    """The assumptions about one part of Stripe, in the order in which they are checked."""

    def __init__(self, name: str) -> None:
        self.name: Final = name
        self.assumptions: Final[list[Assumption]] = []

    def assumption(
        self,
        source: Source,
        *,
        cost: Cost,
        if_false: str,
        routes: str = "",
        fields: str = "",
        by_hand: bool = False,
    ) -> Callable[[Callable[[World], None]], Callable[[World], None]]:
        """Register a check: its name and its docstring become the assumption's.

        `routes` holds one call on each line, `fields` words. What is checked `by_hand` needs a
        person on one of Stripe's pages.
        """

        def register(check: Callable[[World], None]) -> Callable[[World], None]:
            assumption = Assumption(
                name=check.__name__.strip("_").replace("_", "-"),
                sentence=" ".join((check.__doc__ or "").split()),
                topic=self.name,
                source=source,
                routes=tuple(line.strip() for line in routes.strip().splitlines() if line),
                fields=tuple(fields.split()),
                cost=cost,
                if_false=if_false,
                by_hand=by_hand,
                check=check,
            )
            self.assumptions.append(assumption)
            return check

        return register


def expect(held: object, what: str) -> None:
    """Raise DidNotHold with `what` unless it held."""
    if not held:
        raise DidNotHold(what)


def expect_equal(found: object, wanted: object, what: str) -> None:
    """Raise DidNotHold unless `what` is as wanted."""
    if found != wanted:
        raise DidNotHold(f"{what} is {found!r}, not {wanted!r}")
