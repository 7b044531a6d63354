"""The class Step: the result of checking one setting of the Stripe account."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

# `donate stripe setup` marks the objects that it creates with this metadata.
MADE_BY_US: Final = {"made_by": "donate"}
DASHBOARD_WEBHOOKS: Final = "the Dashboard under Developers, Webhooks"


@dataclass(frozen=True, slots=True)
class Step:
    """A setting at Stripe, and whether it is right. If it is wrong, the function `act` corrects it.

    Without an `act`, a person has to correct the setting.
    """

    says: str
    is_well: bool = False
    is_unknown: bool = False
    """Whether the setting could not be checked, because the key lacks a permission."""
    act: "Callable[[], Sequence[Step]] | None" = None

    @property
    def by_hand(self) -> bool:
        """Return whether only a person can correct the setting."""
        return not self.is_well and self.act is None


def well(says: str) -> Step:
    """Return a Step for a setting that is right."""
    return Step(says, is_well=True)


def by_hand(says: str) -> Step:
    """Return a Step for a setting that only a person can correct."""
    return Step(says)


@dataclass(frozen=True, slots=True)
class RequiredSettings:
    """The settings that the account should have."""

    webhook_url: str
    connected_account: str
    methods: tuple[str, ...]
