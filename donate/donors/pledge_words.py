"""The words of a monthly gift's page. The page translates them."""

from collections.abc import Mapping
from typing import Final

from donate.donors.gift_words import Words
from donate.errors import N_
from donate.gifts.pledges import EndReason, Pledge, PledgeState

_WORDS: Final[Mapping[PledgeState, Words]] = {
    PledgeState.NOT_BEGUN: (
        N_("Your monthly gift has not begun yet"),
        N_("It begins when its first month is paid."),
    ),
    PledgeState.ACTIVE: (
        N_("Thank you for giving every month"),
        N_("Each month is collected by itself. You can change, pause or end it here at any time."),
    ),
    PledgeState.NOT_CHARGED_YET: (
        N_("Your monthly gift is set up"),
        N_("Nothing is charged yet. You can change, pause or end it here at any time."),
    ),
    PledgeState.PAUSED: (
        N_("Your monthly gift is paused"),
        N_("Nothing is collected until you let it go on."),
    ),
    PledgeState.ON_HOLD: (
        N_("Your monthly gift is on hold"),
        N_(
            "Nothing is collected, because we have no card to charge. "
            "Add one below, then write to us and we will start it again."
        ),
    ),
    PledgeState.PAST_DUE: (
        N_("Your last payment didn’t go through"),
        N_(
            "Please update your card below. Then open the month in the list of your months "
            "to try it again."
        ),
    ),
    PledgeState.UNPAID: (
        N_("Your last payments didn’t go through"),
        N_(
            "We have stopped trying to collect your monthly gift. "
            "Please update your card below, then write to us and we will start it again."
        ),
    ),
    PledgeState.UNKNOWN: (
        N_("Please ask us about your monthly gift"),
        N_(
            "Stripe, which collects it, calls it “%(status)s”, and this page does not know what "
            "that means. Write to us and we will look into it."
        ),
    ),
    PledgeState.ENDED: (
        N_("Your monthly gift has ended"),
        N_("Thank you for every month. Nothing more is collected."),
    ),
}
_DEBIT_WORDS: Final[Mapping[PledgeState, Words]] = {
    PledgeState.ON_HOLD: (
        N_("Your monthly gift is on hold"),
        N_("Nothing is collected. Write to us and we will start it again."),
    ),
    PledgeState.PAST_DUE: (
        N_("Your last debit didn’t go through"),
        N_("Open the month in the list of your months to try it again, or to give another way."),
    ),
    PledgeState.UNPAID: (
        N_("Your last debits didn’t go through"),
        N_(
            "We have stopped trying to collect your monthly gift. "
            "Write to us, or end it and begin a new one."
        ),
    ),
}
_ALL_GIVEN: Final[Words] = (
    N_("Thank you for giving every month"),
    N_(
        "You gave the month that failed another way. Your card is charged again next month; "
        "if it no longer works, use another card."
    ),
)
_ALL_GIVEN_DEBIT: Final[Words] = (
    N_("Thank you for giving every month"),
    N_("You gave the month that failed another way. Your account is debited again next month."),
)
_ENDING: Final[Words] = (
    N_("Your monthly gift is about to end"),
    N_("Thank you for every month. You can begin a new monthly gift at any time."),
)
_END_REASONS: Final[Mapping[EndReason, Words]] = {
    EndReason.PAYMENT_FAILED: (
        N_("Your monthly gift has ended"),
        N_(
            "It ended because payments didn’t go through. Nothing more is collected. "
            "Thank you for every month; you can begin a new monthly gift at any time."
        ),
    ),
    EndReason.PAYMENT_DISPUTED: (
        N_("Your monthly gift has ended"),
        N_(
            "It ended because a payment was disputed with your bank. Nothing more is collected. "
            "If you did not dispute it, please write to us."
        ),
    ),
}


def pledge_summary(pledge: Pledge, *, by_card: bool, all_given: bool = False) -> Words:
    """Return the headline of a monthly gift's page, and the sentences below it.

    With `all_given`, the donor gave every failed month another way; Stripe may still call the
    pledge past due.
    """
    if pledge.end_reason:
        return _END_REASONS[pledge.end_reason]
    if pledge.is_ending and pledge.state is PledgeState.ACTIVE:
        return _ENDING
    if all_given and pledge.state is PledgeState.PAST_DUE:
        return _ALL_GIVEN if by_card else _ALL_GIVEN_DEBIT
    if not by_card and pledge.state in _DEBIT_WORDS:
        return _DEBIT_WORDS[pledge.state]
    return _WORDS[pledge.state]


_SAME: Final = N_("That is the amount already, so nothing was changed.")
# Keyed by the state after the change, so that reloading an old address shows nothing untrue.
_DONE: Final[Mapping[tuple[str, PledgeState], str]] = {
    ("amount", PledgeState.ACTIVE): N_("The amount is changed from the next month on."),
    ("amount", PledgeState.PAUSED): N_("The amount is changed from the next month on."),
    ("pause", PledgeState.PAUSED): N_("It is paused. Nothing is collected until you let it go on."),
    ("resume", PledgeState.ACTIVE): N_("It goes on with the next month."),
    ("cancel", PledgeState.ENDED): N_("It has ended. Nothing more is collected."),
    **{
        ("card", state): N_("Your new card is saved. It is used from now on.")
        for state in (PledgeState.ACTIVE, PledgeState.PAUSED, PledgeState.NOT_CHARGED_YET)
    },
    ("card", PledgeState.PAST_DUE): N_(
        "Your new card is saved. Now try the month that failed once more: it is in the list below."
    ),
    ("card", PledgeState.UNPAID): N_(
        "Your new card is saved. Write to us and we will start again."
    ),
    ("card", PledgeState.ON_HOLD): N_(
        "Your new card is saved. Write to us and we will start again."
    ),
}


def done_notice(done: str, pledge: Pledge, *, all_given: bool) -> str:
    """Return the notice after a change, or empty if it no longer applies."""
    if done == "same" and pledge.runs:
        return _SAME
    is_settled = all_given and pledge.state is PledgeState.PAST_DUE
    return _DONE.get((done, PledgeState.ACTIVE if is_settled else pledge.state), "")
