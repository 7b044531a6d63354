"""Rows that sum up others are shown and left out; a row that could be money refuses the file."""

import pytest

from donate.bank.shapes.csv_shapes import shape_from_values
from tests.bank.shapes.reading import lines_of, read, refusals, skips

TD = (
    "03/04/2026,SERVICE CHARGE,4.95,,1195.05\n"
    "03/05/2026,E-TRANSFER ***uJP,,50.00,1245.05\n"
    "03/16/2026,STRIPE MSP,,211.40,1456.45\n"
)
SIMPLII = "Date, Transaction Details, Funds Out, Funds In\n03/04/2026,DEPOSIT,,50.00\n"


@pytest.mark.parametrize(
    "row",
    [
        pytest.param(",E-TRANSFER JANE,,50.00,1506.45", id="a line whose date is lost"),
        pytest.param("03/17/2026,E-TRANSFER JANE,,,1506.45", id="a line whose amount is lost"),
        pytest.param("03/17/2026 E-TRANSFER JANE,50.00", id="a line whose columns have moved"),
        pytest.param("03/17/2026;E-TRANSFER;;50.00;1506.45", id="a line with another delimiter"),
        pytest.param("03/17/2026;E-TRANSFER;;50,00", id="and with a decimal comma"),
        pytest.param(",E-TRANSFER 50.00,,,", id="an amount in the text"),
        pytest.param(",Total of JANE,,50.00,", id="a text that only begins with the word"),
        pytest.param(",JANE,Total,,", id="a word in a column of amounts"),
        pytest.param("E-TRANSFER JANE,50", id="a number outside the amounts"),
        pytest.param(
            "03/17/2026,Total,5.00,6.00,", id="a transaction called Total, in both columns"
        ),
        pytest.param('"Total,,,50.00', id="quotes that do not match"),
    ],
)
def test_a_row_below_that_could_be_money_refuses_the_file(row: str) -> None:
    """Whatever may be a damaged line stays refused, wherever it is."""
    assert list(refusals(read(TD + row + "\n"))) == [4]


def test_a_note_above_the_last_transaction_refuses_the_file() -> None:
    """A row without an amount between two transactions may be a damaged one."""
    rows = TD.splitlines()
    assert list(refusals(read("\n".join([rows[0], "SEE BRANCH,,", *rows[1:]])))) == [2]


def test_notes_alone_are_no_footer() -> None:
    """Without any transaction, nothing says that rows are below the last one."""
    assert list(refusals(read(f"{SIMPLII.splitlines()[0]}\nNo rows,,,\n"))) == [2]


def test_a_transaction_called_total_is_a_line() -> None:
    """A row with a date and an amount is a line, even if its text is “Total”."""
    statement = read(TD + "03/17/2026,Total,,6.00,1462.45\n")
    assert lines_of(statement)[-1] == (4, "2026-03-17", 600, "Total")
    assert skips(statement) == {}


@pytest.mark.parametrize(
    ("row", "text"),
    [
        ("Total,,4.95,261.40,", "Total"),
        (",Total,4.95,261.40", "Total"),
        ("TOTALS:,,4.95,261.40,", "TOTALS:"),
        (",Closing Balance,,,1456.45", "Closing Balance"),
        ('"Closing balance: $1,456.45"', "Closing balance: $1,456.45"),
        ("03/31/2026,CLOSING BALANCE,,,1456.45", "CLOSING BALANCE"),
        (",Solde de clôture,,,1456.45", "Solde de clôture"),
        ("Number of transactions,3", "Number of transactions"),
    ],
)
def test_a_summary_is_left_out_and_said(row: str, text: str) -> None:
    """A row that sums up others is no line; the page names it and says why."""
    statement = read(TD + row + "\n")
    assert refusals(statement) == {}
    assert len(statement.lines) == 3
    assert skips(statement) == {
        4: f"“{text}” sums up other rows, so this is no transaction.",
    }


def test_a_summary_may_stand_above_the_transactions() -> None:
    """An opening balance above the first transaction is left out as well."""
    statement = read("03/01/2026,Opening balance,,,1200.00\n" + TD)
    assert list(skips(statement)) == [1]
    assert len(statement.lines) == 3


def test_notes_below_the_last_transaction_are_left_out() -> None:
    """Blank rows, and rows without date and amount, do not refuse the file."""
    statement = read(SIMPLII + ",,,\n   \nEnd of report,,,\n*** Thank you ***\n\n")
    assert refusals(statement) == {}
    assert list(skips(statement)) == [5, 6]
    assert statement.heading_rows == (1, 3, 4, 7)
    assert "below the last transaction" in skips(statement)[5]


def test_a_shape_may_name_its_own_words() -> None:
    """The words of a shape count besides those of all banks."""
    values = {
        "name": "union",
        "title": "Union",
        "header": ["Day", "What", "Money"],
        "date": 1,
        "text": [2],
        "amount": 3,
    }
    content = "Day,What,Money\n2026-03-04,DEPOSIT,50.00\n,Members’ dividend so far,50.00\n"
    plain = shape_from_values(values)
    assert list(refusals(read(content, shape="union", shapes={"union": plain}))) == [3]
    wordy = shape_from_values(values | {"summary_words": ["Members’ dividend so far"]})
    assert list(skips(read(content, shape="union", shapes={"union": wordy}))) == [3]
