"""Writes what the journal reads, through the code that records it, and reads it row by row."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from random import Random

from sqlmodel import Session, select

from donate.bank.reconciliation.models import LinePart
from donate.bank.statements.models import BankAccount, RecordedLine
from donate.books.journal.balance_rules import RULES
from donate.books.journal.bookings import (
    BankBooking,
    BankPartKind,
    BookedMovement,
    Booking,
    MovementBooking,
    StripeBooking,
)
from donate.books.recorded.bank_queries import part_kind
from donate.clock import local_date
from donate.gifts.models import Gift
from donate.gifts.movements.models import GiftMovement
from donate.storage.database import Database
from donate.stripe_gateway.balance.models import BalanceTransaction
from donate.stripe_gateway.balance.parser import read_balance_transaction
from donate.stripe_gateway.balance.recorder import record_transactions
from tests.stripe_gateway.balance.payouts import ASKED, transaction

ZONE = "America/Toronto"
FIRST = date(2026, 3, 1)


def record_stripe_days(database: Database, count: int, seed: int = 1) -> None:
    """Store transactions of every kind in two currencies, at any second of ten days in March.

    In Toronto the clocks change on 8 March, so one of the days has 23 hours.
    """
    random = Random(seed)
    types = [*(type_ for rule in RULES for type_ in rule.types), "new_type"]
    categories = ["", "", *(each for rule in RULES for each in rule.categories), "new category"]
    rows = []
    for number in range(count):
        created = datetime(2026, 3, 1, tzinfo=UTC) + timedelta(seconds=random.randrange(864_000))
        if number % 5 == 0:
            created = created.replace(minute=0, second=0)
        one = transaction(
            random.randrange(-5_000, 5_000),
            random.choice([0, 0, 175, -30]),
            kind=random.choice(types),
            category=random.choice(categories),
            tax=random.choice([0, 0, 12, -5]),
            currency=random.choice(["cad", "cad", "usd"]),
            balance_type=random.choice(["payments", "payments", "risk_reserved"]),
            created=int(created.timestamp()),
        )
        rows.append(read_balance_transaction(one, ASKED))
    with database.writing() as session:
        record_transactions(session, rows)


def one_by_one(session: Session) -> Iterator[Booking]:
    """Yield a booking for each row that is stored, and for the rest of each bank line."""
    for moved, gift in session.exec(
        select(GiftMovement, Gift).join(Gift, Gift.id == GiftMovement.gift_id)  # type: ignore[arg-type]
    ):
        kind = BookedMovement(moved.kind)
        where = (moved.day, moved.currency, gift.mode, gift.fund)
        yield MovementBooking(*where, kind, moved.amount_minor, 1)
    for row in session.exec(select(BalanceTransaction)):
        yield StripeBooking(
            row.txn_id,
            local_date(row.created_at, ZONE),
            row.currency,
            row.type,
            row.reporting_category,
            row.amount_minor,
            row.fee_minor,
            row.tax_minor,
            row.source_id,
            row.balance_type,
        )
    yield from _of_bank(session)


def _of_bank(session: Session) -> Iterator[BankBooking]:
    names = {one.id: one.name.lower() for one in session.exec(select(BankAccount))}
    for line in session.exec(select(RecordedLine)):
        where, left = (line.day, names[line.account_id], line.currency), line.amount_minor
        for part in session.exec(select(LinePart).where(LinePart.line_id == line.id)):
            if part.undone_at is None:
                gift = session.get(Gift, part.gift_id) if part.gift_id else None
                kind = part_kind(
                    part.kind,
                    part.reason,
                    is_offline=bool(gift and gift.mode.facts.staff_only),
                    amount_minor=part.amount_minor,
                )
                yield BankBooking(f"part {part.id}", *where, kind, part.amount_minor)
                left -= part.amount_minor
        if left:
            yield BankBooking(f"rest {line.id}", *where, BankPartKind.UNIDENTIFIED, left)
