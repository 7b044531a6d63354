"""The journal holds every amount once, whatever was booked, and in whichever order."""

from collections import Counter
from datetime import date, timedelta

from hypothesis import given, settings, strategies as st

from donate.books.journal.balance_rules import balance_rule
from donate.books.journal.bookings import (
    BankBooking,
    Booking,
    MovementBooking,
    StripeBooking,
)
from donate.books.journal.entry import balances_of
from donate.books.journal.journal import journal_of
from donate.books.journal.roles import AccountRole as Role
from tests.books.booking_samples import FIRST, booking_lists, stripe_bookings

MANY = settings(max_examples=100, deadline=None)
BOOKINGS = booking_lists()
FROM_DONORS = {Role.DONATIONS, Role.REFUNDS, Role.DISPUTES}
Balance = Counter[tuple[Role, str]]


def balances_by_role(bookings: list[Booking]) -> Balance:
    """Return the balance of each role and currency; accounts without a balance are left out."""
    balances: Balance = Counter()
    for account, amount in balances_of(journal_of(bookings)).items():
        balances[account.role, account.currency] += amount
    return Counter({key: amount for key, amount in balances.items() if amount})


@MANY
@given(BOOKINGS)
def test_every_entry_balances(bookings: list[Booking]) -> None:
    """The debits of each entry are its credits, in one currency, and no line is zero."""
    for entry in journal_of(bookings):
        debits = sum(line.debit_minor for line in entry.lines)
        assert debits == sum(line.credit_minor for line in entry.lines) > 0
        assert {line.account.currency for line in entry.lines} == {entry.currency}
        assert all(line.amount_minor for line in entry.lines)


@MANY
@given(BOOKINGS)
def test_what_went_in_is_in_the_books(bookings: list[Booking]) -> None:
    """Donations less what went back, the bank and the fees are the sums of what was booked."""
    donated: Counter[str] = Counter()
    banked: Counter[str] = Counter()
    taxed: Counter[str] = Counter()
    for one in bookings:
        match one:
            case MovementBooking():
                donated[one.currency] += one.amount_minor
            case BankBooking():
                banked[one.currency] += one.amount_minor
            case StripeBooking():
                taxed[one.currency] += one.fee_tax_minor
                if balance_rule(one.type, one.category).role is Role.FEE_TAX:
                    taxed[one.currency] -= one.amount_minor
    booked = balances_by_role(bookings)
    for currency in ("CAD", "USD", "JPY", "KWD"):
        assert donated[currency] == -sum(booked[role, currency] for role in FROM_DONORS)
        assert banked[currency] == booked[Role.BANK, currency]
        assert taxed[currency] == booked[Role.FEE_TAX, currency]


@MANY
@given(st.lists(stripe_bookings(), max_size=30, unique_by=lambda one: one.id))
def test_the_clearing_account_has_stripes_balance(bookings: list[StripeBooking]) -> None:
    """After every day, the clearing account is what Stripe says its balance for payments is."""
    for day in (FIRST + timedelta(days) for days in range(10)):
        stated: Counter[str] = Counter()
        for one in bookings:
            if one.day <= day and one.balance_type == "payments":
                stated[one.currency] += one.amount_minor - one.fee_minor
        booked: Counter[str] = Counter()
        for account, amount in balances_of(journal_of(bookings, last_day=day)).items():
            if account.role is Role.STRIPE_CLEARING:
                booked[account.currency] += amount
        assert booked == stated


@MANY
@given(BOOKINGS, st.integers(0, 8), st.randoms(use_true_random=False))
def test_a_period_may_be_split(bookings: list[Booking], days: int, random: object) -> None:
    """The entries of two halves of a period are those of the period, in any order of bookings."""
    middle = FIRST + timedelta(days)
    whole = journal_of(bookings, first_day=FIRST)
    shuffled = list(bookings)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    halves = journal_of(shuffled, last_day=middle) + journal_of(
        shuffled, first_day=middle + timedelta(1)
    )
    assert halves == whole
    assert [entry.day for entry in whole] == sorted(entry.day for entry in whole)


@MANY
@given(BOOKINGS)
def test_an_entry_has_a_number_of_its_own(bookings: list[Booking]) -> None:
    """No two entries have the same number."""
    numbers = [entry.number for entry in journal_of(bookings)]
    assert len(numbers) == len(set(numbers))


@MANY
@given(BOOKINGS, st.integers(0, 9))
def test_a_later_explanation_changes_no_earlier_entry(bookings: list[Booking], days: int) -> None:
    """The entries until a day are the same whether money was explained after it or not at all."""
    last = FIRST + timedelta(days)

    def known_on(one: Booking, day: date) -> bool:
        return not isinstance(one, BankBooking) or (one.explained_on or one.day) <= day

    then = [
        one
        if known_on(one, last) or not isinstance(one, BankBooking)
        else BankBooking(
            id=one.id,
            day=one.day,
            bank=one.bank,
            currency=one.currency,
            kind=type(one.kind).UNIDENTIFIED,
            amount_minor=one.amount_minor,
        )
        for one in bookings
    ]
    assert journal_of(bookings, last_day=last) == journal_of(then, last_day=last)
