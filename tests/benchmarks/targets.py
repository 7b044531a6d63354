"""The benchmark's targets, for a machine with two cores that also sends the load."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from tests.benchmarks.desk import PAGES


@dataclass(frozen=True)
class Target:
    """A bound for a measured value, or for its ratio to the ceiling of the same run."""

    bound: float
    at_most: bool = False
    of_ratio: bool = False

    def is_met(self, value: float, ratio: float | None) -> bool:
        measured = ratio if self.of_ratio else value
        assert measured is not None, "this figure has no ceiling"
        return measured < self.bound if self.at_most else measured >= self.bound

    def __str__(self) -> str:
        bound = f"{self.bound:.2f}" if self.of_ratio else f"{self.bound:,.0f}"
        return f"{'<' if self.at_most else '>='} {bound}"


_BOTH: Final = {
    "confirmed gifts": Target(1_000),
    "p99 at 350/s offered": Target(15, at_most=True),
    "durable answers with 1,000,000 gifts stored": Target(0.80, of_ratio=True),
    "confirmed gifts with 1,000,000 gifts stored": Target(0.80, of_ratio=True),
    "1,000,000 gifts made in": Target(300, at_most=True),
    **{f"p99 of {path}": Target(100, at_most=True) for path in (*PAGES, "older pages")},
    "gifts a second as CSV": Target(0.50, of_ratio=True),
    "memory for CSV": Target(50, at_most=True),
    "memory for XLSX": Target(100, at_most=True),
    "p99 at 100/s during exports": Target(50, at_most=True),
}
TARGETS: Final[Mapping[str, Mapping[str, Target]]] = {
    "SQLite": _BOTH | {"durable answers": Target(0.60, of_ratio=True)},
    "PostgreSQL": _BOTH | {"durable answers": Target(0.40, of_ratio=True)},
}
