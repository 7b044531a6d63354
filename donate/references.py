"""Payment references such as `LWCAN-7KQ4M2X`: a giving code and seven characters, the last a check.

The characters come from an alphabet without those that people confuse (0/O, 1/I/L, 2/Z, 5/S, 6/G,
8/B, U/V, M/N). The alphabet's length is a prime number, so the check character (ISO 7064, pure
system, radix 2) detects every single wrong character and every swap of neighbours.
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

# Maps characters outside the alphabet to the similar character in it. The check character confirms
# each guess. 1, I, L, U and V are not included, because no character of the alphabet looks like
# them.
_CORRECTIONS: Final = str.maketrans("0ODSZGBN", "QQQ5268M")
# The giving code has no check character, so only these similar characters are accepted in it.
_LOOKALIKES: Final = {"O": "[O0]", "0": "[O0]", "I": "[I1L]", "1": "[I1L]", "L": "[L1I]"}
# The characters that may stand between two characters of a reference. People type separators, and
# bank statements with fixed columns insert spaces.
_GAP: Final = r"[\s\-‐-―_.:/]{0,3}"
_MAX_SEARCHED: Final = 10_000

_BODY = re.compile(rf"[{ALPHABET}]{{{LENGTH}}}")


def new_reference(code: str, random: Random) -> str:
    """Return a random reference for a giving code. The database ensures that it is unique."""
    body = "".join(random.choices(ALPHABET, k=LENGTH - 1))
    return f"{code}-{body}{mod_37_2.calc_check_digit(body, alphabet=ALPHABET)}"


def is_reference(text: str) -> bool:
    """Whether `text` is a complete reference with a correct check character."""
    code, _, body = text.rpartition("-")
    return bool(code and _BODY.fullmatch(body) and mod_37_2.is_valid(body, alphabet=ALPHABET))


def tidy_reference(text: str) -> str:
    """Return a typed reference in upper case, with one dash before its last seven characters."""
    bare = re.sub(r"[\s\-‐-―_.]+", "", text).upper()
    return f"{bare[:-LENGTH]}-{bare[-LENGTH:]}" if len(bare) > LENGTH else bare


def find_references(text: str, codes: Iterable[str]) -> list[str]:
    """Return the references in `text` whose check character is correct, each once, in order.

    Any case, spaces and dashes anywhere, look-alike characters, and surrounding text are accepted.
    If `text` contains no reference with a giving code, seven characters without a code are accepted
    too, if they are typed exactly and include a letter and a digit. In this case one reference is
    returned for each giving code in `codes`, and the caller checks which of them belongs to a gift.
    A reference that was cut short is never completed.
    """
    text = unicodedata.normalize("NFKC", text[:_MAX_SEARCHED]).upper()
    codes = list(codes)
    references: dict[str, None] = {}
    for code in codes:
        for match in _with_code(code).finditer(text):
            body = re.sub(r"[^A-Z0-9]", "", match[1]).translate(_CORRECTIONS)
            if is_reference(f"{code}-{body}"):
                references[f"{code}-{body}"] = None
    if not references:
        for body in _ALONE.findall(text):
            is_mixed = any(map(str.isdigit, body)) and any(map(str.isalpha, body))
            for code in codes:
                if is_mixed and is_reference(f"{code}-{body}"):
                    references[f"{code}-{body}"] = None
    return list(references)


_ALONE: Final = re.compile(rf"(?<![^\W_])[{ALPHABET}]{{{LENGTH}}}(?![^\W_])")


@cache
def _with_code(code: str) -> re.Pattern[str]:
    letters = _GAP.join(_LOOKALIKES.get(c, re.escape(c)) for c in code)
    seven = f"(?:[A-Z0-9]{_GAP}){{{LENGTH - 1}}}[A-Z0-9]"
    # Use a lookahead so that matches may overlap, because a true match may begin inside a false
    # one.
    return re.compile(f"(?={letters}{_GAP}({seven}))")
