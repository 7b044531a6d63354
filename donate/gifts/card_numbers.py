"""Card numbers in what people type: never kept, and never shown again. Pure."""

import re
import unicodedata
from itertools import accumulate
from typing import Final

from stdnum import luhn

_MAX_CARD_DIGITS: Final = 19
_DIGIT_GROUPS: Final = re.compile(r"[0-9]+(?:[\s\-‐-―._/]{1,3}[0-9]+)*")


def holds_card_number(text: str) -> bool:
    """Tell whether 13 to 19 digits in `text`, however spaced, make a valid card number.

    Digits before or after it do not hide it: `12 4242 4242 4242 4242`.
    """
    for run in _DIGIT_GROUPS.findall(unicodedata.normalize("NFKC", text)):
        groups = re.findall("[0-9]+", run)
        for first in range(len(groups)):
            for digits in accumulate(groups[first : first + _MAX_CARD_DIGITS]):
                if 13 <= len(digits) <= _MAX_CARD_DIGITS and luhn.is_valid(digits):
                    return True
    return False
