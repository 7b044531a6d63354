"""Makes open items of a month from the daily sheets and balances of its last day. Pure."""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Final

from donate.books.journal.entry import JournalEntry, balances_of
from donate.books.journal.roles import AccountRole
from donate.books.months.open_items import OpenItem, OpenKind
from donate.books.pack.control_totals import ControlTotals, sums_of
from donate.books.recorded.sheets.day_sheets import RecordedSheet
from donate.books.sheet.differences import DifferenceKind as Difference
from donate.books.sheet.items import Stage
from donate.money import Money

_OUR_STAGES: Final = frozenset({Stage.CHOSEN, Stage.CONFIRMED})
"""The columns of the daily sheet whose stated total comes from our own records."""
_KINDS: Final = {
    Difference.WAITING_FOR_STRIPE: OpenKind.NOT_AT_STRIPE,
    Difference.STRIPE_WITHOUT_GIFT: OpenKind.NOT_AT_STRIPE,
    Difference.STRIPE_DIFFERS: OpenKind.NOT_AT_STRIPE,
    Difference.WAITING_FOR_TRANSFER: OpenKind.NOT_AT_BANK,
    Difference.TRANSFER_WITHOUT_GIFT: OpenKind.NOT_AT_BANK,
    Difference.TRANSFER_DIFFERS: OpenKind.NOT_AT_BANK,
    Difference.NOT_DEPOSITED: OpenKind.UNDEPOSITED,
}
_MOST_NAMED: Final = 5


def contradictions(control: ControlTotals, sheets: Iterable[RecordedSheet]) -> Iterator[OpenItem]:
    """Yield an item if our own records disagree, and one if they disagree with Stripe or the bank.

    `control` are the control totals, whose failed checks count as contradictions in our records.
    The sheets of the month's last day cover everything since the books began.
    """
    ours: list[tuple[str, Money]] = [
        (check.key, Money(abs(left), currency))
        for check in control.failed
        for currency, left in check.differences.items()
    ]
    theirs: list[tuple[str, Money]] = []
    for one in sheets:
        for stage in Stage:
            left = one.sheet.unexplained(stage)
            if left:
                found = ours if stage in _OUR_STAGES else theirs
                found.append((stage.value, Money(abs(left), one.sheet.currency)))
    for kind, differences in ((OpenKind.CONTROL, ours), (OpenKind.UNEXPLAINED, theirs)):
        if differences:
            names = tuple(dict.fromkeys(name for name, _ in differences))
            yield OpenItem(
                kind, len(differences), _money(sums_of(a for _, a in differences)), names
            )


def unmatched_money(sheets: Iterable[RecordedSheet]) -> Iterator[OpenItem]:
    """Yield items for gifts whose money Stripe or the bank does not show, or with another amount.

    Money at Stripe or the bank without a gift, and cheques and cash not at the bank yet, count too.
    Amounts are added up without their signs, so that two differences never hide each other.
    """
    counts: Counter[OpenKind] = Counter()
    amounts: dict[OpenKind, Counter[str]] = {}
    names: dict[OpenKind, list[str]] = {}
    for one in sheets:
        for difference in one.sheet.differences:
            kind = _KINDS.get(difference.kind)
            if kind is None:
                continue
            sums = amounts.setdefault(kind, Counter())
            # `settled_minor` is the sum of an unknown number of items. Count it as one item.
            counts[kind] += len(difference.parts) + bool(difference.settled_minor)
            sums[one.sheet.currency] += abs(difference.settled_minor)
            sums[one.sheet.currency] += sum(abs(part.amount_minor) for part in difference.parts)
            names.setdefault(kind, []).extend(part.id for part in difference.parts)
    for kind, count in counts.items():
        named = tuple(sorted(names[kind])[:_MOST_NAMED])
        yield OpenItem(kind, count, _money(amounts[kind]), named)


def balances_to_explain(entries: Iterable[JournalEntry]) -> Iterator[OpenItem]:
    """Yield the balances of suspense and of unidentified money after these entries."""
    balances = balances_of(entries)
    for kind, role in (
        (OpenKind.SUSPENSE, AccountRole.SUSPENSE),
        (OpenKind.UNIDENTIFIED, AccountRole.UNIDENTIFIED),
    ):
        # Money that came in is a credit, which is negative in the journal.
        sign = -1 if role is AccountRole.UNIDENTIFIED else 1
        left = {
            key.currency: sign * amount
            for key, amount in balances.items()
            if key.role is role and amount
        }
        if left:
            yield OpenItem(kind, len(left), _money(left))


def _money(sums: "Counter[str] | dict[str, int]") -> tuple[Money, ...]:
    return tuple(Money(sums[currency], currency) for currency in sorted(sums))
