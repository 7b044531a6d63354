"""Writes the draft of each kind of e-mail; plain text and HTML are both made from the draft."""

from collections.abc import Callable, Mapping
from typing import Final

from donate.errors import N_
from donate.letters.context import LetterContext
from donate.letters.kinds import LetterKind
from donate.letters.words.draft import Draft, amount_and_reference, manage_link
from donate.letters.words.instructions import Translate, how, mind, what_to_enter
from donate.letters.words.own_words import in_own_words
from donate.letters.words.pledges import (
    month_failed,
    pledge_amount,
    pledge_ended,
    pledge_link,
    pledge_method,
    pledge_paused,
    pledge_resumed,
)
from donate.letters.words.thanks import correction, thank_you
from donate.web.templating import translate


def draft(kind: LetterKind, context: LetterContext) -> Draft:
    """Return the draft of this kind of e-mail, in the donor's language, in staff's words if any."""

    def translate_message(message: str, **values: str) -> str:
        return translate(context.language, message, values)

    return in_own_words(_DRAFTS[kind](context, translate_message), context, translate_message)


def _instructions(context: LetterContext, _: Translate) -> Draft:
    amount = context.money(context.gift.amount)
    return Draft(
        subject=_(
            "%(reference)s: how to send your gift of %(amount)s",
            reference=context.gift.reference,
            amount=amount,
        ),
        headline=_("How to send your gift"),
        opening=(_("Thank you for choosing to give. Here’s how to send your gift."),),
        before=how(context, _),
        rows=what_to_enter(context, _),
        after=mind(context, _),
        link=(_("Check the status of your gift"), context.page),
        amount=amount,
    )


def _reminder(context: LetterContext, _: Translate) -> Draft:
    gift, day = context.gift, context.day(context.gift.opened_on)
    amount = context.money(gift.amount)
    return Draft(
        subject=_(
            "%(reference)s: we haven’t received your gift of %(amount)s yet",
            reference=gift.reference,
            amount=amount,
        ),
        headline=_("We haven’t received your gift yet"),
        opening=(
            _("You started this gift on %(day)s.", day=day),
            _("If you’ve already sent it, that’s fine. We’ll recognize it by its reference."),
        ),
        before=how(context, _),
        rows=what_to_enter(context, _),
        after=mind(context, _),
        link=(_("Check the status of your gift"), context.page),
        amount=amount,
        day=day,
    )


def _unfinished(context: LetterContext, _: Translate) -> Draft:
    day, amount = context.day(context.gift.opened_on), context.money(context.gift.amount)
    return Draft(
        subject=_("Your gift of %(amount)s isn’t complete yet", amount=amount),
        headline=_("Your gift isn’t complete yet"),
        opening=(
            _(
                "On %(day)s, you started a gift of %(amount)s. If you’d still like to make it, "
                "you can complete it with the link below.",
                day=day,
                amount=amount,
            ),
        ),
        before=(_("You didn’t finish the payment, so nothing has been charged."),),
        rows=amount_and_reference(context, _),
        after=(_("We won’t send you another reminder about this gift."),),
        link=(_("Complete your gift"), context.page),
        stop=(_("Stop reminders about unfinished payments"), context.stop_page),
        amount=amount,
        day=day,
    )


def _under_way(context: LetterContext, _: Translate) -> Draft:
    amount = context.money(context.gift.amount)
    return Draft(
        subject=_("Your gift of %(amount)s is on its way", amount=amount),
        headline=_("Your gift is on its way"),
        opening=(
            _(
                "Thank you! Your bank is processing the debit. This can take up to five "
                "business days."
            ),
            _(
                "You don’t need to do anything, unless Stripe, our payment processor, asks you to "
                "confirm your bank account. We’ll e-mail you when your gift arrives."
            ),
        ),
        rows=amount_and_reference(context, _),
        link=(_("Check the status of your gift"), context.page),
        manage=manage_link(context, _),
        amount=amount,
    )


_ONE_DEPOSIT: Final = (
    N_(
        "Stripe, our payment processor, is sending a small deposit to your account, with a code "
        "in its description."
    ),
    N_("You should see it by %(day)s."),
)
_TWO_DEPOSITS: Final = (
    N_("Stripe, our payment processor, is sending two small deposits to your account."),
    N_("You should see them by %(day)s."),
)


