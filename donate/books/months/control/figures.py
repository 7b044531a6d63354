"""The figures of a month: gifts, Stripe, the bank, the journal, and balances at its end."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from donate.bank.shapes.statement import Sentence
from donate.books.chart import Chart
from donate.books.journal.entry import JournalEntry, balances_of
from donate.books.journal.roles import CONTROL
from donate.books.months.control.checks import checks_of
from donate.books.months.control.records import MonthRecords, is_correction
from donate.books.months.tables.bank_tables import bank_sums
from donate.books.months.tables.stripe_tables import StatedTransaction
from donate.books.pack.control_totals import ControlFigure, ControlSection, ControlTotals
from donate.errors import N_
from donate.gifts.movements.rules import MovementKind
from donate.money import Money

_KINDS: Final[Mapping[MovementKind, str]] = {
    MovementKind.PAYMENT: N_("Payments by donors"),
    MovementKind.TRANSFER: N_("Transfers, cheques and cash"),
    MovementKind.TRANSFER_UNDONE: N_("Gifts undone"),
    MovementKind.REFUND: N_("Refunds of gifts"),
    MovementKind.REFUND_RETURNED: N_("Failed refunds of gifts"),
    MovementKind.DISPUTE: N_("Gifts in dispute"),
    MovementKind.DISPUTE_RETURNED: N_("Gifts returned after disputes"),
}
_NET: Final = N_("Gifts, net")
_GROSS: Final = N_("Gross, of all transactions")
_FEES: Final = N_("Fees")
_FEE_TAX: Final = N_("Tax on fees")
_CHANGE: Final = N_("Change of the balances")
_ARRIVE: Final = N_("Payouts that arrive in the month")
_IN: Final = N_("%(name)s: in")
_OUT: Final = N_("%(name)s: out")
_DEBITS: Final = N_("Debits")
_CREDITS: Final = N_("Credits")
_CORRECTIONS: Final = N_("Of these, corrections of earlier months")
# An account in the chart. Its number and its name are the same in every language.
_ACCOUNT: Final = "%(number)s %(name)s"

FIGURE_TITLES: Final = (
    *_KINDS.values(),
    *(_NET, _GROSS, _FEES, _FEE_TAX, _CHANGE, _ARRIVE, _IN, _OUT, _DEBITS, _CREDITS, _CORRECTIONS),
)
"""The msgids of all figures. They are needed to translate stored figures, which are in English."""

SECTION_TITLES: Final[Mapping[str, str]] = {
    "gifts": N_("Gifts"),
    "stripe": N_("Stripe"),
    "bank": N_("Bank"),
    "journal": N_("Journal"),
    "balances": N_("Balances at the end of the month"),
}


def control_totals(records: MonthRecords, chart: Chart, facts: Mapping[str, str]) -> ControlTotals:
    """Return the control totals of a month.

    `facts` are more texts about it, such as who closed it.
    """
    figures = {
        "gifts": tuple(_gifts(records)),
        "stripe": tuple(_stripe(records)),
        "bank": tuple(_bank(records)),
        "journal": tuple(_journal(records.entries)),
        "balances": _balances([*records.before, *records.entries], chart),
    }
    sections = [
        ControlSection(key, SECTION_TITLES[key], found) for key, found in figures.items() if found
    ]
    return ControlTotals(str(records.month), sections, list(checks_of(records)), dict(facts))


def _gifts(records: MonthRecords) -> Iterator[ControlFigure]:
    """Yield the money in and out for gifts, by kind and currency, and the net."""
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
        yield ControlFigure("net", Sentence(_NET), net, counts[currency].total())


def _stripe(records: MonthRecords) -> Iterator[ControlFigure]:
    by_currency: defaultdict[str, list[StatedTransaction]] = defaultdict(list)
    for one in records.transactions:
        by_currency[one.row.currency].append(one)
    payouts: defaultdict[str, list[int]] = defaultdict(list)
    for each in records.payouts:
        is_gone = each.row.status in ("failed", "canceled")
        if not is_gone and records.month.first_day <= each.row.arrives_on <= records.month.last_day:
            payouts[each.row.currency].append(each.row.amount_minor)
    for currency in sorted({*by_currency, *payouts}):
        rows = [one.row for one in by_currency[currency]]
        sums = {
            "gross": (_GROSS, sum(row.amount_minor for row in rows)),
            "fees": (_FEES, sum(row.fee_minor - row.tax_minor for row in rows)),
            "fee_tax": (_FEE_TAX, sum(row.tax_minor for row in rows)),
            "net": (_CHANGE, sum(row.net_minor for row in rows)),
        }
        for key, (title, amount) in sums.items():
            count = len(rows) if key in ("gross", "net") else None
            yield ControlFigure(key, Sentence(title), Money(amount, currency), count)
        if payouts[currency]:
            sent = Money(sum(payouts[currency]), currency)
            arrive = Sentence(_ARRIVE)
            yield ControlFigure("payouts", arrive, sent, len(payouts[currency]))


def _bank(records: MonthRecords) -> Iterator[ControlFigure]:
    for (account, _), (count, came, went) in bank_sums(records.lines).items():
        name = {"name": account}
        yield ControlFigure(f"{account}: in", Sentence(_IN, name), came, count)
        yield ControlFigure(f"{account}: out", Sentence(_OUT, name), went)


def _journal(entries: Iterable[JournalEntry]) -> Iterator[ControlFigure]:
    by_currency: defaultdict[str, list[JournalEntry]] = defaultdict(list)
    for entry in entries:
        by_currency[entry.currency].append(entry)
    for currency, found in sorted(by_currency.items()):
        lines = [line for entry in found for line in entry.lines]
        debits = Money(sum(line.debit_minor for line in lines), currency)
        credits_ = Money(sum(line.credit_minor for line in lines), currency)
        yield ControlFigure("debits", Sentence(_DEBITS), debits, len(found))
        yield ControlFigure("credits", Sentence(_CREDITS), credits_)
        late = [entry for entry in found if is_correction(entry)]
        if late:
            amount = Money(sum(line.debit_minor for e in late for line in e.lines), currency)
            title = Sentence(_CORRECTIONS)
            yield ControlFigure("corrections", title, amount, len(late))


def balances_section(entries: Iterable[JournalEntry], chart: Chart) -> list[ControlSection]:
    """Return a list with a section of the balances after these entries; empty if all are zero."""
    figures = _balances(entries, chart)
    return [ControlSection("balances", SECTION_TITLES["balances"], figures)] if figures else []


def _balances(entries: Iterable[JournalEntry], chart: Chart) -> tuple[ControlFigure, ...]:
    """Return the balances of the accounts that can be compared with another figure."""
    balances: Counter[tuple[str, str, str]] = Counter()
    for key, amount in balances_of(entries).items():
        if key.role in CONTROL:
            account = chart.account(key)
            balances[account.number, account.name, key.currency] += amount
    return tuple(
        ControlFigure(
            f"{number} {name}",
            Sentence(_ACCOUNT, {"number": number, "name": name}),
            Money(amount, currency),
        )
        for (number, name, currency), amount in sorted(balances.items())
        if amount
    )
