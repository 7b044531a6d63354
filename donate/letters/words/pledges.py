"""The e-mails about pledges: a failed monthly payment, each change, the end, and the link."""

from typing import assert_never

from donate.clock import local_date
from donate.gifts.monthly.pledge_state import EndReason, end_reason_of
from donate.gifts.monthly.words import method_in_words
from donate.letters.context import ChangedPledge, LetterContext
from donate.letters.words.draft import Draft, amount_and_reference, manage_link
from donate.letters.words.instructions import Translate
from donate.regions.modes import Mode


def month_failed(context: LetterContext, _: Translate) -> Draft:
    """Write that a monthly payment of the pledge could not be collected."""
    amount = context.money(context.gift.amount)
    return Draft(
        subject=_("Your monthly gift of %(amount)s didn’t go through", amount=amount),
        headline=_("Your monthly gift didn’t go through"),
        before=(
            _("Your bank declined the payment. No money was taken."),
            _("You can try again, or choose another payment method."),
        ),
        rows=amount_and_reference(context, _),
        link=(_("Try again or choose another payment method"), context.page),
        manage=manage_link(context, _),
        amount=amount,
    )


def pledge_amount(context: LetterContext, _: Translate) -> Draft:
    """Write that a different monthly amount will be collected from now on."""
    changed = _changed_in(context)
    amount = context.money(changed.pledge.each_month)
    if changed.schedule.next_on:
        starts = _(
            "We’ll collect %(amount)s each month, starting on %(day)s.",
            amount=amount,
            day=context.day(changed.schedule.next_on),
        )
    else:
        starts = _("We’ll collect %(amount)s each month, starting next month.", amount=amount)
    return Draft(
        subject=_("Your monthly gift will be %(amount)s", amount=amount),
        headline=_("A change to your monthly gift"),
        before=(starts, _unexpected(_)),
        rows=_rows(context, _),
        link=_manage(context, _),
        amount=amount,
    )


def pledge_paused(context: LetterContext, _: Translate) -> Draft:
    """Write which months the pledge is not collected, and when it is collected again."""
    changed = _changed_in(context)
    left_out, next_on = changed.schedule.left_out, changed.schedule.next_on
    until = next_on or (
        changed.pledge.resumes_at and local_date(changed.pledge.resumes_at, context.gift.time_zone)
    )
    months, day = context.months(left_out), context.day(until) if until else ""
    headline = _("Your monthly gift is paused")
    told: tuple[str, ...]
    if len(left_out) == 1:
        subject = headline = _("We’ll skip your gift in %(months)s", months=months)
        told = (_("Your next monthly gift is on %(day)s.", day=day),)
    elif left_out:
        subject = _("Your monthly gift is paused until %(day)s", day=day)
        told = (
            _("We won’t collect anything in %(months)s.", months=months),
            _("Your next monthly gift is on %(day)s.", day=day),
        )
    elif until:
        subject = _("Your monthly gift is paused until %(day)s", day=day)
        told = (_("Nothing will be charged before %(day)s.", day=day),)
    else:
        subject = headline
        told = (_("Nothing will be charged until you resume it."),)
    return Draft(
        subject=subject,
        headline=headline,
        before=(*told, _("You can resume your monthly gift at any time."), _unexpected(_)),
        rows=_rows(context, _),
        link=_manage(context, _),
        amount=context.money(changed.pledge.each_month),
        day=day,
    )


def pledge_resumed(context: LetterContext, _: Translate) -> Draft:
    """Write that the pledge is collected again, and when."""
    next_on = _changed_in(context).schedule.next_on
    if next_on:
        told = _("Your next monthly gift is on %(day)s.", day=context.day(next_on))
    else:
        told = _("We’ll collect it automatically each month, as before.")
    return Draft(
        subject=_("Your monthly gift has resumed"),
        headline=_("Your monthly gift has resumed"),
        before=(told, _unexpected(_)),
        rows=_rows(context, _),
        link=_manage(context, _),
        amount=context.money(_changed_in(context).pledge.each_month),
    )


def pledge_method(context: LetterContext, _: Translate) -> Draft:
    """Write that another card or bank account pays the pledge from now on."""
    by_card = context.gift.mode == Mode.CARD
    if by_card:
        subject = _("A new card for your monthly gift")
        told = _("Your new card is saved. We’ll use it from now on.")
    else:
        subject = _("A new bank account for your monthly gift")
        told = _("Your new bank account is saved. We’ll debit it from now on.")
    return Draft(
        subject=subject,
        headline=subject,
        before=(told, _unexpected(_)),
        rows=_rows(context, _),
        link=_manage(context, _),
        amount=context.money(_changed_in(context).pledge.each_month),
    )


def _changed_in(context: LetterContext) -> ChangedPledge:
    assert context.changed is not None
    return context.changed


def _rows(context: LetterContext, _: Translate) -> tuple[tuple[str, str], ...]:
    pledge, by_card = _changed_in(context).pledge, context.gift.mode == Mode.CARD
    rows = [(_("Each month"), context.money(pledge.each_month))]
    method = method_in_words(pledge.payment_method, by_card=by_card)
    if method:
        label = _("Card") if by_card else _("Bank account")
        rows.append((label, _(method.message, **method.values)))
    return (*rows, (_("Reference"), context.gift.reference))


def _unexpected(_: Translate) -> str:
    return _("If you weren’t expecting this change, please reply to this e-mail.")


def _manage(context: LetterContext, _: Translate) -> tuple[str, str]:
    return _("Manage your monthly gift"), context.pledge_page or context.page


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
            before = [
                reason,
                *before,
                _("If you didn’t dispute the payment, please reply to this e-mail."),
            ]
        case None:
            before.append(_("You can start a new monthly gift at any time."))
        case other:
            assert_never(other)
    return Draft(
        subject=_("Your monthly gift has ended"),
        headline=_("Your monthly gift has ended"),
        before=tuple(before),
        rows=tuple(rows),
        link=(_("Start again"), context.start_again_page),
        manage=_history_link(context, _),
    )


def pledge_link(context: LetterContext, _: Translate) -> Draft:
    """Write the link to the donor's page for the pledge. Staff can send this e-mail."""
    return Draft(
        subject=_("Your link to manage your monthly gift"),
        headline=_("Manage your monthly gift"),
        opening=(
            _("Here’s the link to your monthly gift. You can change, pause or cancel it there."),
        ),
        before=(
            _("Anyone with this link can see your monthly gift. Please keep the link private."),
        ),
        rows=((_("Reference"), context.gift.reference),),
        after=(_("If you didn’t ask for this link, please reply to this e-mail."),),
        link=_manage(context, _),
    )


def _history_link(context: LetterContext, _: Translate) -> tuple[str, str] | None:
    return (_("See your monthly gifts"), context.pledge_page) if context.pledge_page else None
