"""Card numbers in a bank's text are masked, and its references are kept."""

import pytest
from hypothesis import given, strategies as st

from donate.gifts.choosing.card_numbers import holds_card_number, mask_card_numbers
from tests.bank.shapes.reading import CARD, lines_of, read

MASKED = "************4242"


@pytest.mark.parametrize(
    ("written", "masked"),
    [
        (CARD, MASKED),
        (f"x {CARD} y", f"x {MASKED} y"),
        ("4242 4242 4242 4242", "**** **** **** 4242"),
        ("12 4242-4242-4242-4242", "12 ****-****-****-4242"),
        ("3782 822463 10005", "**** ****** *0005"),
        ("5555555555554444 20260101", "************4444 20260101"),
        ("２２２３００３１２２００３２２２", "************３２２２"),
        ("４２４２ 4242\u00a04242 4242", "**** ****\u00a0**** 4242"),
        (f"{CARD},{CARD}", f"{MASKED},{MASKED}"),
    ],
)
def test_a_card_number_keeps_its_last_four_digits(written: str, masked: str) -> None:
    """A card number in any grouping is masked but for its last four digits."""
    assert mask_card_numbers(written) == masked


@pytest.mark.parametrize(
    "reference",
    [
        "1234567890123456",
        "4242424242424243",
        "INTERNET TRANSFER 000000001234",
        "20261070155ZED8ZN",
        "20181801732942BE7",
        "016633447755 20260101",
        "450012345678 2026",
        "4500********1234",
        "2026-07-09 12:00:00.000",
        "4111-1111",
    ],
)
def test_a_bank_reference_stays(reference: str) -> None:
    """Long numbers that are no card's are references, by which money is found again."""
    assert mask_card_numbers(reference) == reference


def test_every_cell_is_masked() -> None:
    """A card number in any cell is masked in the line, its reference, account and the evidence."""
    row = f'Chequing,{CARD},7/9/2026,{CARD},"A {CARD}","{CARD[:8]} {CARD[8:]}",25.00,\n'
    header = '"Account Type","Account Number","Transaction Date","Cheque Number",'
    header += '"Description 1","Description 2","CAD$","USD$"\n'
    statement = read(header + row)
    shown = repr(statement.lines) + statement.masked.decode()
    assert not holds_card_number(shown)
    assert statement.lines[0].bank_reference == MASKED
    assert CARD not in shown.replace(" ", "")


def test_a_card_number_across_two_columns_is_masked_in_the_text() -> None:
    """A card number that two description columns share is masked where they are joined."""
    text = f'"Chequing","01-1","7/9/2026","","{CARD[:8]}","{CARD[8:]}",25.00,\n'
    assert lines_of(read(text))[0][3] == "******** ****4242"


def test_a_damaged_row_is_masked() -> None:
    """A card number in a row that cannot be split into cells is masked too."""
    statement = read(f'07/09/2026,X,,5.00,1.00\n07/09/2026,"{CARD},,5.00,1.00\n', shape="td")
    assert CARD not in repr(statement)
    assert MASKED in statement.refused[0].text


@given(before=st.text(max_size=10), after=st.text(max_size=10))
def test_masking_keeps_the_length(before: str, after: str) -> None:
    """Masking replaces digits one by one, so that columns and quotes stay where they are."""
    written = f"{before}{CARD}{after}"
    masked = mask_card_numbers(written)
    assert len(masked) == len(written)
    assert mask_card_numbers(masked) == masked
