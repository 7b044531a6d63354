"""The columns of the exports. `docs/finance.md` explains each; a test compares the two.

A change of a column's name, type or meaning needs a new version. New columns come last.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Final
from zoneinfo import ZoneInfo

from donate.money import Money

CellValue = str | bool | date | datetime | Money | None


class CellType(StrEnum):
    """What the cells of a column hold."""

    TEXT = "text"
    FLAG = "yes or no"
    DAY = "day"
    TIME = "time"
    AMOUNT = "amount"


@dataclass(frozen=True, slots=True)
class ExportColumn:
    """A column of an export; `value` takes its cell from a row that the database returned."""

    name: str
    type: CellType
    value: Callable[[Any], CellValue]


@dataclass(frozen=True, slots=True)
class ExportLayout:
    """The columns of one export, in their order, with their version."""

    name: str
    version: int
    columns: tuple[ExportColumn, ...]


def _text(name: str) -> ExportColumn:
    return ExportColumn(name, CellType.TEXT, lambda row: str(getattr(row, name) or ""))


def _flag(name: str) -> ExportColumn:
    return ExportColumn(name, CellType.FLAG, lambda row: bool(getattr(row, name)))


def _day(name: str) -> ExportColumn:
    return ExportColumn(name, CellType.DAY, lambda row: getattr(row, name))


def _time(name: str) -> ExportColumn:
    def local(row: Any) -> datetime:
        moment: datetime = getattr(row, name)
        return moment.astimezone(ZoneInfo(row.time_zone))

    return ExportColumn(name, CellType.TIME, local)


def _amount(name: str, column: str) -> ExportColumn:
    return ExportColumn(
        name, CellType.AMOUNT, lambda row: Money(getattr(row, column) or 0, row.currency)
    )


MOVEMENT_LAYOUT: Final = ExportLayout(
    "movements",
    1,
    (
        _day("day"),
        _text("gift_reference"),
        _text("kind"),
        _amount("amount", "amount_minor"),
        _text("currency"),
        _text("code"),
        _text("mode"),
        _text("fund"),
        _text("frequency"),
        _time("happened_at"),
        _time("recorded_at"),
        _text("source_id"),
        _text("gift_id"),
        _text("donor_name"),
        _text("donor_email"),
        _text("donor_country"),
    ),
)

GIFT_LAYOUT: Final = ExportLayout(
    "gifts",
    1,
    (
        _text("gift_reference"),
        _day("started_on"),
        _text("status"),
        _text("flags"),
        _amount("amount", "amount_minor"),
        _amount("received", "received_minor"),
        _amount("returned", "returned_minor"),
        _amount("net", "net_minor"),
        _text("currency"),
        _day("received_on"),
        _text("code"),
        _text("mode"),
        _text("fund"),
        _text("frequency"),
        _time("started_at"),
        _text("gift_id"),
        _text("pledge_id"),
        _text("donor_name"),
        _text("donor_email"),
        _text("donor_country"),
        _text("donor_language"),
        _flag("is_anonymous"),
        _amount("fee_cover", "fee_cover_minor"),
        _text("tribute_kind"),
        _text("tribute_name"),
        _text("note"),
    ),
)
