"""Tables of a pack are CSV files that spreadsheets read exactly, and never run."""

from datetime import date

import pytest

from donate.books.pack.csv_table import write_csv
from donate.money import Money


def test_a_row_of_another_length_is_refused() -> None:
    """A row with a cell too many or too few is no file with shifted columns."""
    for row in (("a",), ("a", "b", "c")):
        with pytest.raises(ValueError, match="cells for 2 columns"):
            write_csv(("one", "two"), [row])


def test_each_kind_of_cell_is_written_exactly() -> None:
    """Amounts have the digits of their currency, days are ISO, and empty cells are empty."""
    row = (date(2026, 3, 1), Money(-5, "CAD"), Money(700, "JPY"), 12, None, 'Zoé, "Z"')
    written = write_csv("abcdef", [row])
    assert written == '\ufeffa,b,c,d,e,f\r\n2026-03-01,-0.05,700,12,,"Zoé, ""Z"""\r\n'.encode()


@pytest.mark.parametrize("text", ["=A1", "+1", "-1", "@x", " =A1", "\t=A1", "\uff1dA1"])
def test_a_formula_gets_an_apostrophe(text: str) -> None:
    """A text that a spreadsheet could run begins with an apostrophe; an amount never does."""
    cells = write_csv(("a", "b"), [(text, Money(-100, "CAD"))]).decode("utf-8-sig")
    assert cells.split("\r\n")[1] == f"'{text},-1.00"
