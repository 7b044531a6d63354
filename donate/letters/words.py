"""What each kind of letter says. One draft makes both the plain text and the HTML of a letter."""

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, assert_never

from donate.clock import local_date
from donate.gifts.pledges import EndReason, end_reason_of
from donate.gifts.wishes import Tribute
from donate.letters.about import About
from donate.letters.how_to_send import Tongue, how, mind, what_to_enter
from donate.letters.kinds import LetterKind
from donate.templating import say

_MOST_OF_A_NAME: Final = 60
# What has these, or other signs than names have, may be a stranger's message to whom we write.
_NO_NAME: Final = re.compile(r"[.,](?! |$)|www", re.IGNORECASE)
_IN_NAMES: Final = frozenset(" '’ʼ·-‐‑–.,&")  # noqa: RUF001 -- as people type them


@dataclass(frozen=True, slots=True)
class Draft:
    """What a letter says, in the donor's language, before it has an envelope."""

    subject: str
    headline: str
    before: tuple[str, ...] = ()
    rows: tuple[tuple[str, str], ...] = ()
    """What is to be looked at or copied: a label and its value each."""
    after: tuple[str, ...] = ()
    link: tuple[str, str] = ("", "")
    """Where to go from here: the words, and the address."""
    manage: tuple[str, str] | None = None


def draft(kind: LetterKind, about: About) -> Draft:
    """Write what a letter of this kind says about a gift."""

    def speak(message: str, **values: str) -> str:
        return say(about.language, message, values)

    return _DRAFTS[kind](about, speak)


def name_to_greet(name: str) -> str:
    """Return the name, or nothing where it could be a message: anybody can type one for anybody."""
    plain = unicodedata.normalize("NFKC", name)
    are_letters = all(unicodedata.category(c)[0] in "LM" or c in _IN_NAMES for c in plain)
    if len(name) > _MOST_OF_A_NAME or not are_letters or _NO_NAME.search(plain):
        return ""
    return name


def _thank_you(about: About, _: Tongue) -> Draft:
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
        manage=_manage(about, _),
    )


def _what_we_wrote(about: About, _: Tongue) -> Iterator[str]:
    if about.told and about.told != about.gift.received:
        yield _(
            "We wrote earlier that %(amount)s had arrived. That was our mistake, and this e-mail "
            "replaces that one.",
            amount=about.money(about.told),
        )


def _correction(about: About, _: Tongue) -> Draft:
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


def _what_came(about: About, _: Tongue) -> tuple[tuple[str, str], ...]:
    gift = about.gift
    if gift.received_minor >= gift.amount_minor:
        # Of what was paid twice, one payment may have gone back.
        return ((_("Amount"), about.money(gift.net)),)
    # A transfer may come in parts.
    return (
        (_("Your gift"), about.money(gift.amount)),
        (_("Received so far"), about.money(gift.received)),
    )


def _what_was_added(about: About, _: Tongue) -> Iterator[tuple[str, str]]:
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


def _instructions(about: About, _: Tongue) -> Draft:
    amount = about.money(about.gift.amount)
    return Draft(
        subject=_(
            "%(reference)s: how to send your gift of %(amount)s",
            reference=about.gift.reference,
            amount=amount,
        ),
        headline=_("How to send your gift"),
        before=(_("Thank you! Your gift is recorded."), *how(about, _)),
        rows=what_to_enter(about, _),
        after=mind(about, _),
        link=(_("See where your gift stands"), about.page),
    )


def _reminder(about: About, _: Tongue) -> Draft:
    gift = about.gift
    return Draft(
        subject=_(
            "%(reference)s: your gift of %(amount)s has not reached us yet",
            reference=gift.reference,
            amount=about.money(gift.amount),
        ),
        headline=_("Your gift has not reached us yet"),
        before=(
            _("On %(day)s you chose to make this gift.", day=about.day(gift.opened_on)),
            _("If you have sent it already, all is well: it is still matched by its reference."),
            *how(about, _),
        ),
        rows=what_to_enter(about, _),
        after=mind(about, _),
        link=(_("See where your gift stands"), about.page),
    )


def _under_way(about: About, _: Tongue) -> Draft:
    amount = about.money(about.gift.amount)
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
        rows=_amount_and_reference(about, _),
        link=(_("See where your gift stands"), about.page),
        manage=_manage(about, _),
    )


