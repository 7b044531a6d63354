"""Payment references: `LWCAN-7KQ4M2X`, a giving code and seven characters, the last a check.

The alphabet has no characters that people confuse (0/O, 1/I/L, 2/Z, 5/S, 6/G, 8/B, U/V, M/N). Its
length is a prime number, so the pure system of ISO 7064 (radix 2) detects every single wrong
character and every swap of neighbours.
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

# Characters that people mistake for one of the alphabet. The check character confirms the guess.
# 1, I, L, U and V are not mapped: no character of the alphabet looks like them.
_CORRECTIONS: Final = str.maketrans("0ODSZGBN", "QQQ5268M")
# The code has no check character, so only these look-alikes are accepted in it.
_LOOKALIKES: Final = {"O": "[O0]", "0": "[O0]", "I": "[I1L]", "1": "[I1L]", "L": "[L1I]"}
# Separators between two characters, as people type them or banks' columns add them.
_GAP: Final = r"[\s\-‐-―_.:/]{0,3}"
_MAX_SEARCHED: Final = 10_000

_BODY = re.compile(rf"[{ALPHABET}]{{{LENGTH}}}")


def new_reference(code: str, random: Random) -> str:
    """Return a random reference under `code`. The database enforces uniqueness."""
    body = "".join(random.choices(ALPHABET, k=LENGTH - 1))
    return f"{code}-{body}{mod_37_2.calc_check_digit(body, alphabet=ALPHABET)}"


def is_reference(text: str) -> bool:
    """Whether `text` is a complete reference with a correct check character."""
    code, _, body = text.rpartition("-")
    return bool(code and _BODY.fullmatch(body) and mod_37_2.is_valid(body, alphabet=ALPHABET))


def tidy_reference(text: str) -> str:
    """Return `text` in upper case, without spaces, with one dash before the last seven."""
    bare = re.sub(r"[\s\-‐-―_.]+", "", text).upper()
    return f"{bare[:-LENGTH]}-{bare[-LENGTH:]}" if len(bare) > LENGTH else bare


def find_references(text: str, codes: Iterable[str]) -> list[str]:
    """Return the references with correct checks in `text`, each once, in order.

    Accepts any case, spaces and dashes anywhere, look-alike characters, and surrounding text.
    If no reference with a code is found, accepts seven characters alone, without look-alikes, if
    they contain a letter and a digit; these are returned under each of `codes`, and the caller
    checks which gift exists. Never completes a reference that is cut short.
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
    # A lookahead, so that matches may overlap: a code may begin inside a false match.
    return re.compile(f"(?={letters}{_GAP}({seven}))")
