"""What donors read when money has arrived, or when we said so by mistake."""

from collections.abc import Iterator

from donate.gifts.choosing.options import Tribute
from donate.letters.context import LetterContext
from donate.letters.words.draft import Draft, manage, name_to_greet
from donate.letters.words.instructions import Translate


def thank_you(about: LetterContext, _: Translate) -> Draft:
    """Say that a gift has arrived."""
    gift = about.gift
    amount = about.money(gift.net)
    after = [_("Please keep this letter for your records. It is not an official tax receipt.")]
    if about.first:
        after.insert(0, _("This is one of your monthly gifts."))
    return Draft(
        subject=_("Thank you for your gift of %(amount)s", amount=amount),
        headline=_("Received, thank you!"),
        before=(_("Your gift has arrived."), *_what_we_wrote(about, _)),
        rows=(
            *_what_came(about, _),
            *_what_was_added(about, _),
            (_("Date"), about.day(gift.received_on or gift.opened_on)),
            (_("Reference"), gift.reference),
        ),
        after=tuple(after),
        link=(_("See your gift"), about.page),
        manage=manage(about, _),
    )


def _what_we_wrote(about: LetterContext, _: Translate) -> Iterator[str]:
    if about.told and about.told != about.gift.received:
        yield _(
            "We wrote earlier that %(amount)s had arrived. That was our mistake, and this e-mail "
            "replaces that one.",
            amount=about.money(about.told),
        )


def correction(about: LetterContext, _: Translate) -> Draft:
    """Say that less has arrived than we wrote."""
    assert about.told is not None
    gift = about.gift
    wrong = _(
        "We wrote that your gift of %(amount)s had arrived. That was our mistake, and we "
        "apologize. Please do not keep that e-mail as a record of your gift.",
        amount=about.money(about.told),
    )
    if gift.received_minor:
        right = _("So far, %(amount)s has arrived.", amount=about.money(gift.received))
    else:
        right = _("Your gift has not arrived yet.")
    return Draft(
        subject=_("%(reference)s: a correction about your gift", reference=gift.reference),
        headline=_("We made a mistake"),
        before=(wrong, right),
        rows=(
            (_("Your gift"), about.money(gift.amount)),
            (_("Received so far"), about.money(gift.received)),
            (_("Reference"), gift.reference),
        ),
        after=(
            _(
                "If you have sent it, you do not need to do anything. We will write to you when "
                "it arrives."
            ),
        ),
        link=(_("See where your gift stands"), about.page),
    )


def _what_came(about: LetterContext, _: Translate) -> tuple[tuple[str, str], ...]:
    gift = about.gift
    if gift.received_minor >= gift.amount_minor:
        # Of what was paid twice, one payment may have gone back.
        return ((_("Amount"), about.money(gift.net)),)
    # A transfer may come in parts.
    return (
        (_("Your gift"), about.money(gift.amount)),
        (_("Received so far"), about.money(gift.received)),
    )


def _what_was_added(about: LetterContext, _: Translate) -> Iterator[tuple[str, str]]:
    wish, region = about.wish, about.region
    if wish is None:
        return
    # Of another amount than the first month's nobody knows how much is to cover the fee.
    as_chosen = about.first is None or about.first.amount_minor == about.gift.amount_minor
    if wish.fee_cover_minor and as_chosen:
        yield (
            _("Of that, to cover the fee"),
            about.money(about.gift.amount.part(wish.fee_cover_minor)),
        )
    if region and wish.fund in region.funds:
        yield _("What it is for"), region.funds[wish.fund].in_language(about.language)
    name = name_to_greet(wish.tribute_name)
    if wish.tribute_kind == Tribute.HONOUR and name:
        yield _("In honour of"), name
    if wish.tribute_kind == Tribute.MEMORY and name:
        yield _("In memory of"), name
