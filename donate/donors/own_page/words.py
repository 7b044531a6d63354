"""The texts of the page with all gifts of an address, as message ids that the page translates."""

from collections.abc import Mapping
from typing import Final

from donate.errors import N_
from donate.gifts.monthly.pledge_copy import PledgeStage

# The label of each stage, and the gift status that has the same colour.
STAGES: Final[Mapping[PledgeStage, tuple[str, str]]] = {
    PledgeStage.PAST_DUE: (N_("Last payment failed"), "failed"),
    PledgeStage.UNPAID: (N_("Recent payments didn’t go through"), "failed"),
    PledgeStage.ON_HOLD: (N_("On hold"), "failed"),
    PledgeStage.UNKNOWN: (N_("Please contact us"), "failed"),
    PledgeStage.AWAITS_BANK: (N_("Waiting for your bank"), "processing"),
    PledgeStage.PAUSED: (N_("Paused"), "awaited"),
    PledgeStage.ENDING: (N_("Ending soon"), "awaited"),
    PledgeStage.ACTIVE: (N_("Active"), "confirmed"),
    PledgeStage.NOT_CHARGED_YET: (N_("Not charged yet"), "processing"),
    PledgeStage.ENDED: (N_("Ended"), "lapsed"),
}
ASKED: Final = N_(
    "If we know this address, a link is on its way. You can use it once, within 20 minutes."
)
NOT_ASKED: Final = N_("We haven’t sent anything yet. Please press the button again.")
SESSION_OVER: Final = N_(
    "For your security, this page closes after 20 minutes. To see your gifts again, "
    "please ask for a new link."
)
DONE: Final = N_("You’re done. Your gifts are no longer shown in this browser.")
"""Shown after the donor ended the session."""
