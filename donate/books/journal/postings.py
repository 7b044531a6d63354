"""The postings for each booking. A posting is a pair of a debit and a credit in one journal entry.

The debit account is debited if the amount is positive and credited if it is negative. Every amount
is booked gross: money that went out is not subtracted from money that came in, and fees have lines
of their own.
"""

from collections.abc import Iterator
from datetime import date
from functools import singledispatch
from typing import Final, NamedTuple

from donate.bank.shapes.statement import Sentence
from donate.books.journal.balance_rules import UNKNOWN, balance_name, balance_rule
from donate.books.journal.bookings import (
    BankBooking,
    BankPartKind,
    BookedMovement,
    Booking,
    MovementBooking,
    StripeBooking,
)
from donate.books.journal.roles import AccountKey, AccountRole as Role
from donate.errors import N_
from donate.regions.modes import Mode

PAYMENTS_BALANCE: Final = "payments"
"""Stripe's name for the balance from which it makes payouts."""
IDENTIFIED_LATER: Final = "IDN"
"""Begins the numbers of entries for bank lines that were identified after their month closed."""
_OF_FEES: Final = Sentence(N_("Stripe fees"))
_OF_FEE_TAX: Final = Sentence(N_("Tax on Stripe fees"))

_MOVEMENTS: Final = {
    BookedMovement.PAYMENT: (Role.DONATIONS, N_("Gifts received")),
    BookedMovement.TRANSFER: (Role.DONATIONS, N_("Gifts received")),
    BookedMovement.TRANSFER_UNDONE: (Role.DONATIONS, N_("Gifts undone")),
    BookedMovement.REFUND: (Role.REFUNDS, N_("Refunds of gifts")),
    BookedMovement.REFUND_RETURNED: (Role.REFUNDS, N_("Failed refunds of gifts")),
    BookedMovement.DISPUTE: (Role.DISPUTES, N_("Gifts in dispute")),
    BookedMovement.DISPUTE_RETURNED: (Role.DISPUTES, N_("Gifts returned after disputes")),
}

_BANK: Final = {
    BankPartKind.TRANSFER: (Role.TRANSFERS_RECEIVABLE, N_("Transfers for gifts")),
    BankPartKind.DEPOSIT: (Role.UNDEPOSITED, N_("Deposits of cheques and cash")),
    BankPartKind.RETURNED_ITEM: (Role.UNDEPOSITED, N_("Returned cheques")),
    BankPartKind.STRIPE: (Role.PAYOUTS_IN_TRANSIT, N_("Stripe payouts and debits")),
    BankPartKind.OWN_TRANSFER: (Role.OWN_TRANSFERS, N_("Transfers between own accounts")),
    BankPartKind.FEE: (Role.BANK_FEES, N_("Bank fees")),
    BankPartKind.INTEREST: (Role.INTEREST, N_("Interest")),
    BankPartKind.OTHER_RECEIPT: (Role.OTHER_RECEIPTS, N_("Other receipts")),
    BankPartKind.OTHER_PAYMENT: (Role.OTHER_PAYMENTS, N_("Other payments")),
    BankPartKind.UNIDENTIFIED: (Role.UNIDENTIFIED, N_("Unidentified money")),
}


class EntryKey(NamedTuple):
    """Identifies a journal entry: its day, its number, and what it is about."""

    day: date
    number: str
    title: str
    name: str = ""

    @property
    def description(self) -> Sentence:
        """A sentence that says what the entry is about."""
        return Sentence(self.title, {"name": self.name} if self.name else {})


class Posting(NamedTuple):
    """An amount in minor units that is moved between two accounts, in one journal entry.

    If the amount is positive, `debit` is debited; if it is negative, `credit` is. The fund belongs
    to the line of the account `credit`. `times` is the number of movements that the amount adds up.
    """

    entry: EntryKey
    debit: AccountKey
    credit: AccountKey
    amount_minor: int
    memo: Sentence
    fund: str = ""
    times: int = 1


def receivable_role(mode: Mode) -> Role:
    """Return the account on which a mode's gifts wait until Stripe or the bank shows them."""
    if mode.through_stripe:
        return Role.STRIPE_RECEIVABLE
    return Role.UNDEPOSITED if mode.facts.staff_only else Role.TRANSFERS_RECEIVABLE


@singledispatch
def postings_of(booking: Booking) -> Iterator[Posting]:
    """Yield the postings for a booking.

    Some may have the amount zero, which has no effect.
    """
    raise TypeError(f"{booking!r} is no booking")


