"""Writes the draft of each kind of e-mail; plain text and HTML are both made from the draft."""

from collections.abc import Callable, Mapping
from typing import Final

from donate.letters.context import LetterContext
from donate.letters.kinds import LetterKind
from donate.letters.words.draft import Draft, amount_and_reference, manage_link
from donate.letters.words.instructions import Translate, how, mind, what_to_enter
from donate.letters.words.pledges import month_failed, pledge_amount, pledge_ended, pledge_link
from donate.letters.words.thanks import correction, thank_you
from donate.web.templating import translate


def draft(kind: LetterKind, context: LetterContext) -> Draft:
    """Return the draft of this kind of e-mail, in the donor's language."""

    def translate_message(message: str, **values: str) -> str:
        return translate(context.language, message, values)

    return _DRAFTS[kind](context, translate_message)


def _instructions(context: LetterContext, _: Translate) -> Draft:
    amount = context.money(context.gift.amount)
    return Draft(
        subject=_(
            "%(reference)s: how to send your gift of %(amount)s",
            reference=context.gift.reference,
            amount=amount,
        ),
        headline=_("How to send your gift"),
        before=(
            _("Thank you for choosing to give. Here’s how to send your gift."),
            *how(context, _),
        ),
        rows=what_to_enter(context, _),
        after=mind(context, _),
        link=(_("Check the status of your gift"), context.page),
    )


def _reminder(context: LetterContext, _: Translate) -> Draft:
    gift = context.gift
    return Draft(
        subject=_(
            "%(reference)s: we haven’t received your gift of %(amount)s yet",
            reference=gift.reference,
            amount=context.money(gift.amount),
        ),
        headline=_("We haven’t received your gift yet"),
        before=(
            _("You chose to make this gift on %(day)s.", day=context.day(gift.opened_on)),
            _("If you’ve already sent it, that’s fine. We’ll recognize it by its reference."),
            *how(context, _),
        ),
        rows=what_to_enter(context, _),
        after=mind(context, _),
        link=(_("Check the status of your gift"), context.page),
    )


def _under_way(context: LetterContext, _: Translate) -> Draft:
    amount = context.money(context.gift.amount)
    return Draft(
        subject=_("Your gift of %(amount)s is on its way", amount=amount),
        headline=_("Your gift is on its way"),
        before=(
            _(
                "Thank you! Your bank is processing the debit. This can take up to five "
                "business days."
            ),
            _(
                "You don’t need to do anything, unless Stripe asks you to confirm your bank "
                "account. We’ll e-mail you when your gift arrives."
            ),
        ),
        rows=amount_and_reference(context, _),
        link=(_("Check the status of your gift"), context.page),
        manage=manage_link(context, _),
    )


def _confirm_account(context: LetterContext, _: Translate) -> Draft:
    assert context.confirmation is not None
    amount, due = context.money(context.gift.amount), context.confirmation
    deposits = (
        _("Stripe is sending a small deposit to your account, with a code in its description.")
        if due.by_code
        else _("Stripe is sending two small deposits to your account.")
    )
    arrival = (
        _("You should see this in your account by %(day)s.", day=context.day(due.arrives_on))
        if due.arrives_on
        else ""
    )
    return Draft(
        subject=_("Please confirm your bank account for your gift of %(amount)s", amount=amount),
        headline=_("Please confirm your bank account"),
        before=(
            " ".join(filter(None, (deposits, arrival))),
            _("Then confirm your account on Stripe’s page. You have ten days."),
            _("We can’t collect your gift until you confirm your account."),
        ),
        rows=amount_and_reference(context, _),
        link=(_("Confirm your bank account"), context.page),
        manage=manage_link(context, _),
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
        link=(_("Try again or give another way"), context.page),
        manage=manage_link(context, _),
    )


def _refund(context: LetterContext, _: Translate) -> Draft:
    assert context.returned is not None
    amount = context.money(context.returned)
    return Draft(
        subject=_("Your refund of %(amount)s", amount=amount),
        headline=_("Your refund is on its way"),
        before=(
            _(
                "We’ve refunded the card or account you used. It can take a few days to appear on "
                "your statement."
            ),
            _("If you weren’t expecting this, please reply to this e-mail."),
        ),
        rows=(
            (_("Refund"), amount),
            (_("Your gift"), context.money(context.gift.amount)),
            (_("Reference"), context.gift.reference),
        ),
        link=(_("See your gift"), context.page),
    )


def _refund_failed(context: LetterContext, _: Translate) -> Draft:
    assert context.returned is not None
    amount = context.money(context.returned)
    return Draft(
        subject=_("Your refund of %(amount)s didn’t go through", amount=amount),
        headline=_("Your refund didn’t go through"),
        before=(
            _(
                "We told you about a refund. Your bank didn’t accept it, and the money came "
                "back to us."
            ),
            _("We’ll contact you to arrange another way. You can also reply to this e-mail."),
        ),
        rows=((_("Refund"), amount), (_("Reference"), context.gift.reference)),
        link=(_("See your gift"), context.page),
    )


_DRAFTS: Final[Mapping[LetterKind, Callable[[LetterContext, Translate], Draft]]] = {
    LetterKind.THANK_YOU: thank_you,
    LetterKind.CORRECTION: correction,
    LetterKind.INSTRUCTIONS: _instructions,
    LetterKind.REMINDER: _reminder,
    LetterKind.UNDER_WAY: _under_way,
    LetterKind.CONFIRM_ACCOUNT: _confirm_account,
    LetterKind.FAILED: _failed,
    LetterKind.MONTH_FAILED: month_failed,
    LetterKind.PLEDGE_AMOUNT: pledge_amount,
    LetterKind.PLEDGE_ENDED: pledge_ended,
    LetterKind.PLEDGE_LINK: pledge_link,
    LetterKind.REFUND: _refund,
    LetterKind.REFUND_FAILED: _refund_failed,
}
