"""What a donor may add to a gift: what it is for, some words, in whose honour, and the fee."""

import unicodedata
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from donate.errors import N_, BadInput
from donate.gifts.choosing.card_numbers import holds_card_number
from donate.gifts.choosing.fee_cover import with_fee_covered
from donate.money import Money, minor_step
from donate.regions.regions import Region

MAX_NOTE: Final = 500
MAX_TRIBUTE: Final = 200


class Tribute(StrEnum):
    """What a gift may be given in."""

    HONOUR = "honour"
    MEMORY = "memory"


@dataclass(frozen=True, slots=True)
class Wishes:
    """What a donor added. Empty and False mean that they did not."""

    fund: str = ""
    is_anonymous: bool = False
    note: str = ""
    tribute_kind: str = ""
    tribute_name: str = ""
    covers_fee: bool = False


NOTHING_ADDED: Final = Wishes()


def check_wishes(region: Region, mode: str, wishes: Wishes) -> list[BadInput]:
    """Say what of it the region does not offer, or cannot be kept; a sentence for each."""
    options, problems = region.options, []
    if wishes.fund and wishes.fund not in region.funds:
        problems.append(BadInput("fund", N_("Please choose what it is for from the list.")))
    if wishes.is_anonymous and not options.anonymous:
        problems.append(BadInput("anonymous", N_("That is not offered here.")))
    if wishes.note:
        problem = _about_words("note", wishes.note, MAX_NOTE) if options.note else _not_here("note")
        problems += [problem] if problem else []
    if wishes.tribute_kind or wishes.tribute_name:
        problem = _about_the_tribute(wishes) if options.tribute else _not_here("tribute")
        problems += [problem] if problem else []
    if wishes.covers_fee and fee_cover(region, mode, Money(1, region.currency)) is None:
        problems.append(BadInput("cover_fee", N_("This way to give has no fee to cover.")))
    return problems


def fee_cover(region: Region, mode: str, wanted: Money) -> Money | None:
    """Return what is added so that the fee takes nothing of `wanted`; None where there is none."""
    terms = {str(known): terms for known, terms in region.modes.items()}.get(mode)
    if terms is None or terms.fee is None:
        return None
    charged = with_fee_covered(
        wanted.amount_minor,
        basis_points=terms.fee.basis_points,
        fixed_minor=terms.fee.fixed_minor,
        step=minor_step(wanted.currency),
    )
    return Money(charged - wanted.amount_minor, wanted.currency)


def tidy_words(text: str) -> str:
    """Return words in one Unicode form, without the space around them and with plain line ends."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").strip()
    return unicodedata.normalize("NFC", text) if len(text) <= 4 * MAX_NOTE else text


def _not_here(field: str) -> BadInput:
    return BadInput(field, N_("That is not offered here."))


def _about_the_tribute(wishes: Wishes) -> BadInput | None:
    if wishes.tribute_kind not in set(Tribute):
        return BadInput("tribute", N_("Please choose: in honour or in memory of somebody."))
    if not any(map(str.isprintable, wishes.tribute_name)):
        return BadInput("tribute", N_("Please enter the name of the person."))
    return _about_words("tribute", wishes.tribute_name, MAX_TRIBUTE)


def _about_words(field: str, text: str, most: int) -> BadInput | None:
    if len(text) > most:
        message = N_("Please shorten this to %(most)s characters.")
        return BadInput(field, message, {"most": str(most)})
    if any(unicodedata.category(c) in ("Cc", "Cs", "Co", "Cn") for c in text.replace("\n", "")):
        return BadInput(field, N_("This has a character that we cannot store."))
    if holds_card_number(text):
        return BadInput(field, N_("That looks like a card number. Please never write one here."))
    return None
