"""The reference a donor quotes: `LWCAN-7KQ4M2X`, seven characters of which the last is a check.

The alphabet has no pair that people confuse (0/O, 1/I/L, 2/Z, 5/S, 6/G, 8/B, U/V, M/N). It has a
prime number of characters, which is what lets the pure system of ISO 7064 (radix 2) catch every
single wrong character and every swap of neighbours.
"""

import re
import unicodedata
from collections.abc import Iterable
from functools import cache
from random import Random
from typing import Final

from stdnum.iso7064 import mod_37_2

ALPHABET: Final = "23456789ACEFHJKMPQRTWXY"
LENGTH: Final = 7

# What people read or type for a character of the alphabet; the check decides whether it was one.
# 1, I, L, U and V stand for none: nothing in the alphabet looks like them.
_MEANT: Final = str.maketrans("0ODSZGBN", "QQQ5268M")
# In a code, which has no check, only these are forgiven.
_LOOKALIKES: Final = {"O": "[O0]", "0": "[O0]", "I": "[I1L]", "1": "[I1L]", "L": "[L1I]"}
# Between two characters, as typed or as a bank's columns leave it.
_GAP: Final = r"[\s\-‐-―_.:/]{0,3}"
_MOST_SEARCHED: Final = 10_000

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


def find_references(text: str, codes: Iterable[str]) -> list[str]:
    """Return the references that stand in `text`, each once, in order; the check holds for each.

    Written in any case, with spaces or dashes anywhere, with a look-alike for a character, and
    within other text. Without its code it counts only where its seven characters, digits and
    letters, stand alone and exactly as they were given out; it is then returned under each of
    `codes`, and only a gift that exists can have been meant. What is cut short is never completed.
    """
    text = unicodedata.normalize("NFKC", text[:_MOST_SEARCHED]).upper()
    codes = list(codes)
    found: dict[str, None] = {}
    for code in codes:
        for match in _with_code(code).finditer(text):
            body = re.sub(r"[^A-Z0-9]", "", match[1]).translate(_MEANT)
            if is_reference(f"{code}-{body}"):
                found[f"{code}-{body}"] = None
    if not found:
        for body in _ALONE.findall(text):
            mixed = any(map(str.isdigit, body)) and any(map(str.isalpha, body))
            for code in codes:
                if mixed and is_reference(f"{code}-{body}"):
                    found[f"{code}-{body}"] = None
    return list(found)


_ALONE: Final = re.compile(rf"(?<![^\W_])[{ALPHABET}]{{{LENGTH}}}(?![^\W_])")


@cache
def _with_code(code: str) -> re.Pattern[str]:
    letters = _GAP.join(_LOOKALIKES.get(c, re.escape(c)) for c in code)
    seven = f"(?:[A-Z0-9]{_GAP}){{{LENGTH - 1}}}[A-Z0-9]"
    # Ahead only, so that a code that begins anew within what looked like a reference is seen too.
    return re.compile(f"(?={letters}{_GAP}({seven}))")
