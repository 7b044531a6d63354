"""The e-mails that thank for a gift, or that correct a mistaken thank-you."""

from collections.abc import Iterator

from donate.gifts.choosing.options import Tribute
from donate.letters.context import LetterContext
from donate.letters.words.draft import Draft, manage_link, name_to_greet
from donate.letters.words.instructions import Translate


def thank_you(context: LetterContext, _: Translate) -> Draft:
    """Write that the gift has arrived."""
    gift = context.gift
    amount, day = context.money(gift.net), context.day(gift.received_on or gift.opened_on)
    after = [_("Please keep this e-mail for your records. It is not an official tax receipt.")]
    if context.first:
        after.insert(0, _("This is one of your monthly gifts."))
    return Draft(
        subject=_("Thank you for your gift of %(amount)s", amount=amount),
        headline=_("Thank you for your gift"),
        opening=(_("We’ve received your gift."),),
        before=tuple(_earlier_mistake(context, _)),
        rows=(
            *_amount_rows(context, _),
            *_wish_rows(context, _),
            (_("Date"), day),
            (_("Reference"), gift.reference),
        ),
        after=tuple(after),
        link=(_("See your gift"), context.page),
        manage=manage_link(context, _),
        amount=amount,
        day=day,
    )


def _earlier_mistake(context: LetterContext, _: Translate) -> Iterator[str]:
    if context.wrongly_stated and context.wrongly_stated != context.gift.received:
        yield _(
            "An earlier e-mail said that we had received %(amount)s. That was our mistake, and "
            "this e-mail replaces the earlier one.",
            amount=context.money(context.wrongly_stated),
        )


def correction(context: LetterContext, _: Translate) -> Draft:
    """Write that less has arrived than an earlier e-mail stated."""
    assert context.wrongly_stated is not None
    gift = context.gift
    amount = context.money(context.wrongly_stated)
    wrong = _(
        "We told you that your gift of %(amount)s had arrived. That was our mistake, and we’re "
        "sorry. Please don’t keep that e-mail as a record of your gift.",
        amount=amount,
    )
    if gift.received_minor:
        right = _("We’ve received %(amount)s so far.", amount=context.money(gift.received))
    else:
        right = _("We haven’t received your gift yet.")
    return Draft(
        subject=_("%(reference)s: a correction about your gift", reference=gift.reference),
        headline=_("We made a mistake"),
        before=(wrong, right),
        rows=(
            (_("Your gift"), context.money(gift.amount)),
            (_("Received so far"), context.money(gift.received)),
            (_("Reference"), gift.reference),
        ),
        closing=(
            _(
                "If your gift is already on its way, you don’t need to do anything. We’ll e-mail "
                "you when it arrives."
            ),
        ),
        link=(_("Check the status of your gift"), context.page),
        amount=amount,
    )


def _amount_rows(context: LetterContext, _: Translate) -> tuple[tuple[str, str], ...]:
    gift = context.gift
    if gift.received_minor >= gift.amount_minor:
        # Show the net amount: if the gift was paid twice, one payment may have been refunded.
        return ((_("Amount"), context.money(gift.net)),)
    # Show both amounts, because a gift may arrive in several transfers.
    return (
        (_("Your gift"), context.money(gift.amount)),
        (_("Received so far"), context.money(gift.received)),
    )


def _wish_rows(context: LetterContext, _: Translate) -> Iterator[tuple[str, str]]:
    fund, region, wish = context.gift.fund, context.region, context.wish
    # If the donor has changed the monthly amount, nobody knows which part of it covers the fee.
    has_first_amount = (
        context.first is None or context.first.amount_minor == context.gift.amount_minor
    )
    if wish and wish.fee_cover_minor and has_first_amount:
        yield (
            _("Including fees"),
            context.money(context.gift.amount.part(wish.fee_cover_minor)),
        )
    if region and fund in region.funds:
        yield _("Fund"), region.funds[fund].in_language(context.language)
    if wish is None:
        return
    name = name_to_greet(wish.tribute_name)
    if wish.tribute_kind == Tribute.HONOUR and name:
        yield _("In honour of"), name
    if wish.tribute_kind == Tribute.MEMORY and name:
        yield _("In memory of"), name
