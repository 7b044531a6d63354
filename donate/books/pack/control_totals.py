"""The control totals of a pack, which show an accountant that the pack's files agree."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from donate.bank.shapes.statement import Sentence
from donate.money import Money


@dataclass(frozen=True, slots=True)
class ControlFigure:
    """A count and an amount. `key` names the figure in JSON, `title` names it for people."""

    key: str
    title: Sentence
    amount: Money | None = None
    count: int | None = None


@dataclass(frozen=True, slots=True)
class ControlSection:
    """The figures about one subject, such as the gifts or a bank account."""

    key: str
    title: str
    figures: tuple[ControlFigure, ...]


@dataclass(frozen=True, slots=True)
class ControlCheck:
    """Two sums that have to be equal in every currency, in minor units. `title` names the check."""

    key: str
    title: str
    one: Mapping[str, int]
    other: Mapping[str, int]

    @property
    def differences(self) -> dict[str, int]:
        """The first sum less the other, in each currency in which they differ."""
        found = {
            currency: self.one.get(currency, 0) - self.other.get(currency, 0)
            for currency in sorted({*self.one, *self.other})
        }
        return {currency: left for currency, left in found.items() if left}


@dataclass(frozen=True, slots=True)
class ControlTotals:
    """All figures of a month, and all checks between its files."""

    month: str
    sections: Sequence[ControlSection] = ()
    checks: Sequence[ControlCheck] = ()
    facts: Mapping[str, str] = field(default_factory=dict)
    """Further texts, such as who closed the month."""

    @property
    def failed(self) -> list[ControlCheck]:
        """The checks whose sums differ."""
        return [check for check in self.checks if check.differences]

    def as_json(self) -> dict[str, Any]:
        """Return the totals as values for JSON.

        Amounts are texts such as `-50.00`; titles are English.
        """
        return {
            "month": self.month,
            **self.facts,
            "figures": {
                section.key: [_figure(figure) for figure in section.figures]
                for section in self.sections
            },
            "checks": [
                {
                    "check": check.key,
                    "title": check.title,
                    "agrees": not check.differences,
                    "sums": [_decimals(check.one), _decimals(check.other)],
                }
                for check in self.checks
            ],
        }


def _figure(figure: ControlFigure) -> dict[str, Any]:
    title = figure.title.message % figure.title.values
    found: dict[str, Any] = {"figure": figure.key, "title": title}
    if figure.count is not None:
        found["count"] = figure.count
    if figure.amount is not None:
        found["amount"] = _decimal(figure.amount)
        found["currency"] = figure.amount.currency
    return found


def _decimals(sums: Mapping[str, int]) -> dict[str, str]:
    return {currency: _decimal(Money(sums[currency], currency)) for currency in sorted(sums)}


def _decimal(amount: Money) -> str:
    return f"{amount.decimal:f}"


def sums_of(amounts: Iterable[Money]) -> dict[str, int]:
    """Return the sum of amounts in minor units, by currency."""
    sums: dict[str, int] = {}
    for amount in amounts:
        sums[amount.currency] = sums.get(amount.currency, 0) + amount.amount_minor
    return {currency: sums[currency] for currency in sorted(sums)}
