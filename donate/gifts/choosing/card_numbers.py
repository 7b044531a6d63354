"""Detects and masks card numbers in text, so that we never store or show one."""

import re
import unicodedata
from collections.abc import Iterator
from itertools import accumulate
from typing import Final

from stdnum import luhn

from donate.errors import N_

CARD_NUMBER_FOUND: Final = N_("That looks like a card number. Please remove it.")

_DIGITS: Final = "0123456789"
_MIN_CARD_DIGITS: Final = 13
_MAX_CARD_DIGITS: Final = 19
_MAX_GROUP_DIGITS: Final = 8
_MAX_GROUPS: Final = 8
_FIRST_DIGITS: Final = "23456"
_NOT_DIGITS: Final = re.compile("[^0-9]+")
_DIGIT_GROUP: Final = re.compile("[0-9]+")
# Match digits in groups as printed on cards, with any separators between the groups.
_PRINTED_GROUPS: Final = re.compile(
    r"(?<![0-9])([0-9]{4}\W{1,10}(?:[0-9]{4}\W{1,10}[0-9]{4}\W{1,10}[0-9]{1,7}"
    r"|[0-9]{6}\W{1,10}[0-9]{4,5}))(?![0-9])(\W{1,10}[0-9]{1,3}(?![0-9]))?"
)
# Match 13 characters that may be digits in some script, with at most ten separators between two.
# Latin letters do not match.
_MANY_DIGITS: Final = re.compile(
    "(?:[0-9\u00b9\u00b2\u00b3\u0250-\U0010ffff][\\W_]{0,10}+){12}"
    "[0-9\u00b9\u00b2\u00b3\u0250-\U0010ffff]"
)
_DIGIT_GROUPS: Final = re.compile(r"[0-9]+(?:[\s\-‐-―._/]{1,3}[0-9]+)*")


def holds_card_number(text: str) -> bool:
    """Whether `text` contains 13 to 19 digits, however separated, that form a valid card number.

    The card number is also found if other digits stand next to it: `12 4242 4242 4242 4242`.
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
                if _MIN_CARD_DIGITS <= len(digits) <= _MAX_CARD_DIGITS and luhn.is_valid(digits):
                    return True
    return False


def _ascii_digit(character: str) -> str:
    digit = unicodedata.decimal(character, None)
    return character if digit is None else str(digit)


def mask_card_numbers(text: str) -> str:
    """Return `text` with each digit of a card number, except the last four, replaced by `*`.

    A bank's text often has other long numbers. So a number is masked only if it begins as card
    numbers do, with 3 to 6 or with 2221 to 2720, and its check digit is right.
    """
    if len(text) < _MIN_CARD_DIGITS or not _MANY_DIGITS.search(text):
        return text
    plain = text if text.isascii() else "".join(map(_same_length_digit, text))
    masked = list(text)
    for start, end in _spans_of_numbers(plain):
        if _is_card_number(_NOT_DIGITS.sub("", plain[start:end])):
            places = [place for place in range(start, end) if plain[place] in _DIGITS]
            for place in places[:-4]:
                masked[place] = "*"
    return "".join(masked)


def _spans_of_numbers(plain: str) -> Iterator[tuple[int, int]]:
    """Yield the start and end of each possible card number: one group of digits, or several."""
    for match in _PRINTED_GROUPS.finditer(plain):
        yield match.span(1)
        yield match.span()
    for run in _DIGIT_GROUPS.finditer(plain):
        groups = [group.span() for group in _DIGIT_GROUP.finditer(plain, *run.span())]
        for first, (start, end) in enumerate(groups):
            if plain[start] not in _FIRST_DIGITS:
                continue
            yield start, end
            digits = end - start
            for further_start, further_end in groups[first + 1 : first + _MAX_GROUPS]:
                length = further_end - further_start
                digits += length
                # A long group of digits next to another group is a reference, not half of a card
                # number.
                if max(end - start, length) > _MAX_GROUP_DIGITS or digits > _MAX_CARD_DIGITS:
                    break
                if digits >= _MIN_CARD_DIGITS:
                    yield start, further_end


def _is_card_number(digits: str) -> bool:
    if not _MIN_CARD_DIGITS <= len(digits) <= _MAX_CARD_DIGITS:
        return False
    is_new_mastercard = len(digits) == 16 and "2221" <= digits[:4] <= "2720"
    return (digits[0] in _FIRST_DIGITS[1:] or is_new_mastercard) and luhn.is_valid(digits)


def _same_length_digit(character: str) -> str:
    plain = unicodedata.normalize("NFKC", character)
    return _ascii_digit(plain) if len(plain) == 1 else character
