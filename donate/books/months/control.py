"""Adds up a month: figures of gifts, Stripe, the bank and the journal, and checks between them.

Each check compares two sums that were read in different ways, so a row that one lacks shows.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from donate.bank.shapes.statement import Sentence
from donate.bank.statements.models import BankAccount, RecordedLine
from donate.books.chart import Chart
from donate.books.journal.balance_rules import balance_rule
from donate.books.journal.entry import JournalEntry, balances_of
from donate.books.journal.postings import balance_role
from donate.books.journal.roles import CONTROL, AccountRole as Role
from donate.books.months.book_month import BookMonth
from donate.books.months.tables.bank_tables import bank_sums
from donate.books.months.tables.gift_tables import MovedGift
from donate.books.months.tables.stripe_tables import StatedPayout, StatedTransaction
from donate.books.pack.control_totals import (
    ControlCheck,
    ControlFigure,
    ControlSection,
    ControlTotals,
    sums_of,
)
from donate.books.pack.csv_table import CsvTable
from donate.errors import N_
from donate.gifts.movements.rules import MovementKind
from donate.gifts.movements.totals import PeriodTotal
from donate.money import Money

_INCOME: Final = frozenset({Role.DONATIONS, Role.REFUNDS, Role.DISPUTES})
_FEES: Final = frozenset({Role.STRIPE_FEES, Role.FEE_TAX})
_BALANCES: Final = N_("Balances at the end of the month")
_IS_CORRECTION: Final = re.compile(r"C[0-9]+-")
_KINDS: Final[Mapping[MovementKind, str]] = {
    MovementKind.PAYMENT: N_("Payments by donors"),
    MovementKind.TRANSFER: N_("Transfers, cheques and cash"),
    MovementKind.TRANSFER_UNDONE: N_("Gifts undone"),
    MovementKind.REFUND: N_("Refunds of gifts"),
    MovementKind.REFUND_RETURNED: N_("Failed refunds of gifts"),
    MovementKind.DISPUTE: N_("Gifts in dispute"),
    MovementKind.DISPUTE_RETURNED: N_("Gifts returned after disputes"),
}


@dataclass(frozen=True, slots=True)
class MonthRecords:
    """All that was recorded of a month, and the journal until its end.

    `entries` are those of the month, with the corrections of earlier months among them. `before`
    are the entries of all closed months. `tables` go into the pack.
    """

    month: BookMonth
    moved: Sequence[MovedGift]
    day_totals: Sequence[PeriodTotal]
    transactions: Sequence[StatedTransaction]
    payouts: Sequence[StatedPayout]
    lines: Sequence[tuple[RecordedLine, BankAccount]]
    entries: Sequence[JournalEntry]
    before: Sequence[JournalEntry]
    tables: Sequence[CsvTable]

    def column(self, table: str, name: str) -> list[Money]:
        """Return the amounts in a column of a table of the pack."""
        (found,) = (one for one in self.tables if one.name == table)
        place = found.columns.index(name)
        return [row[place] for row in found.rows if isinstance(row[place], Money)]  # type: ignore[misc]


def is_correction(entry: JournalEntry) -> bool:
    """Return whether an entry corrects one of a closed month."""
    return bool(_IS_CORRECTION.match(entry.number))


def control_totals(records: MonthRecords, chart: Chart, facts: Mapping[str, str]) -> ControlTotals:
    """Return the control totals of a month. `facts` are further texts of it."""
    sections = [
        ControlSection("gifts", N_("Gifts"), tuple(_gifts(records))),
        ControlSection("stripe", N_("Stripe"), tuple(_stripe(records))),
        ControlSection("bank", N_("Bank"), tuple(_bank(records))),
        ControlSection("journal", N_("Journal"), tuple(_journal(records.entries))),
        ControlSection("balances", _BALANCES, _balances(records, chart)),
    ]
    filled = [section for section in sections if section.figures]
    return ControlTotals(str(records.month), filled, list(_checks(records)), dict(facts))


def _gifts(records: MonthRecords) -> Iterator[ControlFigure]:
    """Yield what came in and went out, by kind and currency, and what is left of it."""
    amounts: defaultdict[str, Counter[MovementKind]] = defaultdict(Counter)
    counts: defaultdict[str, Counter[MovementKind]] = defaultdict(Counter)
    for one in records.moved:
        amounts[one.movement.currency][one.movement.kind] += one.movement.amount_minor
        counts[one.movement.currency][one.movement.kind] += 1
    for currency in sorted(amounts):
        for kind, title in _KINDS.items():
            if counts[currency][kind]:
                amount = Money(amounts[currency][kind], currency)
                count = counts[currency][kind]
                yield ControlFigure(kind.value, Sentence(title), amount, count)
        net = Money(amounts[currency].total(), currency)
        yield ControlFigure("net", Sentence(N_("Gifts, net")), net, counts[currency].total())


def _stripe(records: MonthRecords) -> Iterator[ControlFigure]:
    by_currency: defaultdict[str, list[StatedTransaction]] = defaultdict(list)
    for one in records.transactions:
        by_currency[one.row.currency].append(one)
    payouts: defaultdict[str, list[int]] = defaultdict(list)
    for each in records.payouts:
        if records.month.first_day <= each.row.arrives_on <= records.month.last_day:
            payouts[each.row.currency].append(each.row.amount_minor)
    for currency in sorted({*by_currency, *payouts}):
        rows = [one.row for one in by_currency[currency]]
        sums = {
            "gross": (N_("Gross, of all transactions"), sum(row.amount_minor for row in rows)),
            "fees": (N_("Fees"), sum(row.fee_minor - row.tax_minor for row in rows)),
            "fee_tax": (N_("Tax on fees"), sum(row.tax_minor for row in rows)),
            "net": (N_("Change of the balances"), sum(row.net_minor for row in rows)),
        }
        for key, (title, amount) in sums.items():
            count = len(rows) if key in ("gross", "net") else None
            yield ControlFigure(key, Sentence(title), Money(amount, currency), count)
        if payouts[currency]:
            sent = Money(sum(payouts[currency]), currency)
            arrive = Sentence(N_("Payouts that arrive in the month"))
            yield ControlFigure("payouts", arrive, sent, len(payouts[currency]))


def _bank(records: MonthRecords) -> Iterator[ControlFigure]:
    for (account, _), (count, came, went) in bank_sums(records.lines).items():
        name = {"name": account}
        yield ControlFigure(f"{account}: in", Sentence(N_("%(name)s: in"), name), came, count)
        yield ControlFigure(f"{account}: out", Sentence(N_("%(name)s: out"), name), went)


def _journal(entries: Iterable[JournalEntry]) -> Iterator[ControlFigure]:
    by_currency: defaultdict[str, list[JournalEntry]] = defaultdict(list)
    for entry in entries:
        by_currency[entry.currency].append(entry)
    for currency, found in sorted(by_currency.items()):
        lines = [line for entry in found for line in entry.lines]
        debits = Money(sum(line.debit_minor for line in lines), currency)
        credits_ = Money(sum(line.credit_minor for line in lines), currency)
        yield ControlFigure("debits", Sentence(N_("Debits")), debits, len(found))
        yield ControlFigure("credits", Sentence(N_("Credits")), credits_)
        late = [entry for entry in found if is_correction(entry)]
        if late:
            amount = Money(sum(line.debit_minor for e in late for line in e.lines), currency)
            title = Sentence(N_("Of these, corrections of earlier months"))
            yield ControlFigure("corrections", title, amount, len(late))


def _balances(records: MonthRecords, chart: Chart) -> tuple[ControlFigure, ...]:
    """Return the balances at the end of the month of accounts that somebody can compare."""
    balances: Counter[tuple[str, str, str]] = Counter()
    for key, amount in balances_of([*records.before, *records.entries]).items():
        if key.role in CONTROL:
            account = chart.account(key)
            balances[account.number, account.name, key.currency] += amount
    return tuple(
        ControlFigure(
            f"{number} {name}",
            Sentence(N_("%(number)s %(name)s"), {"number": number, "name": name}),
            Money(amount, currency),
        )
        for (number, name, currency), amount in sorted(balances.items())
        if amount
    )


def _checks(records: MonthRecords) -> Iterator[ControlCheck]:
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
            if balance_role(one.row.balance_type) is Role.STRIPE_CLEARING
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
    """Return what a transaction costs: its fee, and its own amount if it is nothing but a fee."""
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
