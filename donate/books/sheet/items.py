"""What the daily sheet compares: single amounts, and totals from another source.

Such a source is, for example, the day totals, Stripe's balance or a bank statement.
"""

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
"""The places where confirmed money can be."""


class GiftStanding(StrEnum):
    """Whether money has come for a gift, and if not, why."""

    AWAITED = "awaited"
    PROCESSING = "processing"
    FAILED = "failed"
    LAPSED = "lapsed"
    CONFIRMED = "confirmed"
    """Money has come for the gift."""


@dataclass(frozen=True, slots=True)
class ChosenGift:
    """A gift as the donor chose it, with the day on which it was opened."""

    reference: str
    day: date
    currency: str
    amount_minor: int
    standing: GiftStanding


@dataclass(frozen=True, slots=True)
class GiftMoney:
    """A movement of a gift's money.

    `source_id` is the id under which Stripe or the bank shows the same money. `is_held` is true for
    the movements of a dispute that has not ended yet.
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
        """The movement as a booking for the journal, without its fund."""
        return MovementBooking(
            self.day, self.currency, self.mode, "", self.kind, self.amount_minor, 1
        )


@dataclass(frozen=True, slots=True)
class StatedTotals:
    """The totals stated for the end of a day, in minor units.

    They come from other sources than the single amounts. For example, the day totals state what was
    chosen and confirmed, Stripe states its balance and the payouts in transit, and the last line of
    each bank statement states the bank's balance.
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
        """Return the sums of both totals, for each stage."""
        return StatedTotals(**{stage.value: self.of(stage) + other.of(stage) for stage in Stage})


NOTHING_STATED: Final = StatedTotals(0, 0, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class SettledSums:
    """The sums of all amounts that are not listed one by one, because they are settled.

    If a gift is in these sums, so is all its money, and all that Stripe and the bank show for it.
    `totals` has the sum of each column. `differences` has the sum of each kind of difference, such
    as fees. All are in minor units.
    """

    totals: StatedTotals = NOTHING_STATED
    differences: Mapping[DifferenceKind, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SheetItems:
    """Everything since the books began: the listed items, and the sums of all others."""

    gifts: Sequence[ChosenGift] = ()
    money: Sequence[GiftMoney] = ()
    stripe: Sequence[StripeBooking] = ()
    bank: Sequence[BankBooking] = ()
    settled: SettledSums = SettledSums()
