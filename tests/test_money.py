"""How amounts of money are read, stored, shown and split."""

import time
from decimal import Decimal
from typing import Any

import pytest

from donate.errors import BadInput
from donate.money import (
    MAX_AMOUNT_MINOR,
    Money,
    format_amount,
    format_briefly,
    format_money,
    is_currency,
    minor_digits,
    minor_step,
    parts_of,
    read_amount,
)

EN, FR = "en-CA", "fr-CA"


@pytest.mark.parametrize(
    ("typed", "currency", "locale", "amount_minor"),
    [
        ("50", "CAD", EN, 5_000),
        ("  $50.00 ", "CAD", EN, 5_000),
        ("50,00 $", "CAD", FR, 5_000),
        ("12,5", "CAD", EN, 1_250),
        ("12.5", "CAD", FR, 1_250),
        ("0.01", "CAD", EN, 1),
        ("007", "CAD", EN, 700),
        ("1,000", "CAD", EN, 100_000),
        ("1,000.00", "CAD", EN, 100_000),
        ("1,234,567.89", "CAD", EN, 123_456_789),
        ("1,000.00", "CAD", FR, 100_000),
        ("1.000,00", "CAD", EN, 100_000),
        ("1 000,00", "CAD", FR, 100_000),
        ("1\u00a0000,00", "CAD", FR, 100_000),
        ("1\u202f000,00\u00a0$", "CAD", FR, 100_000),
        ("1\u2009000", "CAD", EN, 100_000),
        ("1'000.50", "CAD", EN, 100_050),
        ("1\u2019000", "CAD", EN, 100_000),
        ("9,999,999,999.99", "CAD", EN, MAX_AMOUNT_MINOR),
        ("0" * 5_000 + "5", "CAD", EN, 500),
        ("1,000", "JPY", EN, 1_000),
        ("¥500", "JPY", EN, 500),
        ("1.230", "KWD", EN, 1_230),
        ("1,000", "KWD", EN, 1_000_000),
        ("1,000", "KWD", FR, 1_000),
        ("1.000,500", "KWD", EN, 1_000_500),
        ("0,500", "KWD", FR, 500),
        ("20 CAD", "CAD", EN, 2_000),
        ("$20 cad", "CAD", EN, 2_000),
        ("CA$20", "CAD", EN, 2_000),
        (" CAD 20 ", "CAD", EN, 2_000),
        (" 20 sek ", "SEK", EN, 2_000),
        ("50", "ISK", EN, 5_000),
        ("50.00", "UGX", EN, 5_000),
        ("€50", "EUR", EN, 5_000),
        ("£50", "GBP", EN, 5_000),
    ],
)
def test_what_is_clear_is_exact(typed: str, currency: str, locale: str, amount_minor: int) -> None:
    """An unambiguous amount is read exactly."""
    assert read_amount(typed, currency, locale) == Money(amount_minor, currency)


ENTER, MORE = "Please enter an amount.", "The amount must be more than zero."
LARGE = "That’s more than we can accept online. Please write to us."
DIGITS = "Please enter the amount in digits, such as 50.00."
NO_DECIMALS = "Please leave out the decimals: this currency has none."
AT_MOST_2 = "Please enter no more than 2 decimal places."


@pytest.mark.parametrize(
    ("typed", "currency", "locale", "sentence"),
    [
        ("", "CAD", EN, ENTER),
        (" \u00a0\t", "CAD", EN, ENTER),
        ("$", "CAD", EN, ENTER),
        ("-5", "CAD", EN, MORE),
        ("$-5", "CAD", EN, MORE),
        ("\u22125", "CAD", EN, MORE),
        ("0", "CAD", EN, MORE),
        ("0.00", "CAD", EN, MORE),
        ("0.001", "CAD", EN, AT_MOST_2),
        ("50.0000", "CAD", EN, AT_MOST_2),
        ("1.000", "CAD", EN, f"{AT_MOST_2} For a thousand, write 1,000.00."),
        ("1,000", "CAD", FR, f"{AT_MOST_2} For a thousand, write 1\u00a0000,00."),
        ("1.0000", "KWD", EN, "Please enter no more than 3 decimal places."),
        ("1e2", "CAD", EN, DIGITS),
        ("NaN", "CAD", EN, DIGITS),
        ("Infinity", "CAD", EN, DIGITS),
        ("0x10", "CAD", EN, DIGITS),
        ("+5", "CAD", EN, DIGITS),
        ("\uff15\uff10", "CAD", EN, DIGITS),
        ("\u0665\u0660", "CAD", EN, DIGITS),
        ("²5", "CAD", EN, DIGITS),
        ("1_000", "CAD", EN, DIGITS),
        ("true", "CAD", EN, DIGITS),
        ("5 0", "CAD", EN, DIGITS),
        ("1 0000", "CAD", EN, DIGITS),
        ("1,00,000", "CAD", EN, DIGITS),
        ("1,000,00", "CAD", EN, DIGITS),
        ("1 000,000.00", "CAD", EN, DIGITS),
        ("0,500", "CAD", EN, DIGITS),
        ("000,500", "CAD", EN, DIGITS),
        (".50", "CAD", EN, DIGITS),
        ("50.", "CAD", EN, DIGITS),
        ("50..00", "CAD", EN, DIGITS),
        ("50\x00", "CAD", EN, DIGITS),
        ("50\ud800", "CAD", EN, DIGITS),
        ("50\n60", "CAD", EN, DIGITS),
        ("€50", "CAD", EN, DIGITS),
        ("SE50", "SEK", EN, DIGITS),
        ("£50", "CAD", FR, "Please enter the amount in digits, such as 50,00."),
        ("1000000000000", "CAD", EN, LARGE),
        ("10000000000.00", "CAD", EN, LARGE),
        ("1000000000000", "JPY", EN, LARGE),
        ("500.0", "JPY", EN, NO_DECIMALS),
        ("500,50", "JPY", FR, NO_DECIMALS),
        ("1.234", "KWD", EN, "Please enter the amount in digits, such as 50.000."),
        ("50.50", "ISK", EN, DIGITS),
        ("50.01", "UGX", EN, DIGITS),
    ],
)
def test_what_is_not_clear_is_refused(
    typed: str, currency: str, locale: str, sentence: str
) -> None:
    """A text that is not clearly an amount is refused with a sentence about what is wrong."""
    with pytest.raises(BadInput) as error:
        read_amount(typed, currency, locale)
    problem = error.value
    assert (problem.field, problem.message % problem.values) == ("amount", sentence)


