"""Tables of a month's gifts: the register of gifts, the movements, refunds and disputes."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC
from typing import Final

from sqlmodel import Session, col, select

from donate.books.months.book_month import BookMonth
from donate.books.pack.csv_table import CsvTable, TableCell
from donate.gifts.models import Donor, Gift
from donate.gifts.movements.models import GiftMovement
from donate.gifts.movements.rules import MovementKind
from donate.money import Money

_REFUNDS: Final = frozenset({MovementKind.REFUND, MovementKind.REFUND_RETURNED})
_DISPUTES: Final = frozenset({MovementKind.DISPUTE, MovementKind.DISPUTE_RETURNED})
_MOVEMENT_COLUMNS: Final = (
    *("day", "gift_reference", "kind", "amount", "currency", "code", "mode", "fund"),
    *("happened_at", "source_id", "donor_name", "donor_email"),
)
_REGISTER_COLUMNS: Final = (
    *("gift_reference", "started_on", "first_moved_on", "money_in", "money_out", "net", "currency"),
    *("code", "mode", "fund", "frequency", "donor_name", "donor_email", "donor_country"),
)


@dataclass(frozen=True, slots=True)
class MovedGift:
    """A movement of the month, with its gift and its donor."""

    movement: GiftMovement
    gift: Gift
    donor: Donor

    @property
    def amount(self) -> Money:
        """The amount: positive for money in, negative for money out."""
        return Money(self.movement.amount_minor, self.movement.currency)


def moved_in(session: Session, month: BookMonth) -> list[MovedGift]:
    """Return the movements of a month. Their order depends only on their contents."""
    statement = (
        select(GiftMovement, Gift, Donor)
        .join(Gift, col(Gift.id) == col(GiftMovement.gift_id))
        .join(Donor, col(Donor.id) == col(Gift.donor_id))
        .where(col(GiftMovement.day).between(month.first_day, month.last_day))
    )
    found = [MovedGift(*row) for row in session.exec(statement)]
    # Sort in Python, not in SQL, because SQLite and PostgreSQL compare texts differently.
    return sorted(
        found,
        key=lambda one: (
            *(one.movement.day, one.gift.reference, one.movement.happened_at),
            *(one.movement.kind.value, one.movement.source_id),
        ),
    )


def gift_tables(moved: Sequence[MovedGift]) -> list[CsvTable]:
    """Return four tables: the register of gifts, all movements, the refunds, and the disputes."""
    return [
        CsvTable("gifts", _REGISTER_COLUMNS, _register(moved)),
        CsvTable("movements", _MOVEMENT_COLUMNS, [_movement_row(one) for one in moved]),
        CsvTable("refunds", _MOVEMENT_COLUMNS, _of_kinds(moved, _REFUNDS)),
        CsvTable("disputes", _MOVEMENT_COLUMNS, _of_kinds(moved, _DISPUTES)),
    ]


def _of_kinds(
    moved: Iterable[MovedGift], kinds: Collection[MovementKind]
) -> list[Sequence[TableCell]]:
    return [_movement_row(one) for one in moved if one.movement.kind in kinds]


def _movement_row(one: MovedGift) -> Sequence[TableCell]:
    movement, gift, donor = one.movement, one.gift, one.donor
    return (
        movement.day,
        gift.reference,
        movement.kind.value,
        one.amount,
        movement.currency,
        gift.code,
        gift.mode.value,
        gift.fund,
        movement.happened_at.astimezone(UTC).isoformat(timespec="seconds"),
        movement.source_id,
        donor.name,
        donor.email,
    )


def _register(moved: Iterable[MovedGift]) -> list[Sequence[TableCell]]:
    """Return a row for each gift with a movement in the month: its money in and out."""
    by_gift: defaultdict[str, list[MovedGift]] = defaultdict(list)
    for one in moved:
        by_gift[one.gift.reference].append(one)
    rows: list[Sequence[TableCell]] = []
    for reference in sorted(by_gift):
        of_gift = by_gift[reference]
        gift, donor = of_gift[0].gift, of_gift[0].donor
        amounts = [one.movement.amount_minor for one in of_gift]
        came, went = sum(a for a in amounts if a > 0), -sum(a for a in amounts if a < 0)
        rows.append(
            (
                reference,
                gift.opened_on,
                of_gift[0].movement.day,
                Money(came, gift.currency),
                Money(went, gift.currency),
                Money(came - went, gift.currency),
                gift.currency,
                gift.code,
                gift.mode.value,
                gift.fund,
                gift.frequency,
                donor.name,
                donor.email,
                donor.country,
            )
        )
    return rows
