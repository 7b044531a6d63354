"""Amounts are read in every form that banks write, and never guessed."""

import pytest
from hypothesis import given, strategies as st

from donate.bank.shapes.amounts import read_written_amount
from donate.bank.shapes.statement import UnreadableRow


@pytest.mark.parametrize(
    ("cell", "minor"),
    [
        ("12.00", 1200),
        ("12", 1200),
        ("12.5", 1250),
        (".50", 50),
        ("0.00", 0),
        ("-12.00", -1200),
        ("+12.00", 1200),
        ("$1,234.56", 123456),
        ("-$12.00", -1200),
        ("$-12.00", -1200),
        ("CAD 12.00", 1200),
        ("12,00 $", 1200),
        ("CA$12.00", 1200),
        ("(12.00)", -1200),
        ("($12.00)", -1200),
        ("12.00-", -1200),
        ("45.10 DR", -4510),
        ("12.00CR", 1200),
        ("12.00 cr", 1200),
        ("1 234,56", 123456),
        ("1\u00a0234,56", 123456),
        ("1\u202f234,56", 123456),
        ("\u221212,00", -1200),
        ("1.234,56", 123456),
        ("1'234.56", 123456),
        ("1,234,567.89", 123456789),
        ("1,234,567", 123456700),
        ("1 234", 123400),
        ("0012.00", 1200),
        ("3000", 300000),
    ],
)
def test_every_form_of_an_amount_is_read(cell: str, minor: int) -> None:
    """Every form in which a bank writes an amount gives its exact minor units and sign."""
    assert read_written_amount(cell, "CAD").signed_minor == minor


@pytest.mark.parametrize("cell", ["1,234", "1.234", "$1,234", "-12,500", "(1,234)", "1,234 CR"])
def test_an_ambiguous_amount_is_refused(cell: str) -> None:
    """An amount that is a thousand or one and a fraction is refused, with what to do."""
    with pytest.raises(UnreadableRow, match="can be read in two ways"):
        read_written_amount(cell, "CAD")


@pytest.mark.parametrize(("mark", "minor"), [(".", 123400), (",", 123)])
def test_a_decimal_mark_settles_an_ambiguous_amount(mark: str, minor: int) -> None:
    """With a mapped decimal mark `1,234` is a thousand, or has a digit too many."""
    if mark == ".":
        assert read_written_amount("1,234", "CAD", mark).minor == minor
    else:
        with pytest.raises(UnreadableRow, match="cannot be read"):
            read_written_amount("1,234", "CAD", mark)
        assert read_written_amount("1,23", "CAD", mark).minor == minor


@pytest.mark.parametrize(
    "cell",
    [
        "",
        "-",
        "$",
        "abc",
        "12.345,67,8",
        "1,23,456.00",
        "12.3456",
        "0.123",
        "12.",
        "1e3",
        "12 00.00",
        "=1+1",
        "١٢.٠٠",
        "€12.00",
        "US$12.00",
        "12.00 USD",
        "9" * 13,
        "9" * 400,
        "1,,234.00",
        "0,123.00",
    ],
)
def test_anything_else_is_refused(cell: str) -> None:
    """What is no amount in the file's currency is refused, and never rounded or cut."""
    with pytest.raises(UnreadableRow, match="cannot be read"):
        read_written_amount(cell, "CAD")


@pytest.mark.parametrize("cell", ["-12.00 DR", "(12.00) CR", "(-12.00)", "-12.00-", "+-1.00"])
def test_two_signs_are_refused(cell: str) -> None:
    """Two signs at one amount are refused, because they may cancel each other out."""
    with pytest.raises(UnreadableRow, match="two signs"):
        read_written_amount(cell, "CAD")


def test_a_currency_without_cents_has_no_ambiguity() -> None:
    """In yen, `1,234` can only be a thousand, and decimals are refused."""
    assert read_written_amount("1,234", "JPY").minor == 1234
    with pytest.raises(UnreadableRow, match="cannot be read"):
        read_written_amount("12.50", "JPY")


@given(
    minor=st.integers(0, 10**13),
    separator=st.sampled_from(["", ",", " ", "\u00a0", "\u202f", "'"]),
    form=st.sampled_from(["{}", "-{}", "({})", "{}-", "{} DR", "{}CR", "$ {}", "{} $", "-${}"]),
)
def test_an_amount_survives_every_form(minor: int, separator: str, form: str) -> None:
    """Any amount written in any form is read as exactly that amount."""
    grouped = f"{minor // 100:,}".replace(",", separator)
    cell = form.format(f"{grouped}.{minor % 100:02}")
    expected = -minor if any(sign in form for sign in ("-", "(", "DR")) else minor
    assert read_written_amount(cell, "CAD").signed_minor == expected


@given(st.text(max_size=30))
def test_any_text_is_read_or_refused(cell: str) -> None:
    """Any text is either an amount or refused with a sentence; nothing else is raised."""
    try:
        minor = read_written_amount(cell, "CAD").minor
    except UnreadableRow as problem:
        said = problem.reason.message % problem.reason.values
    else:
        said = str(minor)
    assert said