@postings_of.register
def _of_movement(booking: MovementBooking) -> Iterator[Posting]:
    number = f"DON-{booking.day}-{booking.currency}"
    title, name = N_("Gifts without a fund"), ""
    if booking.fund:
        number = f"{number}-{booking.fund.upper()}"
        title, name = N_("Gifts for the fund %(name)s"), booking.fund
    role, memo = _MOVEMENTS[booking.kind]
    yield Posting(
        EntryKey(booking.day, number, title, name),
        AccountKey(receivable_role(booking.mode), booking.currency),
        AccountKey(role, booking.currency, booking.fund),
        booking.amount_minor,
        Sentence(memo),
        booking.fund,
        booking.count,
    )


@postings_of.register
def _of_stripe(booking: StripeBooking) -> Iterator[Posting]:
    rule = balance_rule(booking.type, booking.category)
    entry = _stripe_entry(booking.day, booking.currency)
    if rule.role is Role.PAYOUTS_IN_TRANSIT:
        name = booking.source_id or booking.id
        number = f"PAY-{booking.day}-{booking.currency}-{name}"
        entry = EntryKey(booking.day, number, N_("Payout or top-up %(name)s"), name)
    balance = AccountKey(balance_role(booking.balance_type), booking.currency)
    kind = balance_name(booking.type, booking.category)
    memo = Sentence(rule.title, {"name": kind} if rule.title == UNKNOWN.title else {})
    counter = AccountKey(rule.role, booking.currency)
    if is_converted(booking):
        counter = AccountKey(Role.CURRENCY_EXCHANGE, booking.currency)
        yield Posting(
            _stripe_entry(booking.day, booking.original_currency),
            AccountKey(Role.CURRENCY_EXCHANGE, booking.original_currency),
            AccountKey(rule.role, booking.original_currency),
            booking.original_minor,
            memo,
            times=booking.count,
        )
    # Stripe reports a reserve as a transaction in the payments balance. It may report the same
    # money again in the balance of reserves. That second report moves no money.
    if counter != balance:
        yield Posting(entry, balance, counter, booking.amount_minor, memo, times=booking.count)
    for role, amount, of_fee in (
        (Role.STRIPE_FEES, booking.fee_minor - booking.fee_tax_minor, _OF_FEES),
        (Role.FEE_TAX, booking.fee_tax_minor, _OF_FEE_TAX),
    ):
        account = AccountKey(role, booking.currency)
        yield Posting(entry, account, balance, amount, of_fee, times=booking.count)


def is_converted(booking: StripeBooking) -> bool:
    """Return whether Stripe exchanged the money of a gift into the currency of the booking.

    The gift is then receivable in its own currency, so both currencies have their own entries.
    """
    rule = balance_rule(booking.type, booking.category)
    return rule.role is Role.STRIPE_RECEIVABLE and bool(booking.original_currency)


def _stripe_entry(day: date, currency: str) -> EntryKey:
    return EntryKey(day, f"STR-{day}-{currency}", N_("Stripe balance"))


def balance_role(balance_type: str) -> Role:
    """Return the role of the account for one of Stripe's balances."""
    return Role.STRIPE_CLEARING if balance_type == PAYMENTS_BALANCE else Role.STRIPE_HELD


@postings_of.register
def _of_bank(booking: BankBooking) -> Iterator[Posting]:
    bank = AccountKey(Role.BANK, booking.currency, booking.bank)
    role, title = _BANK[booking.kind]
    counter = AccountKey(role, booking.currency)
    unidentified_role, unidentified_title = _BANK[BankPartKind.UNIDENTIFIED]
    unidentified = AccountKey(unidentified_role, booking.currency)
    is_late = booking.explained_on is not None and booking.explained_on > booking.day
    yield Posting(
        _bank_entry("BNK", booking.day, booking, N_("Bank account %(name)s")),
        bank,
        unidentified if is_late else counter,
        booking.amount_minor,
        Sentence(unidentified_title if is_late else title),
        times=booking.count,
    )
    if is_late and booking.explained_on and counter != unidentified:
        title_of_entry = N_("Bank account %(name)s, identified later")
        yield Posting(
            _bank_entry(IDENTIFIED_LATER, booking.explained_on, booking, title_of_entry),
            unidentified,
            counter,
            booking.amount_minor,
            Sentence(title),
            times=booking.count,
        )


def _bank_entry(prefix: str, day: date, booking: BankBooking, title: str) -> EntryKey:
    number = f"{prefix}-{day}-{booking.currency}-{booking.bank.upper()}"
    return EntryKey(day, number, title, booking.bank)