@pytest.mark.alone
@pytest.mark.parametrize(
    "unit", ["9", "0", "1,", "1.", " 1", ",", ".", "0.", "1 000 ", "\u00a0", "$-"]
)
def test_a_very_long_text_is_refused_quickly(unit: str) -> None:
    """An amount of 100 kB is refused within half a second, whatever characters it consists of."""
    start = time.perf_counter()
    with pytest.raises(BadInput):
        read_amount(unit * (100_000 // len(unit)), "CAD", EN)
    assert time.perf_counter() - start < 0.5


@pytest.mark.parametrize("amount", [50.0, True, "50", None, Decimal(50)])
def test_minor_units_are_whole_numbers(amount: Any) -> None:
    """`Money` takes an int as its amount, and refuses floats, booleans, text and Decimals."""
    with pytest.raises(TypeError):
        Money(amount, "CAD")


@pytest.mark.parametrize("currency", ["", "cad", "CA", "CADD", "XYZ", " CAD", "C$D"])
def test_an_unknown_currency_is_refused(currency: str) -> None:
    """`Money` needs an existing currency in capital letters."""
    assert not is_currency(currency)
    with pytest.raises(ValueError, match="unknown currency"):
        Money(1, currency)


# Currencies without and with three decimals, copied by hand from Stripe's documentation to reveal
# mistakes in our own table: https://docs.stripe.com/currencies#zero-decimal, #three-decimal and
# #special-cases.
ZERO = "BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF VND VUV XAF XOF XPF".split()
THREE = "BHD JOD KWD OMR TND".split()


@pytest.mark.parametrize(
    ("currency", "digits", "step"),
    [
        *((currency, 0, 1) for currency in ZERO),
        *((currency, 3, 10) for currency in THREE),
        *((currency, 2, 100) for currency in ("ISK", "UGX")),
        *((currency, 2, 1) for currency in ("CAD", "USD", "EUR", "HUF", "TWD", "RSD", "ALL")),
    ],
)
def test_minor_units_are_those_of_stripe(currency: str, digits: int, step: int) -> None:
    """Each currency has the decimals and the smallest step that Stripe uses.

    For some currencies Stripe differs from ISO 4217 and CLDR.
    """
    assert (minor_digits(currency), minor_step(currency)) == (digits, step)


@pytest.mark.parametrize(
    ("money", "locale", "shown"),
    [
        (Money(123_450, "CAD"), EN, "$1,234.50"),
        (Money(123_450, "CAD"), FR, "1\u00a0234,50\u00a0$"),
        (Money(123_450, "CAD"), "en", "CA$1,234.50"),
        (Money(123_450, "KWD"), EN, "KWD123.450"),
        (Money(1_234, "JPY"), EN, "JP¥1,234"),
        (Money(5_050, "RSD"), EN, "RSD50.50"),
        (Money(-1_234, "CAD"), EN, "-$12.34"),
    ],
)
def test_money_is_shown_to_the_cent(money: Money, locale: str, shown: str) -> None:
    """Money is shown exactly, with the decimals that Stripe uses."""
    assert format_money(money, locale) == shown


def test_a_bare_amount_is_shown_as_it_is_typed() -> None:
    """An amount without its currency has the separators of the reader's language."""
    assert format_amount(Money(123_450, "CAD"), EN) == "1,234.50"
    assert format_amount(Money(123_450, "CAD"), FR) == "1\u00a0234,50"
    assert format_amount(Money(1_234, "JPY"), EN) == "1,234"


@pytest.mark.parametrize(
    ("money", "locale", "shown"),
    [
        (Money(2_500, "CAD"), EN, "$25"),
        (Money(2_500, "CAD"), FR, "25\u00a0$"),
        (Money(2_550, "CAD"), EN, "$25.50"),
        (Money(5_050, "RSD"), EN, "RSD50.50"),
        (Money(1_000, "JPY"), EN, "JP¥1,000"),
    ],
)
def test_only_a_whole_amount_is_shown_briefly(money: Money, locale: str, shown: str) -> None:
    """An amount without cents, such as $25, is shown briefly; one with cents is shown in full."""
    assert format_briefly(money, locale) == shown


@pytest.mark.parametrize(
    ("amount", "most", "parts"),
    [
        (300_000, None, ()),
        (300_000, 300_000, ()),
        (299_999, 300_000, ()),
        (300_001, 300_000, (300_000, 1)),
        (600_000, 300_000, (300_000, 300_000)),
        (700_000, 300_000, (300_000, 300_000, 100_000)),
    ],
)
def test_a_large_transfer_is_split(amount: int, most: int | None, parts: tuple[int, ...]) -> None:
    """An amount above a bank's limit is split into transfers of the limit, with the rest last."""
    split = parts_of(Money(amount, "CAD"), most)
    assert split == tuple(Money(part, "CAD") for part in parts)
    assert Money(amount, "CAD").part(7) == Money(7, "CAD")
