"""The e-mails about pledges: a failed monthly payment, a new amount, the end, and the link."""

from typing import assert_never

from donate.clock import local_date
from donate.gifts.monthly.pledge_state import EndReason, end_reason_of
from donate.letters.context import LetterContext
from donate.letters.words.draft import Draft, amount_and_reference, manage_link
from donate.letters.words.instructions import Translate


def month_failed(context: LetterContext, _: Translate) -> Draft:
    """Write that a monthly payment of the pledge could not be collected."""
    amount = context.money(context.gift.amount)
    return Draft(
        subject=_("Your monthly gift of %(amount)s didn’t go through", amount=amount),
        headline=_("This month’s gift didn’t go through"),
        before=(
            _("Your bank declined the payment. No money was taken."),
            _("You can try again, or give this month another way."),
        ),
        rows=amount_and_reference(context, _),
        link=(_("Try again or give another way"), context.page),
        manage=manage_link(context, _),
    )


def pledge_amount(context: LetterContext, _: Translate) -> Draft:
    """Write that a different monthly amount will be collected from now on."""
    assert context.change is not None
    amount = context.money(context.change.each_month)
    return Draft(
        subject=_("Your monthly gift will be %(amount)s", amount=amount),
        headline=_("A change to your monthly gift"),
        before=(
            _("You asked us to collect %(amount)s each month, starting next month.", amount=amount),
            _("If this wasn’t you, please reply to this e-mail."),
        ),
        rows=((_("Each month"), amount), (_("Reference"), context.gift.reference)),
        link=(_("Manage your monthly gift"), context.pledge_page or context.page),
    )


def pledge_ended(context: LetterContext, _: Translate) -> Draft:
    """Write that the pledge has ended, and why."""
    ended, rows = context.ended, [(_("Reference"), context.gift.reference)]
    if ended:
        day = local_date(ended.happened_at, context.gift.time_zone)
        rows.insert(0, (_("Ended on"), context.day(day)))
    before = [_("Nothing more will be collected. Thank you for your faithful giving.")]
    match end_reason_of(ended) if ended else None:
        case EndReason.PAYMENT_FAILED:
            reason = _("Your monthly gift ended because payments didn’t go through.")
            before = [reason, *before, _("You can start a new monthly gift at any time.")]
        case EndReason.PAYMENT_DISPUTED:
            reason = _("Your monthly gift ended because a payment was disputed with your bank.")
            before = [reason, *before, _("If you didn’t dispute it, please reply to this e-mail.")]
        case None:
            before.append(_("You can start a new monthly gift at any time."))
        case other:
            assert_never(other)
    return Draft(
        subject=_("Your monthly gift has ended"),
        headline=_("Your monthly gift has ended"),
        before=tuple(before),
        rows=tuple(rows),
        link=(_("Start a new monthly gift"), context.give_page),
        manage=_history_link(context, _),
    )


def pledge_link(context: LetterContext, _: Translate) -> Draft:
    """Write the link to the donor's page for the pledge. Staff can send this e-mail."""
    return Draft(
        subject=_("Your link to manage your monthly gift"),
        headline=_("Manage your monthly gift"),
        before=(
            _("Here’s the link to your monthly gift. You can change, pause or cancel it there."),
            _("Anyone with this link can change your monthly gift. Keep it private."),
        ),
        rows=((_("Reference"), context.gift.reference),),
        after=(_("If you didn’t ask for this link, please reply to this e-mail."),),
        link=(_("Manage your monthly gift"), context.pledge_page or context.page),
    )


def _history_link(context: LetterContext, _: Translate) -> tuple[str, str] | None:
    return (_("See your monthly gifts"), context.pledge_page) if context.pledge_page else None
