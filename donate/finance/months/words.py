"""The texts of the pages about closing months, and the pages where staff resolve open items."""

from collections.abc import Mapping
from typing import Final

from donate.books.months.open_items import Hurdle, OpenKind
from donate.errors import N_

MONTHS: Final = "/finance/months"
SHEET: Final = "/finance/books?day="
"""The URL of the page with the daily sheet, without the day."""

HURDLE_NAMES: Final[Mapping[Hurdle, str]] = {
    Hurdle.BLOCKS: N_("In the way"),
    Hurdle.NEEDS_REASON: N_("Needs a reason"),
    Hurdle.STATED: N_("Only stated"),
}

HURDLE_COLOURS: Final[Mapping[Hurdle, str]] = {
    Hurdle.BLOCKS: "failed",
    Hurdle.NEEDS_REASON: "awaited",
    Hurdle.STATED: "lapsed",
}

OPEN_PAGES: Final[Mapping[OpenKind, str]] = {
    OpenKind.UNEXPLAINED: SHEET,
    OpenKind.NOT_AT_STRIPE: SHEET,
    OpenKind.NOT_AT_BANK: SHEET,
    OpenKind.SUSPENSE: SHEET,
    OpenKind.UNDEPOSITED: SHEET,
    OpenKind.STATEMENT: "/finance/statements",
    OpenKind.STATEMENT_MISSING: "/finance/statements",
    OpenKind.LINE_UNDECIDED: "/finance/statements?show=none",
    OpenKind.LINE_SUGGESTED: "/finance/statements?show=open",
    OpenKind.PAYOUT_NOT_TIED: "/finance/payouts?tied=no&status=paid",
    OpenKind.PAYOUT_NOT_RETURNED: "/finance/payouts?status=failed",
    OpenKind.TOP_UP_NOT_TIED: "/finance/statements?show=open",
    OpenKind.PAYOUT_INCOMPLETE: "/finance/payouts",
    OpenKind.EVENT: "/finance/set-aside",
    OpenKind.BATCH: "/finance/offline",
    OpenKind.REFUND_FAILED: "/finance",
    OpenKind.PAYOUT_IN_TRANSIT: "/finance/payouts?status=in_transit",
    OpenKind.PAYOUT_FAILED: "/finance/payouts?status=failed",
    OpenKind.DISPUTE: "/finance/gifts?status=disputed",
    OpenKind.TRANSFER_MAIL: "/finance/transfer-mails",
    OpenKind.UNIDENTIFIED: "/finance/statements?show=open",
}
"""The URL of the staff page for each kind of open item. URLs of daily sheets lack the day."""

MONTH_DONE: Final[Mapping[str, str]] = {
    "closed": N_("The month is closed. Its entries and its pack never change."),
    "started": N_("The books start here. Earlier months count as closed elsewhere."),
    "asked": N_("Asked. Another person of finance has to confirm it on this page."),
}
