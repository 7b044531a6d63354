"""The texts of the pages for monthly gifts, as msgids. The pages translate them."""

from collections.abc import Mapping
from typing import Final

from donate.errors import N_
from donate.finance.monthly.changes import ChangeOutcome
from donate.gifts.monthly.pledge_copy import PledgeStage
from donate.stripe_gateway.models import PledgeAction

STAGES: Final[Mapping[PledgeStage, str]] = {
    PledgeStage.PAST_DUE: N_("Payment failed"),
    PledgeStage.UNPAID: N_("Unpaid, no longer tried"),
    PledgeStage.ON_HOLD: N_("On hold, no payment method"),
    PledgeStage.UNKNOWN: N_("Unknown to this service"),
    PledgeStage.AWAITS_BANK: N_("Waiting for the bank"),
    PledgeStage.PAUSED: N_("Paused"),
    PledgeStage.ENDING: N_("Ending"),
    PledgeStage.ACTIVE: N_("Running"),
    PledgeStage.NOT_CHARGED_YET: N_("Trial period"),
    PledgeStage.ENDED: N_("Ended"),
    PledgeStage.NOT_BEGUN: N_("Not started"),
}
# The colour of each stage, named after the gift status that has the same colour.
STAGE_COLOURS: Final[Mapping[PledgeStage, str]] = {
    PledgeStage.PAST_DUE: "failed",
    PledgeStage.UNPAID: "failed",
    PledgeStage.ON_HOLD: "failed",
    PledgeStage.UNKNOWN: "failed",
    PledgeStage.AWAITS_BANK: "processing",
    PledgeStage.PAUSED: "awaited",
    PledgeStage.ENDING: "awaited",
    PledgeStage.ACTIVE: "confirmed",
    PledgeStage.NOT_CHARGED_YET: "processing",
    PledgeStage.ENDED: "lapsed",
    PledgeStage.NOT_BEGUN: "lapsed",
}
NO_FUND_CHOSEN: Final = N_("No fund")
INCOMPLETE_LINK: Final = N_("This link is incomplete.")
STAGE_SENTENCES: Final[Mapping[PledgeStage, str]] = {
    PledgeStage.PAST_DUE: N_("The last payment failed. Stripe may try again."),
    PledgeStage.UNPAID: N_(
        "Payments failed, and Stripe has stopped trying. Once the donor has another payment "
        "method, collect the open invoices in the Stripe Dashboard."
    ),
    PledgeStage.ON_HOLD: N_(
        "Stripe has no payment method. Once the donor has added one, resume it in the Stripe "
        "Dashboard."
    ),
    PledgeStage.UNKNOWN: N_(
        "Stripe gives it a status that this service doesn’t recognize. Check the subscription in "
        "the Stripe Dashboard."
    ),
    PledgeStage.AWAITS_BANK: N_("The bank hasn’t confirmed the first debit yet."),
    PledgeStage.PAUSED: N_("Nothing is collected until somebody resumes it."),
    PledgeStage.ENDING: N_("Stripe stops collecting soon."),
    PledgeStage.ACTIVE: N_("Stripe collects it every month."),
    PledgeStage.NOT_CHARGED_YET: N_("In a trial period at Stripe. Nothing is collected yet."),
    PledgeStage.ENDED: N_("Nothing more is collected."),
    PledgeStage.NOT_BEGUN: N_("The first month isn’t paid."),
}
REQUESTED: Final[Mapping[PledgeAction, str]] = {
    PledgeAction.AMOUNT: N_("New amount"),
    PledgeAction.PAUSE: N_("Pause"),
    PledgeAction.RESUME: N_("Resume"),
    PledgeAction.CANCEL: N_("End now"),
    PledgeAction.CANCEL_LATER: N_("End after the month that is paid"),
}
PAUSE_UNTIL: Final = N_("Pause until %(day)s")
NEW_AMOUNT: Final = N_("New amount: %(amount)s")
OUTCOMES: Final[Mapping[ChangeOutcome, str]] = {
    ChangeOutcome.DONE: N_("Done."),
    ChangeOutcome.OPEN: N_("Stripe hasn’t answered yet. We’ll keep asking."),
    ChangeOutcome.REPLACED: N_("Replaced by a later change before Stripe answered."),
    ChangeOutcome.REFUSED: N_("Stripe refused, and nothing was changed."),
}
BY_WHOM: Final[Mapping[str, str]] = {
    "donor": N_("The donor"),
    "stripe": N_("Stripe"),
    "service": N_("This service"),
}
# The messages of `check_free_text`, listed here so that they are translated on these pages.
FREE_TEXT_PROBLEMS: Final = (
    N_("Please give a reason."),
    N_("Please shorten this to 500 characters."),
    N_("This text has a character we can’t use. Please remove it."),
)
