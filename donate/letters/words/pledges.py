"""What donors read about their monthly gifts: a month that failed, another amount, the end."""

from typing import assert_never

from donate.clock import local_date
from donate.gifts.pledges import EndReason, end_reason_of
from donate.letters.context import LetterContext
from donate.letters.words.draft import Draft, amount_and_reference, manage
from donate.letters.words.instructions import Translate


def month_failed(about: LetterContext, _: Translate) -> Draft:
    """Say that a month could not be collected."""
    amount = about.money(about.gift.amount)
    return Draft(
        subject=_("Your monthly gift of %(amount)s did not go through", amount=amount),
        headline=_("This month’s gift did not go through"),
        before=(
            _("Your bank did not allow it, and no money was taken."),
            _("You can try again, or choose another way to give for this month."),
        ),
        rows=amount_and_reference(about, _),
        link=(_("Try again or give another way"), about.page),
        manage=manage(about, _),
    )


def pledge_amount(about: LetterContext, _: Translate) -> Draft:
    """Say which amount is collected from now on."""
    assert about.change is not None
    amount = about.money(about.change.each_month)
    return Draft(
        subject=_("Your monthly gift: %(amount)s from the next month on", amount=amount),
        headline=_("A change to your monthly gift"),
        before=(
            _("You have asked us to collect %(amount)s every month from now on.", amount=amount),
            _("If that was not you, please answer this letter."),
        ),
        rows=((_("Each month"), amount), (_("Reference"), about.gift.reference)),
        link=(_("See or change your monthly gifts"), about.pledge_page or about.page),
    )


def pledge_ended(about: LetterContext, _: Translate) -> Draft:
    """Say that nothing more is collected, and why."""
    ended, rows = about.ended, [(_("Reference"), about.gift.reference)]
    if ended:
        day = local_date(ended.happened_at, about.gift.time_zone)
        rows.insert(0, (_("Ended on"), about.day(day)))
    before = [_("Nothing more will be collected. Thank you for all that you have given!")]
    match end_reason_of(ended) if ended else None:
        case EndReason.PAYMENT_FAILED:
            why = _("Your monthly gift ended because payments didn’t go through.")
            before = [why, *before, _("You can begin a new monthly gift at any time.")]
        case EndReason.PAYMENT_DISPUTED:
            why = _("Your monthly gift ended because a payment was disputed with your bank.")
            before = [why, *before, _("If you did not dispute it, please answer this letter.")]
        case None:
            before.append(_("Should you want to begin again, you are always welcome."))
        case other:
            assert_never(other)
    return Draft(
        subject=_("Your monthly gifts have ended"),
        headline=_("Your monthly gifts have ended"),
        before=tuple(before),
        rows=tuple(rows),
        link=(_("Begin a new monthly gift"), about.give_page),
        manage=_seen(about, _),
    )


def _seen(about: LetterContext, _: Translate) -> tuple[str, str] | None:
    return (_("See your monthly gifts"), about.pledge_page) if about.pledge_page else None
