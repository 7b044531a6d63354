"""What is found when an account is looked at: a step for each thing."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

# What `donate stripe setup` made, it knows again by this.
MADE_BY_US: Final = {"made_by": "donate"}
DASHBOARD_WEBHOOKS: Final = "the Dashboard under Developers, Webhooks"


@dataclass(frozen=True, slots=True)
class Step:
    """One thing at Stripe: it is well, or `act` would change it, or it is left to a person."""

    says: str
    is_well: bool = False
    is_unknown: bool = False
    """The key may not even look: whether it is well is not known."""
    act: "Callable[[], Sequence[Step]] | None" = None

    @property
    def by_hand(self) -> bool:
        """Whether only a person can do it."""
        return not self.is_well and self.act is None


def well(says: str) -> Step:
    """Say that a thing is as it should be."""
    return Step(says, is_well=True)


def by_hand(says: str) -> Step:
    """Say what a person has to do."""
    return Step(says)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the account should be set up for."""

    webhook_url: str
    connected_account: str
    methods: tuple[str, ...]
