"""The filters and the order of the gift list: reads them from query strings and checks them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final
from urllib.parse import urlencode

from donate.clock import read_day
from donate.errors import N_, BadInput
from donate.finance.gifts.choices import USUAL_COLUMNS, gift_choices
from donate.finance.list_filters import MAX_TYPED, not_in_list, this_and_last_month
from donate.finance.movements.filters import WITHOUT_FUND
from donate.gifts.listing.filters import DateOf, GiftFilter
from donate.gifts.listing.orders import GiftOrder, SortName
from donate.gifts.status import Flag, StatusName
from donate.money import Money, read_amount
from donate.regions.modes import Mode
from donate.regions.regions import Regions
from donate.regions.terms import Frequency
from donate.web.languages import LANGUAGES

GIFTS: Final = "/finance/gifts"
CHOICE_FIELDS: Final = (
    *("status", "mode", "code", "fund", "currency", "flag", "frequency", "language"),
)
FILTER_FIELDS: Final = (
    *CHOICE_FIELDS,
    *("announced", "by", "from", "to", "amount_from", "amount_to"),
)
FIELDS: Final = (*FILTER_FIELDS, "sort", "order")
LAYOUT_FIELDS: Final = ("column", "rows")
# Maximum number of values for one field in a query string.
_MOST_VALUES: Final = 40
# The default order for each kind of day: the list is sorted by the day that the filter is about.
_SORT_OF_DAYS: Final[Mapping[DateOf, SortName]] = {
    "chosen": SortName.STARTED,
    "received": SortName.RECEIVED,
    "moved": SortName.MOVED,
}

Pairs = Iterable[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class GiftListQuery:
    """The filters and the order of the gift list, the values as typed, and the problems in them."""

    filter: GiftFilter
    order: GiftOrder
    values: Mapping[str, tuple[str, ...]]
    """The values of each field that is set, as typed."""
    problems: Mapping[str, BadInput]

    @property
    def path(self) -> str:
        """The path of the list, without filters."""
        return GIFTS

    @property
    def typed(self) -> dict[str, str]:
        """The text of each field. Several values are separated by commas."""
        return {name: ",".join(self.values.get(name, ())) for name in FIELDS}

    @property
    def narrowed(self) -> bool:
        """Whether any filter is set."""
        return any(name in self.values and name != "by" for name in FILTER_FIELDS)

    def pairs(self, *, without: Sequence[str] = (), **more: str) -> list[tuple[str, str]]:
        """Return the parameters for a query string with the same filters, order and layout.

        Leaves out the fields in `without`, and sets the fields in `more`.
        """
        dropped = {*without, *more}
        kept = [
            (name, value)
            for name in (*FIELDS, *LAYOUT_FIELDS)
            if name not in dropped
            for value in self.values.get(name, ())
        ]
        return kept + [(name, value) for name, value in more.items() if value]

    def link(self, *, without: Sequence[str] = (), **more: str) -> str:
        """Return a link to this list without the fields in `without` and with those in `more`."""
        query = urlencode(self.pairs(without=without, **more))
        return f"{GIFTS}?{query}" if query else GIFTS


def read_gift_query(pairs: Pairs, regions: Regions) -> GiftListQuery:
    """Read the filters and the order from a query string. Each invalid value becomes a problem."""
    values = _values_of(pairs)
    problems: dict[str, BadInput] = {}
    choices = gift_choices(regions)
    for name, options in choices.items():
        _check_choices(name, values, options, problems)
    picked = {name: [v for v in values.get(name, ()) if v in choices[name]] for name in choices}
    days = _read_days(values, problems)
    by: DateOf = picked["by"][0] if picked["by"] else "chosen"  # type: ignore[assignment]
    currency = _one_currency(picked["currency"], regions)
    least, most = (_read_bound(name, values, currency, problems) for name in _BOUNDS)
    if least and most and least.amount_minor > most.amount_minor:
        problems["amount_to"] = BadInput("amount_to", N_("This is less than the first amount."))
    gift_filter = GiftFilter(
        statuses=tuple(map(StatusName, picked["status"])),
        modes=tuple(map(Mode, picked["mode"])),
        codes=tuple(picked["code"]),
        funds=tuple("" if fund == WITHOUT_FUND else fund for fund in picked["fund"]),
        currencies=tuple(picked["currency"]),
        flags=tuple(map(Flag, picked["flag"])),
        frequencies=tuple(map(Frequency, picked["frequency"])),
        languages=tuple(picked["language"]),
        announced=bool(picked["announced"]),
        by=by,
        first_day=days[0],
        last_day=days[1],
        least=least,
        most=most,
    )
    order = _read_order(picked, gift_filter, problems)
    return GiftListQuery(gift_filter, order, values, problems)


def _values_of(pairs: Pairs) -> dict[str, tuple[str, ...]]:
    values: dict[str, tuple[str, ...]] = {}
    for name, typed in pairs:
        value = typed.strip()[:MAX_TYPED]
        if name in (*FIELDS, *LAYOUT_FIELDS) and value:
            before = values.get(name, ())
            if value not in before and len(before) < _MOST_VALUES:
                values[name] = (*before, value)
    for name in values.keys() - {*CHOICE_FIELDS, "column"}:
        values[name] = values[name][-1:]
    if {*values.get("column", ())} == {*USUAL_COLUMNS}:
        del values["column"]
    return values


def _check_choices(
    name: str,
    values: Mapping[str, Sequence[str]],
    options: Mapping[str, str],
    problems: dict[str, BadInput],
) -> None:
    for value in values.get(name, ()):
        if value in options:
            continue
        problems[name] = not_in_list(name, value, options)
        return


def _read_days(
    values: Mapping[str, Sequence[str]], problems: dict[str, BadInput]
) -> list[date | None]:
    days = []
    for name in ("from", "to"):
        typed = values.get(name, ("",))[0]
        days.append(read_day(typed))
        if typed and days[-1] is None:
            problems[name] = BadInput(name, N_("Please enter a date such as 2026-03-31."))
    first, last = days
    if first and last and first > last:
        problems["to"] = BadInput("to", N_("This is before the first date."))
    return days


_BOUNDS: Final = ("amount_from", "amount_to")


def _one_currency(picked: Sequence[str], regions: Regions) -> str | None:
    """Return the currency of the typed amounts; None if several currencies are possible."""
    currencies = set(picked) or {region.currency for region in regions.values()}
    return currencies.pop() if len(currencies) == 1 else None


def _read_bound(
    name: str,
    values: Mapping[str, Sequence[str]],
    currency: str | None,
    problems: dict[str, BadInput],
) -> Money | None:
    typed = values.get(name)
    if not typed:
        return None
    if currency is None:
        problems[name] = BadInput(name, N_("Please choose one currency for this amount."))
        return None
    try:
        return read_amount(typed[0], currency, LANGUAGES[0])
    except BadInput as problem:
        problems[name] = BadInput(name, problem.message, problem.values)
        return None


def _read_order(
    picked: Mapping[str, Sequence[str]], filters: GiftFilter, problems: dict[str, BadInput]
) -> GiftOrder:
    usual = _SORT_OF_DAYS[filters.by]
    sort = SortName(picked["sort"][0]) if picked["sort"] else usual
    if sort is SortName.MOVED and filters.by != "moved":
        problems["sort"] = BadInput(
            "sort", N_("Sorting by movements needs dates of money in or out.")
        )
        sort = usual
    return GiftOrder(sort, descending=picked["order"] != ["asc"])


def months(today: date) -> list[tuple[str, str]]:
    """Return labels and links for the gifts whose money came or went this month and last month."""
    links = (f"{GIFTS}?{urlencode({'by': 'moved'} | days)}" for days in this_and_last_month(today))
    labels = (N_("Money in or out this month"), N_("Money in or out last month"))
    return list(zip(labels, links, strict=True))
