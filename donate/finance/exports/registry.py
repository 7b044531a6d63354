"""All exports: for each export its columns, its filters, and how to read its rows.

To add an export, add its layout to `columns.py` and an entry here. The entry is enough to create
its routes, its links and its `donate export` command.
"""

import re
from collections.abc import Callable, Generator, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from sqlmodel import Session

from donate.errors import N_, BadInput, BadInputs
from donate.finance.exports.columns import (
    DONOR_LAYOUT,
    GIFT_LAYOUT,
    MONTHLY_LAYOUT,
    MOVEMENT_LAYOUT,
    PAYOUT_LAYOUT,
    ExportLayout,
)
from donate.finance.exports.payout_queries import adds_up_to_payouts, payout_export_rows
from donate.finance.exports.queries import (
    donor_export_rows,
    gift_export_rows,
    movement_export_rows,
    pledge_export_rows,
)
from donate.finance.gifts.filters import CHOICE_FIELDS, FIELDS, read_gift_query
from donate.finance.gifts.sums import gift_total_filter
from donate.finance.monthly.filters import PLEDGE_FIELDS, read_pledge_query
from donate.finance.monthly.queries import totals_of_pledges
from donate.finance.movements.filters import MOVEMENT_FIELDS, read_movement_query
from donate.gifts.movements.totals import TotalFilter
from donate.regions.regions import Regions

RowReader = Callable[[Session], Generator[Any, None, None]]
Pairs = Iterable[tuple[str, str]]
"""Names and values of the fields in a query string. A name may occur several times."""
SumsOfColumns = Mapping[tuple[str, str], int]
"""The sum of each column of amounts in minor units, by currency and the column's name."""


@dataclass(frozen=True, slots=True)
class Export:
    """What to export: the columns, the filters as typed, and how to read the rows.

    The sums of the rows are checked. `day_totals` selects the day totals that they have to equal;
    None if there are none for these filters. `adds_up` compares them with the amounts of payouts;
    only the export of payouts has it.
    """

    layout: ExportLayout
    filters: Mapping[str, str]
    read: RowReader
    day_totals: TotalFilter | None
    adds_up: Callable[[Session, SumsOfColumns], bool | None] | None = None


@dataclass(frozen=True, slots=True)
class ExportKind:
    """A kind of export.

    `filters` are the names of its filters, and `several` the filters that accept several values.
    `prepare` reads the values of the filters. It raises BadInputs.
    """

    layout: ExportLayout
    filters: tuple[str, ...]
    prepare: Callable[[Pairs, Regions], Export]
    several: tuple[str, ...] = ()


def _gifts(pairs: Pairs, regions: Regions) -> Export:
    query = read_gift_query(pairs, regions)
    _raise_any(query.problems)
    order = query.order if query.values.keys() & {"sort", "order"} else None
    read = partial(gift_export_rows, filters=query.filter, order=order)
    return Export(GIFT_LAYOUT, _set(query.typed), read, gift_total_filter(query.filter))


def _movements(pairs: Pairs, regions: Regions) -> Export:
    query = read_movement_query(dict(pairs), regions)
    _raise_any(query.problems)
    read = partial(movement_export_rows, filters=query.filter)
    return Export(MOVEMENT_LAYOUT, _set(query.typed), read, query.filter)


def _pledges(pairs: Pairs, regions: Regions) -> Export:
    query = read_pledge_query(dict(pairs), regions)
    _raise_any(query.problems)
    read = partial(pledge_export_rows, filters=query.filter)
    return Export(MONTHLY_LAYOUT, _set(query.typed), read, totals_of_pledges(query.filter))


def _donors(_pairs: Pairs, regions: Regions) -> Export:
    read = partial(donor_export_rows, currency=next(iter(regions.values())).currency)
    return Export(DONOR_LAYOUT, {}, read, None)


def _payouts(pairs: Pairs, regions: Regions) -> Export:
    payout_id = dict(pairs).get("payout", "").strip()
    if payout_id and not re.fullmatch("[A-Za-z0-9_]{1,255}", payout_id, re.ASCII):
        raise BadInputs([BadInput("payout", N_("Please enter the ID of a payout, such as po_1."))])
    read = partial(
        payout_export_rows,
        payout_id=payout_id,
        time_zone=next(iter(regions.values())).time_zone,
    )
    adds_up = partial(_adds_up, payout_id)
    return Export(PAYOUT_LAYOUT, _set({"payout": payout_id}), read, None, adds_up)


def _adds_up(payout_id: str, session: Session, sums: SumsOfColumns) -> bool | None:
    return adds_up_to_payouts(session, payout_id, sums)


def _raise_any(problems: Mapping[str, BadInput]) -> None:
    if problems:
        raise BadInputs(list(problems.values()))


def _set(typed: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in typed.items() if value}


EXPORTS: Final[Mapping[str, ExportKind]] = {
    kind.layout.name: kind
    for kind in (
        ExportKind(GIFT_LAYOUT, FIELDS, _gifts, CHOICE_FIELDS),
        ExportKind(MOVEMENT_LAYOUT, MOVEMENT_FIELDS, _movements),
        ExportKind(MONTHLY_LAYOUT, PLEDGE_FIELDS, _pledges),
        ExportKind(DONOR_LAYOUT, (), _donors),
        ExportKind(PAYOUT_LAYOUT, ("payout",), _payouts),
    )
}


def read_export(name: str, pairs: Pairs, regions: Regions) -> Export:
    """Return the export with this name and these filters. Raises BadInputs."""
    return EXPORTS[name].prepare(pairs, regions)
