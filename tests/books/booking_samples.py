"""Bookings that Hypothesis generates, and single ones for examples."""

from datetime import date, timedelta
from typing import Any

from hypothesis import strategies as st

from donate.books.journal.balance_rules import RULES
from donate.books.journal.bookings import (
    BankBooking,
    BankPartKind,
    BookedMovement,
    Booking,
    MovementBooking,
    StripeBooking,
)
from donate.regions.modes import Mode

FIRST = date(2026, 10, 1)
DAYS = st.integers(0, 9).map(lambda days: FIRST + timedelta(days))
CURRENCIES = st.sampled_from(["CAD", "USD", "JPY", "KWD"])
AMOUNTS = st.integers(-5_000, 5_000)
TYPES = [*sorted({name for rule in RULES for name in rule.types}), "new_type"]
CATEGORIES = ["", *sorted({name for rule in RULES for name in rule.categories}), "new category"]
BALANCES = st.sampled_from(["payments", "payments", "risk_reserved", "issuing"])
_OUT = {BookedMovement.TRANSFER_UNDONE, BookedMovement.REFUND, BookedMovement.DISPUTE}


def movement(
    kind: str = "payment", amount_minor: int = 5_000, *, day: date = FIRST, **values: Any
) -> MovementBooking:
    """Return the total of one movement, by card and for no fund unless `values` say otherwise."""
    defaults: dict[str, Any] = {"currency": "CAD", "mode": Mode.CARD, "fund": "", "count": 1}
    return MovementBooking(
        day=day, kind=BookedMovement(kind), amount_minor=amount_minor, **defaults | values
    )


def of_stripe(
    type_: str, amount_minor: int, *, category: str = "", day: date = FIRST, **values: Any
) -> StripeBooking:
    """Return a transaction of Stripe's balance."""
    defaults = {"id": f"txn_{type_}_{amount_minor}", "currency": "CAD"}
    return StripeBooking(
        day=day, type=type_, category=category, amount_minor=amount_minor, **defaults | values
    )


def at_bank(kind: str, amount_minor: int, *, day: date = FIRST, **values: Any) -> BankBooking:
    """Return a part of a line of the bank account `main`."""
    defaults = {"id": f"line_{kind}_{amount_minor}", "currency": "CAD", "bank": "main"}
    return BankBooking(
        day=day, kind=BankPartKind(kind), amount_minor=amount_minor, **defaults | values
    )


def _movements() -> st.SearchStrategy[Booking]:
    return st.builds(
        lambda day, currency, mode, fund, kind, amount: MovementBooking(
            day, currency, mode, fund, kind, -amount if kind in _OUT else amount, 1
        ),
        *(DAYS, CURRENCIES, st.sampled_from(Mode), st.sampled_from(["", "building"])),
        *(st.sampled_from(BookedMovement), st.integers(1, 5_000)),
    )


def stripe_bookings() -> st.SearchStrategy[StripeBooking]:
    """Return a strategy for transactions of every kind, with fees that may be negative."""
    return st.builds(
        StripeBooking,
        id=st.integers(1, 10**9).map("txn_{}".format),
        day=DAYS,
        currency=CURRENCIES,
        type=st.sampled_from(TYPES),
        category=st.sampled_from(CATEGORIES),
        amount_minor=AMOUNTS,
        fee_minor=st.integers(-300, 300),
        fee_tax_minor=st.integers(-40, 40),
        source_id=st.sampled_from(["po_1", "po_2", ""]),
        balance_type=BALANCES,
    )


def bank_bookings() -> st.SearchStrategy[BankBooking]:
    """Return a strategy for parts of bank lines, some of which were explained later."""
    return st.builds(
        BankBooking,
        id=st.integers(1, 10**9).map("line_{}".format),
        day=DAYS,
        bank=st.sampled_from(["main", "savings"]),
        currency=CURRENCIES,
        kind=st.sampled_from(BankPartKind),
        amount_minor=AMOUNTS,
        explained_on=st.none() | DAYS,
    )


def booking_lists() -> st.SearchStrategy[list[Booking]]:
    """Return a strategy for lists of bookings of all kinds, none of them twice."""
    one = _movements() | stripe_bookings() | bank_bookings()
    return st.lists(one, max_size=12, unique_by=lambda each: getattr(each, "id", id(each)))
