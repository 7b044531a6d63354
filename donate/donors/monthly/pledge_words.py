"""The texts of a monthly gift's page, as message ids that the page translates."""

from collections.abc import Mapping
from typing import Final

from donate.donors.gift_page.gift_words import Words
from donate.errors import N_
from donate.gifts.monthly.pledge_state import EndReason, Pledge, PledgeState
from donate.gifts.monthly.schedule import Schedule

_WORDS: Final[Mapping[PledgeState, Words]] = {
    PledgeState.NOT_BEGUN: (
        N_("Your monthly gift hasn’t started yet"),
        N_("It starts when we receive your first payment."),
    ),
    PledgeState.ACTIVE: (
        N_("Thank you for giving every month"),
        N_(
            "We collect your gift automatically each month. You can change, pause or cancel it "
            "here at any time."
        ),
    ),
    PledgeState.NOT_CHARGED_YET: (
        N_("Your monthly gift is set up"),
        N_(
            "Nothing has been charged yet. You can change, pause or cancel your monthly gift here "
            "at any time."
        ),
    ),
    PledgeState.PAUSED: (
        N_("Your monthly gift is paused"),
        N_("Nothing will be charged until you resume it."),
    ),
    PledgeState.ON_HOLD: (
        N_("Your monthly gift is on hold"),
        N_(
            "We don’t have a card to charge. Add one below, then write to us and we’ll restart "
            "your monthly gift."
        ),
    ),
    PledgeState.PAST_DUE: (
        N_("Your last payment didn’t go through"),
        N_(
            "Please update your card below. Then, under “Your gifts so far”, open the gift marked "
            "“Not paid” and try again."
        ),
    ),
    PledgeState.UNPAID: (
        N_("Your last few payments didn’t go through"),
        N_(
            "We’ve stopped taking payments for your monthly gift. Please update your card below, "
            "then write to us and we’ll restart it."
        ),
    ),
    PledgeState.UNKNOWN: (
        N_("Please contact us about your monthly gift"),
        N_(
            "We can’t tell whether it’s active. Please write to us, and mention that its status is "
            "“%(status)s”."
        ),
    ),
    PledgeState.ENDED: (
        N_("Your monthly gift has ended"),
        N_("Thank you for your faithful giving. Nothing more will be collected."),
    ),
}
_DEBIT_WORDS: Final[Mapping[PledgeState, Words]] = {
    PledgeState.ON_HOLD: (
        N_("Your monthly gift is on hold"),
        N_("Nothing is being collected. Write to us and we’ll restart your monthly gift."),
    ),
    PledgeState.PAST_DUE: (
        N_("Your last debit didn’t go through"),
        N_(
            "Under “Your gifts so far”, open the gift marked “Not paid”. There you can try again "
            "or choose another payment method."
        ),
    ),
    PledgeState.UNPAID: (
        N_("Your last debits didn’t go through"),
        N_(
            "We’ve stopped taking payments for your monthly gift. To restart it, please write to "
            "us. You can also cancel it and start a new one."
        ),
    ),
}
_ALL_GIVEN: Final[Words] = (
    N_("Thank you for giving every month"),
    N_(
        "You’re all caught up on the payments that didn’t go through. We’ll charge your card again "
        "next month. If the card no longer works, please use another one."
    ),
)
_ALL_GIVEN_DEBIT: Final[Words] = (
    N_("Thank you for giving every month"),
    N_(
        "You’re all caught up on the payments that didn’t go through. We’ll debit your account "
        "again next month."
    ),
)
_PAUSED_UNTIL: Final[Words] = (
    N_("Your monthly gift is paused"),
    N_(
        "Nothing will be charged before %(day)s. After that, your monthly gift resumes "
        "automatically. You can also resume it now."
    ),
)
_MONTHS_LEFT_OUT: Final[Words] = (
    N_("Your monthly gift is paused"),
    N_("We won’t collect anything in %(months)s. You can also resume your monthly gift now."),
)
_MONTH_SKIPPED: Final[Words] = (
    N_("We’ll skip one month"),
    N_("We won’t collect anything in %(months)s. You can also resume your monthly gift now."),
)
_ENDING: Final[Words] = (
    N_("Your monthly gift is ending soon"),
    N_("Thank you for your faithful giving. You can start a new monthly gift at any time."),
)
_END_REASONS: Final[Mapping[EndReason, Words]] = {
    EndReason.PAYMENT_FAILED: (
        N_("Your monthly gift has ended"),
        N_(
            "It ended because payments didn’t go through. Nothing more will be collected. Thank "
            "you for your faithful giving. You can start a new monthly gift at any time."
        ),
    ),
    EndReason.PAYMENT_DISPUTED: (
        N_("Your monthly gift has ended"),
        N_(
            "It ended because a payment was disputed with your bank. Nothing more will be "
            "collected. If you didn’t dispute the payment, please write to us."
        ),
    ),
}


