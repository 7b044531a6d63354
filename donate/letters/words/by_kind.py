"""The content of each kind of letter, as a draft for both the plain text and the HTML."""

from collections.abc import Callable, Mapping
from typing import Final

from donate.letters.context import LetterContext
from donate.letters.kinds import LetterKind
from donate.letters.words.draft import Draft, amount_and_reference, manage_link
from donate.letters.words.instructions import Translate, how, mind, what_to_enter
from donate.letters.words.pledges import month_failed, pledge_amount, pledge_ended
from donate.letters.words.thanks import correction, thank_you
from donate.web.templating import translate


def draft(kind: LetterKind, context: LetterContext) -> Draft:
    """Return the draft of this kind of letter, in the donor's language."""

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
        before=(_("Thank you! Your gift is recorded."), *how(context, _)),
        rows=what_to_enter(context, _),
        after=mind(context, _),
        link=(_("See where your gift stands"), context.page),
    )


def _reminder(context: LetterContext, _: Translate) -> Draft:
    gift = context.gift
    return Draft(
        subject=_(
            "%(reference)s: your gift of %(amount)s has not reached us yet",
            reference=gift.reference,
            amount=context.money(gift.amount),
        ),
        headline=_("Your gift has not reached us yet"),
        before=(
            _("On %(day)s you chose to make this gift.", day=context.day(gift.opened_on)),
            _("If you have sent it already, all is well: it is still matched by its reference."),
            *how(context, _),
        ),
        rows=what_to_enter(context, _),
        after=mind(context, _),
        link=(_("See where your gift stands"), context.page),
    )


def _under_way(context: LetterContext, _: Translate) -> Draft:
    amount = context.money(context.gift.amount)
    return Draft(
        subject=_("Your gift of %(amount)s is on its way", amount=amount),
        headline=_("Your gift is on its way"),
        before=(
            _("Thank you! Your bank has been asked for it, which takes up to five business days."),
            _(
                "If Stripe asks you to confirm your bank account, please do; otherwise there is "
                "nothing left to do. We will write to you when it has arrived."
            ),
        ),
        rows=amount_and_reference(context, _),
        link=(_("See where your gift stands"), context.page),
        manage=manage_link(context, _),
    )


def _confirm_account(context: LetterContext, _: Translate) -> Draft:
    assert context.confirmation is not None
    amount, due = context.money(context.gift.amount), context.confirmation
    deposits = (
        _("Stripe sends a small deposit to your account, with a code in its description.")
        if due.by_code
        else _("Stripe sends two small deposits to your account.")
    )
    arrival = (
        _("They should be there by %(day)s.", day=context.day(due.arrives_on))
        if due.arrives_on
        else ""
    )
    return Draft(
        subject=_("Please confirm your bank account for your gift of %(amount)s", amount=amount),
        headline=_("Your bank account still has to be confirmed"),
        before=(
            " ".join(filter(None, (deposits, arrival))),
            _("Please confirm them on Stripe’s page within ten days."),
            _("Without that, your bank cannot be asked for your gift."),
        ),
        rows=amount_and_reference(context, _),
        link=(_("Confirm your bank account"), context.page),
        manage=manage_link(context, _),
    )


def _failed(context: LetterContext, _: Translate) -> Draft:
    amount = context.money(context.gift.amount)
    return Draft(
        subject=_("Your gift of %(amount)s did not go through", amount=amount),
        headline=_("The payment did not go through"),
        before=(
            _("Your bank account was not confirmed in time, and no money was taken.")
            if context.was_never_confirmed
            else _("Your bank did not allow it, and no money was taken."),
            _("You can try again, or choose another way to give."),
        ),
        rows=amount_and_reference(context, _),
        link=(_("Try again or give another way"), context.page),
        manage=manage_link(context, _),
    )


def _refund(context: LetterContext, _: Translate) -> Draft:
    assert context.returned is not None
    amount = context.money(context.returned)
    return Draft(
        subject=_("%(amount)s of your gift went back to you", amount=amount),
        headline=_("Money went back to you"),
        before=(
            _("We have sent it back the way it came. It can take a few days to show."),
            _("If you did not expect this, please answer this letter."),
        ),
        rows=(
            (_("Went back"), amount),
            (_("Your gift"), context.money(context.gift.amount)),
            (_("Reference"), context.gift.reference),
        ),
        link=(_("See your gift"), context.page),
    )


def _refund_failed(context: LetterContext, _: Translate) -> Draft:
    assert context.returned is not None
    amount = context.money(context.returned)
    return Draft(
        subject=_("Your refund of %(amount)s did not go through", amount=amount),
        headline=_("Your refund did not go through"),
        before=(
            _("We wrote to you about a refund. Your bank did not accept it, so we have it again."),
            _("We will contact you about another way. You can also answer this letter."),
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
    LetterKind.REFUND: _refund,
    LetterKind.REFUND_FAILED: _refund_failed,
}
