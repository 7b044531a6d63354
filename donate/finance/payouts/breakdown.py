"""The amounts that make up a payout, by kind, and whether they add up exactly. Pure functions."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from donate.finance.payouts.queries import PayoutCategorySum
from donate.money import Money
from donate.stripe_gateway.balance.categories import KIND_TITLES, NEEDS_A_LOOK, BalanceKind


@dataclass(frozen=True, slots=True)
class KindSum:
    """All transactions of one kind: their number and sums. Fees and taxes are positive.

    `fee` does not include `tax`. `types` lists those transaction types that this service does not
    know.
    """

    kind: BalanceKind
    count: int
    gross: Money
    fee: Money
    tax: Money
    net: Money
    types: tuple[str, ...]

    @property
    def title(self) -> str:
        """The title of the kind, a msgid."""
        return KIND_TITLES[self.kind]

    @property
    def needs_a_look(self) -> bool:
        """Whether staff should look into these transactions."""
        return self.kind in NEEDS_A_LOOK


@dataclass(frozen=True, slots=True)
class PayoutBreakdown:
    """The sums for each kind of transaction in a payout, and their total.

    The kinds are in the order in which the books list them.
    """

    kinds: tuple[KindSum, ...]
    total: KindSum


def break_down(parts: Sequence[PayoutCategorySum], currency: str) -> PayoutBreakdown:
    """Return the sums for each kind of transaction. All `parts` must be in one currency."""
    by_kind = defaultdict[BalanceKind, list[PayoutCategorySum]](list)
    for part in parts:
        by_kind[part.kind].append(part)
    kinds = [_sum(kind, by_kind[kind], currency) for kind in BalanceKind if kind in by_kind]
    return PayoutBreakdown(tuple(kinds), _sum(BalanceKind.UNKNOWN, parts, currency))


def difference(breakdown: PayoutBreakdown, amount: Money) -> Money:
    """Return the sum of the transactions less the payout's amount. It should be zero."""
    return amount.part(breakdown.total.net.amount_minor - amount.amount_minor)


def _sum(kind: BalanceKind, parts: Sequence[PayoutCategorySum], currency: str) -> KindSum:
    tax = sum(part.tax for part in parts)
    return KindSum(
        kind=kind,
        count=sum(part.count for part in parts),
        gross=Money(sum(part.amount for part in parts), currency),
        fee=Money(sum(part.fee for part in parts) - tax, currency),
        tax=Money(tax, currency),
        net=Money(sum(part.net for part in parts), currency),
        types=tuple(part.type for part in parts) if kind is BalanceKind.UNKNOWN else (),
    )


def pairs_of(kind: str, parts: Sequence[PayoutCategorySum]) -> list[tuple[str, str]]:
    """Return the types and categories that belong to one kind, to filter transactions by them."""
    return [(part.type, part.category) for part in parts if part.kind == kind]
