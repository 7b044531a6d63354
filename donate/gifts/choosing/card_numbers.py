"""Detects card numbers in text that people type, so that we never store or show one."""

import re
import unicodedata
from itertools import accumulate
from typing import Final

from stdnum import luhn

from donate.errors import N_

CARD_NUMBER_FOUND: Final = N_("That looks like a card number. Please remove it.")

_MAX_CARD_DIGITS: Final = 19
# Match digits in the groups that are printed on cards, with any separators between the groups.
_PRINTED_GROUPS: Final = re.compile(
    r"(?<![0-9])([0-9]{4}\W{1,10}(?:[0-9]{4}\W{1,10}[0-9]{4}\W{1,10}[0-9]{1,7}"
    r"|[0-9]{6}\W{1,10}[0-9]{4,5}))(?![0-9])(\W{1,10}[0-9]{1,3}(?![0-9]))?"
)
_DIGIT_GROUPS: Final = re.compile(r"[0-9]+(?:[\s\-‐-―._/]{1,3}[0-9]+)*")


def holds_card_number(text: str) -> bool:
    """Whether `text` contains 13 to 19 digits, however separated, that form a valid card number.

    Other digits beside the card number do not hide it: `12 4242 4242 4242 4242`.
    """
    plain = "".join(_ascii_digit(c) for c in unicodedata.normalize("NFKC", text))
    for number, extra in _PRINTED_GROUPS.findall(plain):
        candidates = (number, number + extra)
        if any(luhn.is_valid(re.sub("[^0-9]", "", digits)) for digits in candidates):
            return True
    for run in _DIGIT_GROUPS.findall(plain):
        groups = re.findall("[0-9]+", run)
        for first in range(len(groups)):
            for digits in accumulate(groups[first : first + _MAX_CARD_DIGITS]):
                if 13 <= len(digits) <= _MAX_CARD_DIGITS and luhn.is_valid(digits):
                    return True
    return False


def _ascii_digit(character: str) -> str:
    digit = unicodedata.decimal(character, None)
    return character if digit is None else str(digit)