def _confirm_account(about: About, _: Tongue) -> Draft:
    assert about.confirmation is not None
    amount, due = about.money(about.gift.amount), about.confirmation
    deposits = (
        _("Stripe sends a small deposit to your account, with a code in its description.")
        if due.by_code
        else _("Stripe sends two small deposits to your account.")
    )
    arrives = (
        _("They should be there by %(day)s.", day=about.day(due.arrives_on))
        if due.arrives_on
        else ""
    )
    return Draft(
        subject=_("Please confirm your bank account for your gift of %(amount)s", amount=amount),
        headline=_("Your bank account still has to be confirmed"),
        before=(
            " ".join(filter(None, (deposits, arrives))),
            _("Please confirm them on Stripe’s page within ten days."),
            _("Without that, your bank cannot be asked for your gift."),
        ),
        rows=_amount_and_reference(about, _),
        link=(_("Confirm your bank account"), about.page),
        manage=_manage(about, _),
    )


def _failed(about: About, _: Tongue) -> Draft:
    amount = about.money(about.gift.amount)
    return Draft(
        subject=_("Your gift of %(amount)s did not go through", amount=amount),
        headline=_("The payment did not go through"),
        before=(
            _("Your bank account was not confirmed in time, and no money was taken.")
            if about.was_never_confirmed
            else _("Your bank did not allow it, and no money was taken."),
            _("You can try again, or choose another way to give."),
        ),
        rows=_amount_and_reference(about, _),
        link=(_("Try again or give another way"), about.page),
        manage=_manage(about, _),
    )


def _month_failed(about: About, _: Tongue) -> Draft:
    amount = about.money(about.gift.amount)
    return Draft(
        subject=_("Your monthly gift of %(amount)s did not go through", amount=amount),
        headline=_("This month’s gift did not go through"),
        before=(
            _("Your bank did not allow it, and no money was taken."),
            _("You can try again, or choose another way to give for this month."),
        ),
        rows=_amount_and_reference(about, _),
        link=(_("Try again or give another way"), about.page),
        manage=_manage(about, _),
    )


def _pledge_amount(about: About, _: Tongue) -> Draft:
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


def _pledge_ended(about: About, _: Tongue) -> Draft:
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


def _seen(about: About, _: Tongue) -> tuple[str, str] | None:
    return (_("See your monthly gifts"), about.pledge_page) if about.pledge_page else None


def _refund(about: About, _: Tongue) -> Draft:
    assert about.returned is not None
    amount = about.money(about.returned)
    return Draft(
        subject=_("%(amount)s of your gift went back to you", amount=amount),
        headline=_("Money went back to you"),
        before=(
            _("We have sent it back the way it came. It can take a few days to show."),
            _("If you did not expect this, please answer this letter."),
        ),
        rows=(
            (_("Went back"), amount),
            (_("Your gift"), about.money(about.gift.amount)),
            (_("Reference"), about.gift.reference),
        ),
        link=(_("See your gift"), about.page),
    )


def _refund_failed(about: About, _: Tongue) -> Draft:
    assert about.returned is not None
    amount = about.money(about.returned)
    return Draft(
        subject=_("Your refund of %(amount)s did not go through", amount=amount),
        headline=_("Your refund did not go through"),
        before=(
            _("We wrote to you about a refund. Your bank did not accept it, so we have it again."),
            _("We will contact you about another way. You can also answer this letter."),
        ),
        rows=((_("Refund"), amount), (_("Reference"), about.gift.reference)),
        link=(_("See your gift"), about.page),
    )


def _manage(about: About, _: Tongue) -> tuple[str, str] | None:
    if about.pledge_page is None:
        return None
    return _("See or change your monthly gifts"), about.pledge_page


def _amount_and_reference(about: About, _: Tongue) -> tuple[tuple[str, str], ...]:
    return (
        (_("Amount"), about.money(about.gift.amount)),
        (_("Reference"), about.gift.reference),
    )


_DRAFTS: Final[Mapping[LetterKind, Callable[[About, Tongue], Draft]]] = {
    LetterKind.THANK_YOU: _thank_you,
    LetterKind.CORRECTION: _correction,
    LetterKind.INSTRUCTIONS: _instructions,
    LetterKind.REMINDER: _reminder,
    LetterKind.UNDER_WAY: _under_way,
    LetterKind.CONFIRM_ACCOUNT: _confirm_account,
    LetterKind.FAILED: _failed,
    LetterKind.MONTH_FAILED: _month_failed,
    LetterKind.PLEDGE_AMOUNT: _pledge_amount,
    LetterKind.PLEDGE_ENDED: _pledge_ended,
    LetterKind.REFUND: _refund,
    LetterKind.REFUND_FAILED: _refund_failed,
}
