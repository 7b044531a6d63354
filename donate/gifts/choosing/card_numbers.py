"""Card numbers in what people type: never kept, and never shown again. Pure."""

import re
import unicodedata
from itertools import accumulate
from typing import Final

from stdnum import luhn

_MAX_CARD_DIGITS: Final = 19
# Written in the groups that are on the card, with whatever between them.
_AS_ON_THE_CARD: Final = re.compile(
    r"(?<![0-9])([0-9]{4}\W{1,10}(?:[0-9]{4}\W{1,10}[0-9]{4}\W{1,10}[0-9]{1,7}"
    r"|[0-9]{6}\W{1,10}[0-9]{4,5}))(?![0-9])(\W{1,10}[0-9]{1,3}(?![0-9]))?"
)
_DIGIT_GROUPS: Final = re.compile(r"[0-9]+(?:[\s\-‐-―._/]{1,3}[0-9]+)*")


def holds_card_number(text: str) -> bool:
    """Tell whether 13 to 19 digits in `text`, however spaced, make a valid card number.

    Digits before or after it do not hide it: `12 4242 4242 4242 4242`.
    """
    plain = "".join(_in_ascii(c) for c in unicodedata.normalize("NFKC", text))
    for four, fifth in _AS_ON_THE_CARD.findall(plain):
        if any(luhn.is_valid(re.sub("[^0-9]", "", digits)) for digits in (four, four + fifth)):
            return True
    for run in _DIGIT_GROUPS.findall(plain):
        groups = re.findall("[0-9]+", run)
        for first in range(len(groups)):
            for digits in accumulate(groups[first : first + _MAX_CARD_DIGITS]):
                if 13 <= len(digits) <= _MAX_CARD_DIGITS and luhn.is_valid(digits):
                    return True
    return False


def _in_ascii(character: str) -> str:
    digit = unicodedata.decimal(character, None)
    return character if digit is None else str(digit)
