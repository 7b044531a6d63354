"""The texts for the daily sheet on staff pages, and the pages to which its sums link."""

from collections.abc import Mapping
from datetime import date
from typing import Final
from urllib.parse import urlencode

from donate.books.sheet.differences import DifferenceKind as Kind
from donate.books.sheet.items import Stage
from donate.errors import N_

STAGE_NAMES: Final[Mapping[Stage, str]] = {
    Stage.CHOSEN: N_("Chosen by donors"),
    Stage.CONFIRMED: N_("Confirmed"),
    Stage.AT_STRIPE: N_("At Stripe"),
    Stage.IN_TRANSIT: N_("On its way to the bank"),
    Stage.AT_BANK: N_("At the bank"),
}
SOURCES: Final[Mapping[Stage, str]] = {
    Stage.CHOSEN: N_("The totals of days, against each gift."),
    Stage.CONFIRMED: N_("The totals of days, against each movement."),
    Stage.AT_STRIPE: N_("What Stripe’s balance changed by, against gross and fees."),
    Stage.IN_TRANSIT: N_("Stripe’s payouts, against its balance and the bank lines."),
    Stage.AT_BANK: N_("The balances of the statements, against each line."),
}

_SHOW_BY: Final[Mapping[Kind, tuple[str, Mapping[str, str]]]] = {
    Kind.AWAITED: ("gifts", {"status": "awaited"}),
    Kind.PROCESSING: ("gifts", {"status": "processing"}),
    Kind.FAILED: ("gifts", {"status": "failed"}),
    Kind.LAPSED: ("gifts", {"status": "lapsed"}),
    Kind.REFUNDED: ("movements", {"kind": "refund"}),
    Kind.LOST_IN_DISPUTE: ("gifts", {"status": "charged_back"}),
    Kind.HELD_IN_DISPUTE: ("gifts", {"status": "disputed"}),
    Kind.WAITING_FOR_STRIPE: ("movements", {"kind": "payment"}),
    Kind.WAITING_FOR_TRANSFER: ("movements", {"kind": "transfer"}),
    Kind.NOT_DEPOSITED: ("movements", {"mode": "cheque"}),
}
_PLACES: Final[Mapping[Kind, str]] = {
    Kind.HELD_BY_STRIPE: "/finance/payouts",
    Kind.STRIPE_FEE: "/finance/payouts",
    Kind.TAX_ON_FEE: "/finance/payouts",
    Kind.UNKNOWN_TYPE: "/finance/payouts",
    Kind.CONVERTED: "/finance/payouts",
    Kind.STRIPE_WITHOUT_GIFT: "/finance/set-aside",
    Kind.UNMATCHED: "/finance/statements",
    Kind.BANK_FEE: "/finance/statements?show=explained",
    Kind.NO_GIFT: "/finance/statements?show=explained",
    Kind.BETWEEN_ACCOUNTS: "/finance/statements?show=explained",
}
ONLY_SUMS: Final = frozenset({Kind.STRIPE_FEE, Kind.TAX_ON_FEE, Kind.NOT_DEPOSITED})
"""The kinds of difference for which the page shows only the sum.

A list of single amounts would be long and useless: each card gift has a fee, for example.
"""


def place_of(kind: Kind, currency: str, day: date) -> str:
    """Return the URL of the list with the single amounts of a difference; "" if there is none."""
    if kind in _SHOW_BY:
        path, values = _SHOW_BY[kind]
        query = urlencode({**values, "currency": currency, "to": day.isoformat()})
        return f"/finance/{path}?{query}"
    return _PLACES.get(kind, "")


def stage_place(stage: Stage, currency: str, day: date) -> str:
    """Return the URL of the list with the single amounts that a column of the sheet adds up."""
    query = urlencode({"currency": currency, "to": day.isoformat()})
    return {
        Stage.CHOSEN: f"/finance/gifts?{query}",
        Stage.CONFIRMED: f"/finance/movements?{query}",
        Stage.AT_STRIPE: "/finance/payouts",
        Stage.IN_TRANSIT: "/finance/payouts",
        Stage.AT_BANK: "/finance/statements?show=all",
    }[stage]
