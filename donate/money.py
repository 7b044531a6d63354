"""Money: a whole number of minor units in one currency. Floats are never used.

Minor units follow Stripe, which differs from ISO 4217 for a few currencies:
https://docs.stripe.com/currencies#minor-units
"""

import re
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Final

from babel import Locale
from babel.numbers import (
    format_currency,
    format_decimal,
    get_currency_symbol,
    get_group_symbol,
    list_currencies,
)

from donate.errors import N_, BadInput

# Maps each currency to its number of decimals, and to its smallest step in minor units.
_SPECIAL: Final[dict[str, tuple[int, int]]] = {
    **dict.fromkeys("BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF VND VUV XAF XOF XPF".split(), (0, 1)),
    **dict.fromkeys("BHD JOD KWD OMR TND".split(), (3, 10)),
    "ISK": (2, 100),
    "UGX": (2, 100),
}
_USUAL: Final = (2, 1)
_KNOWN: Final = frozenset(list_currencies())

# Stripe allows 8 digits, or 12 in a few currencies. A database column holds amounts of 18 digits.
MAX_AMOUNT_MINOR: Final = 999_999_999_999


def minor_digits(currency: str) -> int:
    """Return the number of digits after the decimal separator in `currency`."""
    return _SPECIAL.get(currency, _USUAL)[0]


def minor_step(currency: str) -> int:
    """Return the number of minor units of which every amount in `currency` must be a multiple."""
    return _SPECIAL.get(currency, _USUAL)[1]


