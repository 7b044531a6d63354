"""A closed month stays as it was, and a late fact corrects it on a later day."""

from datetime import date

from hypothesis import given, settings

from donate.books.journal.bookings import Booking
from donate.books.journal.corrections import corrections
from donate.books.journal.entry import JournalEntry, balances_of
from donate.books.journal.journal import journal_of
from donate.books.journal.roles import AccountKey, AccountRole as Role
from tests.books.booking_samples import booking_lists, movement, of_stripe

MANY = settings(max_examples=100, deadline=None)
LATER, STILL_LATER = date(2026, 11, 3), date(2026, 11, 9)


def nonzero(entries: list[JournalEntry]) -> dict[AccountKey, int]:
    return {account: amount for account, amount in balances_of(entries).items() if amount}


@MANY
@given(booking_lists(), booking_lists())
def test_a_correction_turns_the_old_books_into_the_new_ones(
    then: list[Booking], now: list[Booking]
) -> None:
    """What was kept and its corrections have the balances of now, and need no more corrections."""
    kept, wanted = journal_of(then), journal_of(now)
    made = corrections(kept, wanted, LATER)
    assert nonzero([*kept, *made]) == nonzero(wanted)
    assert corrections([*kept, *made], wanted, STILL_LATER) == []
    assert {entry.day for entry in made} <= {LATER}
    again = corrections([*kept, *made], kept, STILL_LATER)
    assert nonzero([*kept, *made, *again]) == nonzero(kept)
    numbers = [entry.number for entry in [*kept, *made, *again]]
    assert len(numbers) == len(set(numbers))


def test_a_late_fact_is_booked_later() -> None:
    """A gift that was recorded after its month was closed is a correction of its day."""
    kept = journal_of([movement(), of_stripe("charge", 5_000, fee_minor=175)])
    now = journal_of([movement(), movement(amount_minor=700), of_stripe("charge", 5_000)])
    gifts, balance = corrections(kept, now, LATER)
    assert (gifts.number, gifts.day) == ("C1-DON-2026-10-01-CAD", LATER)
    assert nonzero([gifts]) == {
        AccountKey(Role.STRIPE_RECEIVABLE, "CAD"): 700,
        AccountKey(Role.DONATIONS, "CAD"): -700,
    }
    assert nonzero([balance]) == {
        AccountKey(Role.STRIPE_CLEARING, "CAD"): 175,
        AccountKey(Role.STRIPE_FEES, "CAD"): -175,
    }
    (second,) = corrections([*kept, gifts, balance], kept[:1] + now[1:], STILL_LATER)
    assert second.number == "C2-DON-2026-10-01-CAD"


def test_the_same_books_need_no_correction() -> None:
    """Without a late fact, there is nothing to correct."""
    kept = journal_of([movement(), movement("refund", -100)])
    assert corrections(kept, kept, LATER) == []