def pledge_summary(
    pledge: Pledge, schedule: Schedule, *, by_card: bool, all_given: bool = False
) -> Words:
    """Return the headline of a monthly gift's page, and the sentences below it.

    The sentences can have the placeholders %(status)s, %(day)s for the end of a pause, and
    %(months)s for the months that it leaves out.

    `all_given` means that the donor replaced every failed payment by a gift in another mode. Stripe
    may still call the subscription past due.
    """
    if pledge.end_reason:
        return _END_REASONS[pledge.end_reason]
    if pledge.is_ending and pledge.state is PledgeState.ACTIVE:
        return _ENDING
    if schedule.left_out:
        return _MONTH_SKIPPED if len(schedule.left_out) == 1 else _MONTHS_LEFT_OUT
    if pledge.resumes_at:
        return _PAUSED_UNTIL
    if all_given and pledge.state is PledgeState.PAST_DUE:
        return _ALL_GIVEN if by_card else _ALL_GIVEN_DEBIT
    if not by_card and pledge.state in _DEBIT_WORDS:
        return _DEBIT_WORDS[pledge.state]
    return _WORDS[pledge.state]


_SAME: Final = N_("That’s already your monthly amount, so nothing was changed.")
# What the page says after the donor changed something. The keys are the change and the state of the
# pledge. In other states the page says nothing, because the donor opened an old URL whose change
# was undone since.
_DONE: Final[Mapping[tuple[str, PledgeState], str]] = {
    ("amount", PledgeState.ACTIVE): N_("Your new amount starts next month."),
    ("amount", PledgeState.PAUSED): N_("Your new amount starts next month."),
    ("pause", PledgeState.PAUSED): N_(
        "Done. Nothing will be charged until you resume your monthly gift."
    ),
    ("resume", PledgeState.ACTIVE): N_(
        "Your monthly gift has resumed. Your next payment will be next month."
    ),
    ("cancel", PledgeState.ENDED): N_(
        "Your monthly gift has ended. Nothing more will be collected."
    ),
    **{
        ("card", state): N_("Your new card is saved. We’ll use it from now on.")
        for state in (PledgeState.ACTIVE, PledgeState.PAUSED, PledgeState.NOT_CHARGED_YET)
    },
    ("card", PledgeState.PAST_DUE): N_(
        "Your new card is saved. Now open the gift marked “Not paid” in the list below and try "
        "again."
    ),
    ("card", PledgeState.UNPAID): N_(
        "Your new card is saved. Write to us and we’ll restart your monthly gift."
    ),
    ("card", PledgeState.ON_HOLD): N_(
        "Your new card is saved. Write to us and we’ll restart your monthly gift."
    ),
}

# The same, if the day of the next payment is known.
_DONE_WITH_DAY: Final[Mapping[tuple[str, PledgeState], str]] = {
    ("amount", PledgeState.ACTIVE): N_("Your new amount starts on %(next)s."),
    ("amount", PledgeState.PAUSED): N_("Your new amount starts on %(next)s."),
    ("pause", PledgeState.PAUSED): N_("Done. Your next gift is on %(next)s."),
    ("resume", PledgeState.ACTIVE): N_(
        "Your monthly gift has resumed. Your next gift is on %(next)s."
    ),
}


def done_notice(done: str, pledge: Pledge, schedule: Schedule, *, all_given: bool) -> str:
    """Return the sentence that confirms the donor's change.

    It is empty if the pledge has changed again since. It can have the placeholder %(next)s for the
    day of the next payment.
    """
    if done == "same" and pledge.runs:
        return _SAME
    is_settled = all_given and pledge.state is PledgeState.PAST_DUE
    key = done, PledgeState.ACTIVE if is_settled else pledge.state
    with_day = _DONE_WITH_DAY.get(key) if schedule.next_on else None
    return with_day or _DONE.get(key, "")