def _confirm_account(context: LetterContext, _: Translate) -> Draft:
    assert context.confirmation is not None
    amount, due = context.money(context.gift.amount), context.confirmation
    deposits, arrival = _ONE_DEPOSIT if due.by_code else _TWO_DEPOSITS
    told = [_(deposits)]
    if due.arrives_on:
        told.append(_(arrival, day=context.day(due.arrives_on)))
    return Draft(
        subject=_("Please confirm your bank account for your gift of %(amount)s", amount=amount),
        headline=_("Please confirm your bank account"),
        before=(
            " ".join(told),
            _("Then confirm your account on Stripe’s page within ten days."),
            _("We can’t collect your gift until you confirm your account."),
        ),
        rows=amount_and_reference(context, _),
        link=(_("Confirm your bank account"), context.page),
        manage=manage_link(context, _),
        amount=amount,
    )


def _failed(context: LetterContext, _: Translate) -> Draft:
    amount = context.money(context.gift.amount)
    return Draft(
        subject=_("Your gift of %(amount)s didn’t go through", amount=amount),
        headline=_("Your payment didn’t go through"),
        before=(
            _("Your bank account wasn’t confirmed in time. No money was taken.")
            if context.was_never_confirmed
            else _("Your bank declined the payment. No money was taken."),
            _("You can try again, or choose another payment method."),
        ),
        rows=amount_and_reference(context, _),
        link=(_("Try again or choose another payment method"), context.page),
        manage=manage_link(context, _),
        amount=amount,
    )


def _refund(context: LetterContext, _: Translate) -> Draft:
    assert context.returned is not None
    amount = context.money(context.returned)
    how = _(
        "We’ve sent the refund to the card or account you used. The money can take a few days to "
        "arrive."
    )
    if not context.gift.mode.through_stripe:
        how = _("We’ve sent the money back to you. It can take a few days to reach your account.")
    return Draft(
        subject=_("Your refund of %(amount)s", amount=amount),
        headline=_("Your refund is on its way"),
        opening=(how,),
        before=(_("If you weren’t expecting this refund, please reply to this e-mail."),),
        rows=(
            (_("Refund"), amount),
            (_("Your gift"), context.money(context.gift.amount)),
            (_("Reference"), context.gift.reference),
        ),
        link=(_("See your gift"), context.page),
        amount=amount,
    )


def _refund_failed(context: LetterContext, _: Translate) -> Draft:
    assert context.returned is not None
    amount = context.money(context.returned)
    return Draft(
        subject=_("Your refund of %(amount)s didn’t go through", amount=amount),
        headline=_("Your refund didn’t go through"),
        opening=(
            _(
                "We recently wrote to you about a refund. Your bank didn’t accept it,"
                " so the money came back to us."
            ),
            _(
                "We’ll contact you to find another way to return the money. You can also reply to "
                "this e-mail."
            ),
        ),
        rows=((_("Refund"), amount), (_("Reference"), context.gift.reference)),
        link=(_("See your gift"), context.page),
        amount=amount,
    )


def _not_sent_back(context: LetterContext, _: Translate) -> Draft:
    assert context.returned is not None
    amount = context.money(context.returned)
    return Draft(
        subject=_("Correction: we didn’t send %(amount)s back", amount=amount),
        headline=_("We made a mistake"),
        opening=(
            _("We recently wrote that we’d sent your transfer back, but we haven’t."),
            _(
                "The money is still part of your gift. If that’s not what you want, please reply "
                "to this e-mail."
            ),
        ),
        rows=(
            (_("Not sent back"), amount),
            (_("Your gift"), context.money(context.gift.amount)),
            (_("Reference"), context.gift.reference),
        ),
        link=(_("See your gift"), context.page),
        amount=amount,
    )


_DRAFTS: Final[Mapping[LetterKind, Callable[[LetterContext, Translate], Draft]]] = {
    LetterKind.THANK_YOU: thank_you,
    LetterKind.CORRECTION: correction,
    LetterKind.INSTRUCTIONS: _instructions,
    LetterKind.REMINDER: _reminder,
    LetterKind.UNFINISHED: _unfinished,
    LetterKind.UNDER_WAY: _under_way,
    LetterKind.CONFIRM_ACCOUNT: _confirm_account,
    LetterKind.FAILED: _failed,
    LetterKind.MONTH_FAILED: month_failed,
    LetterKind.PLEDGE_AMOUNT: pledge_amount,
    LetterKind.PLEDGE_PAUSED: pledge_paused,
    LetterKind.PLEDGE_RESUMED: pledge_resumed,
    LetterKind.PLEDGE_METHOD: pledge_method,
    LetterKind.PLEDGE_ENDED: pledge_ended,
    LetterKind.PLEDGE_LINK: pledge_link,
    LetterKind.REFUND: _refund,
    LetterKind.REFUND_FAILED: _refund_failed,
    LetterKind.NOT_SENT_BACK: _not_sent_back,
}
