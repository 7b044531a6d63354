"""The columns of the exports. `docs/exports.md` explains each; a test compares the two.

If a column's name, type or meaning changes, the export needs a new version number. Add new columns
at the end.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class CellType(StrEnum):
    """The type of the values in a column."""

    TEXT = "text"
    FLAG = "yes or no"
    DAY = "day"
    TIME = "time"
    AMOUNT = "amount"


@dataclass(frozen=True, slots=True)
class ExportColumn:
    """A column of an export.

    `source` is the name of the row's attribute that holds the column's value.
    """

    name: str
    type: CellType
    source: str


@dataclass(frozen=True, slots=True)
class ExportLayout:
    """The columns of one export, in order, and the version number of this layout."""

    name: str
    version: int
    columns: tuple[ExportColumn, ...]


def _text(name: str) -> ExportColumn:
    return ExportColumn(name, CellType.TEXT, name)


def _flag(name: str) -> ExportColumn:
    return ExportColumn(name, CellType.FLAG, name)


def _day(name: str) -> ExportColumn:
    return ExportColumn(name, CellType.DAY, name)


def _time(name: str) -> ExportColumn:
    return ExportColumn(name, CellType.TIME, name)


def _amount(name: str, column: str) -> ExportColumn:
    return ExportColumn(name, CellType.AMOUNT, column)


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

MONTHLY_LAYOUT: Final = ExportLayout(
    "monthly",
    1,
    (
        _text("gift_reference"),
        _day("started_on"),
        _text("state"),
        _amount("amount", "amount_minor"),
        _text("currency"),
        _day("next_on"),
        _day("resumes_on"),
        _day("ends_on"),
        _text("last_status"),
        _day("last_on"),
        _text("code"),
        _text("mode"),
        _text("fund"),
        _time("started_at"),
        _text("pledge_id"),
        _text("donor_name"),
        _text("donor_email"),
        _text("donor_country"),
        _text("donor_language"),
    ),
)


def _of_donor(name: str) -> ExportColumn:
    return ExportColumn(name, CellType.TEXT, f"donor.{name}")


def _day_of_donor(name: str) -> ExportColumn:
    return ExportColumn(name, CellType.DAY, f"donor.{name}")


DONOR_LAYOUT: Final = ExportLayout(
    "donors",
    1,
    (
        ExportColumn("donor_id", CellType.TEXT, "donor.id"),
        *map(_of_donor, ("name", "kind", "first_name", "initial", "email", "language")),
        *map(_of_donor, ("street", "city", "province", "postal_code", "country")),
        _text("currency"),
        _amount("money_in", "money_in_minor"),
        _amount("money_out", "money_out_minor"),
        _of_donor("gifts"),
        _day_of_donor("first_gift"),
        _day_of_donor("last_gift"),
    ),
)

PAYOUT_LAYOUT: Final = ExportLayout(
    "payouts",
    1,
    (
        _text("payout_id"),
        _day("arrives_on"),
        _text("payout_status"),
        _time("created_at"),
        _text("transaction_id"),
        _text("kind"),
        _text("type"),
        _amount("gross", "amount_minor"),
        _amount("fee", "fee_minor"),
        _amount("tax", "tax_minor"),
        _amount("net", "net_minor"),
        _text("currency"),
        _text("gift_reference"),
        _text("gift_id"),
        _text("source_id"),
        _text("description"),
    ),
)
