"""Checks between the files of a month: sums that were read in different ways must be equal."""

from collections.abc import Iterable, Iterator
from typing import Final

from donate.books.journal.balance_rules import balance_rule
from donate.books.journal.entry import JournalEntry
from donate.books.journal.postings import PAYMENTS_BALANCE, balance_role
from donate.books.journal.roles import AccountRole as Role
from donate.books.months.control.records import MonthRecords, is_correction
from donate.books.months.tables.stripe_tables import StatedTransaction
from donate.books.pack.control_totals import ControlCheck, sums_of
from donate.errors import N_
from donate.money import Money

_INCOME: Final = frozenset({Role.DONATIONS, Role.REFUNDS, Role.DISPUTES})
_FEES: Final = frozenset({Role.STRIPE_FEES, Role.FEE_TAX})


def checks_of(records: MonthRecords) -> Iterator[ControlCheck]:
    """Yield the checks. Each compares two sums of the same money, read in different ways.

    Corrections of earlier months are left out, because only the journal of this month has them.
    """
    own = [entry for entry in records.entries if not is_correction(entry)]
    movements = sums_of(records.column("movements", "amount"))
    yield ControlCheck(
        "register_movements",
        N_("The register of gifts and the movements"),
        sums_of(records.column("gifts", "net")),
        movements,
    )
    yield ControlCheck(
        "movements_day_totals",
        N_("The movements and the totals of days"),
        movements,
        sums_of(Money(total.amount_minor, total.currency) for total in records.day_totals),
    )
    yield ControlCheck(
        "movements_journal",
        N_("The movements and the journal’s income"),
        movements,
        _journal_sums(own, _INCOME, sign=-1),
    )
    debits = sums_of(
        Money(line.debit_minor, line.account.currency)
        for entry in records.entries
        for line in entry.lines
    )
    credits_ = sums_of(
        Money(line.credit_minor, line.account.currency)
        for entry in records.entries
        for line in entry.lines
    )
    yield ControlCheck("debits_credits", N_("Debits and credits"), debits, credits_)
    yield ControlCheck(
        "stripe_clearing",
        N_("Stripe’s transactions and the journal’s clearing account"),
        sums_of(
            one.money(one.row.net_minor)
            for one in records.transactions
            if balance_role(one.row.balance_type or PAYMENTS_BALANCE) is Role.STRIPE_CLEARING
        ),
        _journal_sums(own, {Role.STRIPE_CLEARING}),
    )
    yield ControlCheck(
        "fees",
        N_("Stripe’s fees and the journal’s fees"),
        sums_of(one.money(_fee_of(one)) for one in records.transactions),
        _journal_sums(own, _FEES),
    )
    yield ControlCheck(
        "bank",
        N_("The bank’s lines and the journal’s bank accounts"),
        sums_of(line.amount for line, _ in records.lines),
        _journal_sums(own, {Role.BANK}),
    )


def _fee_of(one: StatedTransaction) -> int:
    """Return the cost of a transaction: its fee, plus its own amount if it is itself a fee."""
    rule = balance_rule(one.row.type, one.row.reporting_category)
    return one.row.fee_minor - (one.row.amount_minor if rule.role in _FEES else 0)


def _journal_sums(
    entries: Iterable[JournalEntry], roles: Iterable[Role], *, sign: int = 1
) -> dict[str, int]:
    wanted = frozenset(roles)
    return sums_of(
        Money(sign * line.amount_minor, line.account.currency)
        for entry in entries
        for line in entry.lines
        if line.account.role in wanted
    )
