"""Reads amounts in the way banks write them, in minor units, without rounding or guessing."""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from donate.bank.shapes.statement import UnreadableRow
from donate.errors import N_
from donate.gifts.choosing.card_numbers import mask_card_numbers
from donate.money import minor_digits, typed_sign

DEBIT_SIGNS: Final = ("-", "DR")
CREDIT_SIGNS: Final = ("+", "CR")
_MAX_WHOLE_DIGITS: Final = 12
_MAX_QUOTED: Final = 40

# Replace every kind of space by a plain space, and every kind of minus by a plain hyphen.
_PLAIN: Final = str.maketrans(
    dict.fromkeys("\u00a0\u202f\u2009\u2007", " ") | dict.fromkeys("\u2212\u2010\u2011\u2013", "-")
)
_USUAL: Final = re.compile(r"(-?)([0-9]{1,12})\.([0-9]{2})")
_GROUPED: Final = re.compile(r"[1-9][0-9]{0,2}(?P<sep>[ ,.'’])[0-9]{3}(?:(?P=sep)[0-9]{3})*")


@dataclass(frozen=True, slots=True)
class WrittenAmount:
    """An amount of zero or more minor units, and the sign beside it: "", "-", "+", "DR" or "CR"."""

    minor: int
    sign: str = ""

    @property
    def signed_minor(self) -> int:
        """The amount in minor units: negative if the sign means money out."""
        return -self.minor if self.sign in DEBIT_SIGNS else self.minor


def read_written_amount(cell: str, currency: str, decimal_mark: str = "") -> WrittenAmount:
    """Read an amount of `currency`, in any of the forms that banks use.

    These forms are `1,234.56`, `1 234,56`, `$12.00`, `-12.00`, `12.00-`, `(12.00)`, `12.00 DR` and
    `12.00CR`. `decimal_mark` is the decimal separator, a point or a comma. If it is empty, `1,234`
    is ambiguous. Raises UnreadableRow for an ambiguous amount, and for any other text.
    """
    digits = minor_digits(currency)
    if digits == 2 and decimal_mark != "," and (usual := _USUAL.fullmatch(cell)):
        return WrittenAmount(int(usual[2] + usual[3]), usual[1])
    typed = cell.translate(_PLAIN).strip().upper()
    number, signs = _without_signs(typed, currency)
    if len(signs) > 1:
        raise UnreadableRow(N_("The amount %(cell)s has two signs."), {"cell": quoted(cell)})
    whole, minor = _whole_and_minor(number, digits, decimal_mark, cell)
    if len(minor) > digits or len(whole) > _MAX_WHOLE_DIGITS:
        raise unreadable_amount(cell)
    return WrittenAmount(int(whole + minor.ljust(digits, "0")), "".join(signs))


def unreadable_amount(cell: str) -> UnreadableRow:
    """Return the error to raise for an amount that cannot be read."""
    return UnreadableRow(N_("The amount %(cell)s cannot be read."), {"cell": quoted(cell)})


def quoted(cell: str) -> str:
    """Return a cell for use in a sentence: shortened, and with card numbers masked."""
    masked = mask_card_numbers(" ".join(cell.split()))
    return masked if len(masked) <= _MAX_QUOTED else masked[: _MAX_QUOTED - 1] + "…"


def _without_signs(typed: str, currency: str) -> tuple[str, list[str]]:
    """Return the number without the currency and signs around it, and a list of the signs."""
    signs: list[str] = []
    before = ""
    while typed != before:  # signs and currency come in any order: -$5.00, $-5.00, ($5.00) CR
        before = typed
        if typed.startswith("(") and typed.endswith(")"):
            signs.append("-")
            typed = typed[1:-1].strip()
        if typed.endswith(("DR", "CR")):
            signs.append(typed[-2:])
            typed = typed[:-2].strip()
        if typed[:1] in ("-", "+"):
            signs.append(typed[0])
            typed = typed[1:].strip()
        if typed[-1:] in ("-", "+"):
            signs.append(typed[-1])
            typed = typed[:-1].strip()
        for symbol in _symbols(currency):
            typed = typed.removeprefix(symbol).removesuffix(symbol).strip()
    return typed, signs


@lru_cache(200)
def _symbols(currency: str) -> tuple[str, ...]:
    """Return the symbols that may be beside an amount: CAD, CA$ and $ for Canadian dollars."""
    sign = typed_sign(currency, "en")
    return (currency, f"{currency[:2]}{sign}", sign) if sign else (currency,)


def _whole_and_minor(number: str, digits: int, decimal_mark: str, cell: str) -> tuple[str, str]:
    """Return the digits before and after the decimal separator. Raises UnreadableRow."""
    mark = decimal_mark or _decimal_mark(number, digits, cell)
    whole, _, minor = number.rpartition(mark) if mark and mark in number else (number, "", "")
    match = _GROUPED.fullmatch(whole)
    if match and match["sep"] != mark:
        whole = re.sub("[^0-9]", "", whole)
    if not whole and minor:
        whole = "0"
    is_plain = whole.isascii() and whole.isdigit()
    if not is_plain or (minor and not (minor.isascii() and minor.isdigit())):
        raise unreadable_amount(cell)
    if mark and mark in number and not minor:
        raise unreadable_amount(cell)
    return whole.lstrip("0") or "0", minor


def _decimal_mark(number: str, digits: int, cell: str) -> str:
    """Return the decimal separator, or "" if the number has none. Raises UnreadableRow."""
    marks = re.findall("[.,]", number)
    if not marks:
        return ""
    if len(set(marks)) == 2:
        return str(marks[-1])
    if len(marks) > 1:
        return ""
    whole, _, minor = number.partition(marks[0])
    perhaps_thousands = len(minor) == 3 and re.fullmatch("[1-9][0-9]{0,2}", whole)
    if perhaps_thousands and digits:
        message = N_("The amount %(cell)s can be read in two ways. Please write it with its cents.")
        raise UnreadableRow(message, {"cell": quoted(cell)})
    return "" if perhaps_thousands else str(marks[0])
