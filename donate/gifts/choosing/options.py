"""Checks the options that a donor adds: fund, note, tribute, anonymity, and covering the fee."""

import unicodedata
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from donate.errors import N_, BadInput
from donate.gifts.choosing.card_numbers import CARD_NUMBER_FOUND, holds_card_number
from donate.gifts.choosing.characters import holds_unusable
from donate.gifts.choosing.fee_cover import with_fee_covered
from donate.money import Money, minor_step
from donate.regions.regions import Region

MAX_NOTE: Final = 500
MAX_TRIBUTE: Final = 200


class Tribute(StrEnum):
    """The kinds of tribute: in honour of a person, or in memory of one."""

    HONOUR = "honour"
    MEMORY = "memory"


@dataclass(frozen=True, slots=True, repr=False)
class Wishes:
    """The options that a donor added to a gift. An option that is empty or False was not added."""

    fund: str = ""
    is_anonymous: bool = False
    note: str = ""
    tribute_kind: str = ""
    tribute_name: str = ""
    covers_fee: bool = False


NOTHING_ADDED: Final = Wishes()


def check_wishes(region: Region, mode: str, wishes: Wishes) -> list[BadInput]:
    """Return a problem for each option that the region does not offer or we cannot store."""
    options, problems = region.options, []
    if wishes.fund and wishes.fund not in region.funds:
        problems.append(BadInput("fund", N_("Please choose a fund from the list.")))
    if wishes.is_anonymous and not options.anonymous:
        problems.append(BadInput("anonymous", N_("This option isn’t available here.")))
    if wishes.note:
        problem = (
            check_words("note", wishes.note, MAX_NOTE) if options.note else _not_offered("note")
        )
        problems += [problem] if problem else []
    if wishes.tribute_kind or wishes.tribute_name:
        problem = _check_tribute(wishes) if options.tribute else _not_offered("tribute")
        problems += [problem] if problem else []
    if wishes.covers_fee and fee_cover(region, mode, Money(1, region.currency)) is None:
        problems.append(BadInput("cover_fee", N_("This payment method has no fees to cover.")))
    return problems


def fee_cover(region: Region, mode: str, amount: Money) -> Money | None:
    """Return the amount that covers the fee on a gift of `amount`; None if the mode has no fee."""
    terms = {str(each): terms for each, terms in region.modes.items()}.get(mode)
    if terms is None or terms.fee is None:
        return None
    charged = with_fee_covered(
        amount.amount_minor,
        basis_points=terms.fee.basis_points,
        fixed_minor=terms.fee.fixed_minor,
        step=minor_step(amount.currency),
    )
    return Money(charged - amount.amount_minor, amount.currency)


def tidy_words(text: str) -> str:
    """Return text without leading or trailing spaces, with Unix line ends, in Unicode form NFC."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").strip()
    return unicodedata.normalize("NFC", text) if len(text) <= 4 * MAX_NOTE else text


def _not_offered(field: str) -> BadInput:
    return BadInput(field, N_("This option isn’t available here."))


def _check_tribute(wishes: Wishes) -> BadInput | None:
    if wishes.tribute_kind not in set(Tribute):
        return BadInput("tribute", N_("Please choose “In honour of” or “In memory of”."))
    if not any(map(str.isprintable, wishes.tribute_name)):
        return BadInput(
            "tribute", N_("Please enter the name of the person you’re honouring or remembering.")
        )
    return check_words("tribute", wishes.tribute_name, MAX_TRIBUTE)


def check_words(field: str, text: str, most: int) -> BadInput | None:
    """Return the problem with a typed text: it is too long, unprintable, or has a card number."""
    if len(text) > most:
        message = N_("Please shorten this to %(most)s characters.")
        return BadInput(field, message, {"most": str(most)})
    if holds_unusable(text):
        return BadInput(field, N_("This text has a character we can’t use. Please remove it."))
    if holds_card_number(text):
        return BadInput(field, CARD_NUMBER_FOUND)
    return None
