"""The reference a donor quotes: `LWCAN-7KQ4M2X`, seven characters of which the last is a check.

The alphabet has no pair that people confuse (0/O, 1/I/L, 2/Z, 5/S, 6/G, 8/B, U/V, M/N). It has a
prime number of characters, which is what lets the pure system of ISO 7064 (radix 2) catch every
single wrong character and every swap of neighbours.
"""

import re
from random import Random
from typing import Final

from stdnum.iso7064 import mod_37_2

ALPHABET: Final = "23456789ACEFHJKMPQRTWXY"
LENGTH: Final = 7

_BODY = re.compile(rf"[{ALPHABET}]{{{LENGTH}}}")


def new_reference(code: str, dice: Random) -> str:
    """Draw a reference for a gift under `code`. Uniqueness is the database's to hold."""
    body = "".join(dice.choices(ALPHABET, k=LENGTH - 1))
    return f"{code}-{body}{mod_37_2.calc_check_digit(body, alphabet=ALPHABET)}"


def is_reference(text: str) -> bool:
    """Tell whether `text` is a complete reference whose check character holds."""
    code, _, body = text.rpartition("-")
    return bool(code and _BODY.fullmatch(body) and mod_37_2.is_valid(body, alphabet=ALPHABET))


def tidy_reference(text: str) -> str:
    """Return `text` as it was meant: upper case, no spaces, one dash before the seven."""
    bare = re.sub(r"[\s\-‐-―_.]+", "", text).upper()
    return f"{bare[:-LENGTH]}-{bare[-LENGTH:]}" if len(bare) > LENGTH else bare
