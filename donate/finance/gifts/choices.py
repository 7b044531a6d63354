"""The values for the filters, the order and the columns of the gift list, with texts for staff."""

from typing import Final

from babel import Locale

from donate.errors import N_
from donate.finance.movements.filters import WITHOUT_FUND
from donate.finance.movements.words import NO_FUND
from donate.finance.words import FLAGS, MODE_NAMES, STATUSES
from donate.gifts.listing.orders import SortName
from donate.regions.regions import Regions
from donate.regions.terms import Frequency
from donate.web.languages import LANGUAGES

FREQUENCIES: Final[dict[str, str]] = {
    Frequency.ONCE: N_("One-time"),
    Frequency.MONTHLY: N_("Monthly"),
}
DATES: Final[dict[str, str]] = {
    "chosen": N_("Started"),
    "moved": N_("Money in or out"),
    "received": N_("First payment"),
}
SORTS: Final[dict[str, str]] = {
    SortName.STARTED: N_("Started"),
    SortName.RECEIVED: N_("Received"),
    SortName.AMOUNT: N_("Amount"),
    SortName.STATUS: N_("Status"),
    SortName.REFERENCE: N_("Reference"),
    SortName.MOVED: N_("Money in or out"),
}
ORDERS: Final[dict[str, str]] = {
    "desc": N_("From high to low, newest first"),
    "asc": N_("From low to high, oldest first"),
}
COLUMNS: Final[dict[str, str]] = {
    "started": N_("Started"),
    "reference": N_("Reference"),
    "donor": N_("Donor"),
    "mode": N_("Method"),
    "fund": N_("Fund"),
    "frequency": N_("Frequency"),
    "language": N_("Language"),
    "amount": N_("Amount"),
    "received": N_("Received"),
    "net": N_("After refunds"),
    "status": N_("Status"),
}
USUAL_COLUMNS: Final = (
    *("started", "reference", "donor", "mode", "amount", "received", "net", "status"),
)
NEEDED_COLUMN: Final = "reference"
ROWS: Final[dict[str, str]] = {"compact": N_("Compact rows")}
ANNOUNCED: Final[dict[str, str]] = {"yes": N_("Donor says it’s sent")}


def gift_choices(regions: Regions, language: str = LANGUAGES[0]) -> dict[str, dict[str, str]]:
    """Return the values that each field accepts, each with its text for staff."""
    funds = {
        key: getattr(text, language.partition("-")[0])
        for region in regions.values()
        for key, text in region.funds.items()
    }
    spoken = sorted({one for region in regions.values() for one in region.languages})
    locale = Locale.parse(language, sep="-")
    languages = {one: Locale.parse(one, sep="-").get_language_name(locale) or one for one in spoken}
    return {
        "status": {str(status): text for status, text in STATUSES.items()},
        "mode": {str(mode): text for mode, text in MODE_NAMES.items()},
        "code": {code: code for code in regions},
        "fund": funds | {WITHOUT_FUND: NO_FUND},
        "currency": {one: one for one in sorted({region.currency for region in regions.values()})},
        "flag": {str(flag): text for flag, text in FLAGS.items()},
        "frequency": FREQUENCIES,
        "language": {one: name.capitalize() for one, name in languages.items()},
        "announced": ANNOUNCED,
        "by": DATES,
        "sort": SORTS,
        "order": ORDERS,
        "column": COLUMNS,
        "rows": ROWS,
    }