def is_currency(code: str) -> bool:
    """Whether `code` is an upper-case ISO 4217 code."""
    return code in _KNOWN


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in minor units of one currency: `Money(5_000, "CAD")` is fifty dollars."""

    amount_minor: int
    currency: str

    def part(self, amount_minor: int) -> "Money":
        """Return another amount in the same currency. `amount_minor` is in minor units."""
        return Money(amount_minor, self.currency)

    def __post_init__(self) -> None:
        """Check both fields. Raises TypeError or ValueError."""
        if type(self.amount_minor) is not int:
            raise TypeError(f"minor units must be an int, not {self.amount_minor!r}")
        if not is_currency(self.currency):
            raise ValueError(f"unknown currency {self.currency!r}")

    @property
    def decimal(self) -> Decimal:
        """The exact amount in major units: `Decimal("50.00")`."""
        return Decimal(self.amount_minor).scaleb(-minor_digits(self.currency))


def parts_of(amount: Money, most_minor: int | None) -> tuple[Money, ...]:
    """Split an amount into transfers of at most `most_minor`; () if one transfer is enough."""
    if most_minor is None or amount.amount_minor <= most_minor:
        return ()
    whole, rest = divmod(amount.amount_minor, most_minor)
    parts = [most_minor] * whole + [rest] * bool(rest)
    return tuple(Money(part, amount.currency) for part in parts)


def format_money(money: Money, locale: str) -> str:
    """Format an amount for a locale: `$50.00` in English, `50,00 $` in French."""
    return _with_decimals(money, minor_digits(money.currency), locale)


def format_briefly(money: Money, locale: str) -> str:
    """Format an amount like `format_money`, but omit decimals that are zero: `$25`, `25 $`."""
    digits = minor_digits(money.currency)
    return _with_decimals(money, digits if money.amount_minor % 10**digits else 0, locale)


# Cache the results, because a staff page shows hundreds of amounts, and formatting one amount takes
# a tenth of a millisecond.
@lru_cache(10_000)
def _with_decimals(money: Money, digits: int, locale: str) -> str:
    # CLDR omits the decimals of some currencies, such as RSD and ALL, for which Stripe has cents.
    # So set the number of decimals explicitly.
    pattern = Locale.parse(_babel(locale)).currency_formats["standard"].pattern
    exact = pattern.replace(".00", "." + "0" * digits)
    return format_currency(
        money.decimal, money.currency, exact, locale=_babel(locale), currency_digits=False
    )


def format_amount(money: Money, locale: str) -> str:
    """Format an amount without the currency, as a person types it: `1,234.50`, `1 234,50`."""
    pattern = "#,##0." + "0" * minor_digits(money.currency)
    return format_decimal(money.decimal, format=pattern, locale=_babel(locale))


_SPACES = str.maketrans(dict.fromkeys("\u00a0\u202f\u2009", " "))
_SIGNS: Final = frozenset("$¥€£")
# No number with a thousands separator begins with 0, so `0,500` is a half, not five hundred.
_WHOLE = re.compile(r"[0-9]+|[1-9][0-9]{0,2}(?P<sep>[ ,.\u2019'])[0-9]{3}(?:(?P=sep)[0-9]{3})*")


def read_amount(text: str, currency: str, locale: str) -> Money:
    """Parse an amount of `currency` that a person typed, without rounding or guessing.

    `12.50` and `12,50` are accepted in every locale. `1,000` is a thousand only if the comma is the
    thousands separator of `locale`. Raises BadInput for the field `amount`; the message says what
    to type instead.
    """
    sign = typed_sign(currency, locale)
    typed = text.translate(_SPACES).strip().upper()
    for symbol in (currency, f"{currency[:2]}{sign}", sign) if sign else (currency,):
        typed = typed.removeprefix(symbol).removesuffix(symbol).strip()
    if not typed:
        raise BadInput("amount", N_("Please enter an amount."))
    if typed.startswith(("-", "\u2212")):
        raise BadInput("amount", N_("The amount must be more than zero."))
    whole, mark, minor = _split_at_decimal_mark(typed, locale)
    match = _WHOLE.fullmatch(whole)
    if not match or match["sep"] == mark or (mark and not re.fullmatch("[0-9]+", minor)):
        raise _unreadable(currency, locale)
    return _exact(re.sub("[^0-9]", "", whole), minor, currency, locale)


def typed_sign(currency: str, locale: str) -> str:
    """Return the currency sign that people type, such as `$`, or "" if the currency has none."""
    return "".join(_SIGNS.intersection(get_currency_symbol(currency, _babel(locale))))


def group_mark(locale: str) -> str:
    """Return the thousands separator of `locale`."""
    return get_group_symbol(_babel(locale))


def _split_at_decimal_mark(typed: str, locale: str) -> tuple[str, str, str]:
    """Split a number into whole part, decimal separator and decimals; the last two may be ""."""
    marks = re.findall("[.,]", typed)
    if not marks:
        return typed, "", ""
    whole, mark, minor = typed.rpartition(marks[-1])
    is_only_kind = len(set(marks)) == 1
    if is_only_kind and len(minor) == 3 and mark == group_mark(locale):
        return typed, "", ""
    return whole, mark, minor


def _exact(whole: str, minor: str, currency: str, locale: str) -> Money:
    digits = minor_digits(currency)
    if minor and not digits:
        raise BadInput("amount", N_("Please leave out the decimals: this currency has none."))
    if len(minor) > digits:
        if len(minor) == len("000") and not whole.startswith("0"):
            raise _perhaps_thousands(digits, currency, locale)
        message = N_("Please enter no more than %(digits)s decimal places.")
        raise BadInput("amount", message, {"digits": str(digits)})
    whole = whole.lstrip("0") or "0"
    if len(whole) > len(str(MAX_AMOUNT_MINOR)) - digits:
        raise BadInput("amount", N_("That’s more than we can accept online. Please write to us."))
    amount_minor = int(whole) * 10**digits + int(minor.ljust(digits, "0") or 0)
    if amount_minor == 0:
        raise BadInput("amount", N_("The amount must be more than zero."))
    if amount_minor % minor_step(currency):
        raise _unreadable(currency, locale)
    return Money(amount_minor, currency)


def _perhaps_thousands(digits: int, currency: str, locale: str) -> BadInput:
    # A person who types `1,000` in French, or `1.000` in English, usually means a thousand.
    message = N_(
        "Please enter no more than %(digits)s decimal places. For a thousand, write %(thousand)s."
    )
    thousand = format_amount(Money(1000 * 10 ** minor_digits(currency), currency), locale)
    return BadInput("amount", message, {"digits": str(digits), "thousand": thousand})


def _unreadable(currency: str, locale: str) -> BadInput:
    message = N_("Please enter the amount in digits, such as %(example)s.")
    example = Money(50 * 10 ** minor_digits(currency), currency)
    return BadInput("amount", message, {"example": format_amount(example, locale)})


def _babel(locale: str) -> str:
    return locale.replace("-", "_")
