"""The classes for an assumption and a topic, and the helpers with which checks compare values."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from donate.stripe_gateway.assumptions.outcomes import DidNotHold
from donate.stripe_gateway.assumptions.world import World


class Cost(IntEnum):
    """The harm to the charity when an assumption is false; a higher value is worse."""

    STAFF_WORK = 1
    UNTRUE_WORDS = 2
    WRONG_BOOKS = 3
    NO_GIFT = 4
    WRONG_MONEY = 5


@dataclass(frozen=True, slots=True)
class Source:
    """The document an assumption comes from, and the day somebody read it."""

    title: str
    url: str
    read_on: str


@dataclass(frozen=True, slots=True)
class Assumption:
    """One assumption about Stripe's behaviour, with the check that proves it.

    `routes` and `fields` are the API calls and object fields that the check covers. `if_false` says
    what goes wrong for the charity if the assumption is false.
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
    """The assumptions about one part of Stripe, in the order in which they are checked.

    The checks of a `by_hand` topic need a person who does something on Stripe's pages.
    """

    def __init__(self, name: str, *, by_hand: bool = False) -> None:
        self.name: Final = name
        self._by_hand = by_hand
        self.assumptions: Final[list[Assumption]] = []

    def assumption(
        self,
        source: Source,
        *,
        cost: Cost,
        if_false: str,
        routes: str = "",
        fields: str = "",
    ) -> Callable[[Callable[[World], None]], Callable[[World], None]]:
        """Register a check, whose name and docstring become the assumption's name and text.

        `routes` holds one API call per line; `fields` holds names separated by spaces.
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
                by_hand=self._by_hand,
                check=check,
            )
            self.assumptions.append(assumption)
            return check

        return register


def expect(condition: object, message: str) -> None:
    """Raise DidNotHold with `message` unless `condition` is true."""
    if not condition:
        raise DidNotHold(message)


def expect_equal(actual: object, expected: object, name: str) -> None:
    """Raise DidNotHold unless the two values are equal; the message calls them `name`."""
    if actual != expected:
        raise DidNotHold(f"{name} is {actual!r}, expected {expected!r}")
