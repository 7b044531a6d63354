"""What the daily sheet compares: single gifts and amounts, and totals that were counted apart."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Final

from donate.books.journal.bookings import (
    BankBooking,
    BookedMovement,
    MovementBooking,
    StripeBooking,
)
from donate.books.sheet.differences import DifferenceKind
from donate.regions.modes import Mode


class Stage(StrEnum):
    """How far money has come. Each is a column of the sheet."""

    CHOSEN = "chosen"
    CONFIRMED = "confirmed"
    AT_STRIPE = "at_stripe"
    IN_TRANSIT = "in_transit"
    AT_BANK = "at_bank"


PLACES = (Stage.AT_STRIPE, Stage.IN_TRANSIT, Stage.AT_BANK)
"""The stages that are places where confirmed money can be."""


class GiftStanding(StrEnum):
    """How a gift stands of which no money came."""

    AWAITED = "awaited"
    PROCESSING = "processing"
    FAILED = "failed"
    LAPSED = "lapsed"
    CONFIRMED = "confirmed"
    """Money came."""


@dataclass(frozen=True, slots=True)
class ChosenGift:
    """A gift as the donor chose it, by the day on which it was opened."""

    reference: str
    day: date
    currency: str
    amount_minor: int
    standing: GiftStanding


@dataclass(frozen=True, slots=True)
class GiftMoney:
    """A movement of a gift's money. `source_id` names what Stripe or the bank shows of it.

    `is_held` says of each movement of a dispute that the dispute has not ended yet.
    """

    source_id: str
    reference: str
    day: date
    currency: str
    mode: Mode
    kind: BookedMovement
    amount_minor: int
    is_held: bool = False

    @property
    def booking(self) -> MovementBooking:
        """The movement as the journal books it, without a fund."""
        return MovementBooking(
            self.day, self.currency, self.mode, "", self.kind, self.amount_minor, 1
        )


@dataclass(frozen=True, slots=True)
class StatedTotals:
    """What was stated for the end of a day, in minor units, without adding up the single amounts.

    For example, the totals of days say what was chosen and confirmed, Stripe says its balance and
    which payouts are on their way, and the last line of each statement says the bank's balance.
    """

    chosen: int
    confirmed: int
    at_stripe: int
    in_transit: int
    at_bank: int

    def of(self, stage: Stage) -> int:
        """Return the total of one stage."""
        total: int = getattr(self, stage.value)
        return total

    def plus(self, other: "StatedTotals") -> "StatedTotals":
        """Return the sums of both, stage by stage."""
        return StatedTotals(**{stage.value: self.of(stage) + other.of(stage) for stage in Stage})


NOTHING_STATED: Final = StatedTotals(0, 0, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class SettledSums:
    """The sums of amounts that need nobody any more, so that a sheet need not read each of them.

    A gift goes in here together with all its money, and with all that Stripe and the bank show of
    it. `differences` has what is left of them by its kind, such as fees.
    """

    totals: StatedTotals = NOTHING_STATED
    differences: Mapping[DifferenceKind, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SheetItems:
    """Everything since the books began: single amounts, and the sums of those that are settled."""

    gifts: Sequence[ChosenGift] = ()
    money: Sequence[GiftMoney] = ()
    stripe: Sequence[StripeBooking] = ()
    bank: Sequence[BankBooking] = ()
    settled: SettledSums = SettledSums()
