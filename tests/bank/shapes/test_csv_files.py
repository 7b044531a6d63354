"""What goes wrong in CSV files: each row ends as one thing, and each refusal says why."""

from datetime import date

import pytest

from donate.errors import BadInput
from tests.bank.shapes.reading import CARD, lines_of, read, refusals, said, sample, skips

HEADER = "Date,Description,Type of Transaction,Sub-description,Amount,Balance"
TD = "07/09/2026,E-TRANSFER ***uJP,,25.00,1025.00"


def rows(*written: str) -> str:
    """Return a file of Scotiabank's shape with these rows below its header."""
    return "\n".join([HEADER, *written]) + "\n"


@pytest.mark.parametrize("end", ["\r\n", "\n", "\r"])
def test_lines_may_end_in_any_way(end: str) -> None:
    """CRLF, LF and CR end lines alike, and rows keep their numbers."""
    text = sample("td.csv").decode().replace("\r\n", end)
    assert lines_of(read(text)) == lines_of(read(sample("td.csv")))


@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_the_delimiter_is_found_out(delimiter: str) -> None:
    """Semicolons and tabs separate cells as commas do, and amounts may have a decimal comma."""
    text = delimiter.join(["07/09/2026", "E-TRANSFER, auto", "", "25,00", "1 025,00"]) + "\n"
    assert lines_of(read(text * 3))[2] == (3, "2026-07-09", 2500, "E-TRANSFER, auto")
    assert lines_of(read(text)) == [(1, "2026-07-09", 2500, "E-TRANSFER, auto")]


def test_a_file_of_one_line_is_read() -> None:
    """One row is enough, also without the end of its line."""
    assert lines_of(read(TD)) == [(1, "2026-07-09", 2500, "E-TRANSFER ***uJP")]


def test_blank_rows_and_trailing_commas_do_no_harm() -> None:
    """Blank rows are headings, and commas too many at the end change nothing."""
    statement = read(f"\n{TD},,,\n,,,\n  \n{TD}")
    assert [line.row for line in statement.lines] == [2, 5]
    assert statement.heading_rows == (1, 3, 4)


def test_junk_above_the_header_is_left_out() -> None:
    """Titles above the header row are headings, and so is each repeated header."""
    statement = read(
        "Account activity\nFrom 2026-07-01\n\n"
        + rows("2026-07-09,DEPOSIT,Credit,,25.00,", HEADER, "2026-07-10,FEE,Debit,,1.00,")
    )
    assert [line.row for line in statement.lines] == [5, 7]
    assert statement.heading_rows == (1, 2, 3, 4, 6)


def test_a_transaction_above_the_header_is_not_lost() -> None:
    """A row above the header that looks like a transaction is refused, not left out."""
    row = "2026-07-08,DEPOSIT,Credit,,25.00,"
    statement = read(f"{row}\n{rows(row)}")
    assert refusals(statement) == {
        1: "The row is above the header row, but looks like a transaction."
    }
    assert [line.row for line in statement.lines] == [3]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("2026-02-30,X,Credit,,25.00,", "The date 2026-02-30 does not exist."),
        ("1989-12-31,X,Credit,,25.00,", "The date 1989-12-31 is not between 1990 and 2100."),
        ("2101-01-01,X,Credit,,25.00,", "The date 2101-01-01 is not between 1990 and 2100."),
        ("26-01-01,X,Credit,,25.00,", "The date 26-01-01 cannot be read."),
        ("01/02/2026,X,Credit,,25.00,", "The date 01/02/2026 does not begin with the year."),
        (",X,Credit,,25.00,", "The row has no date."),
        ("2026-07-09,X,Credit,,,", "The row has no amount."),
        ("2026-07-09", "The row has no amount."),
        ("2026-07-09,X,Credit,,much,", "The amount much cannot be read."),
        (
            '2026-07-09,X,Credit,,"1,234",',
            "The amount 1,234 can be read in two ways. Please write it with its cents.",
        ),
        ("2026-07-09,X,Credit,,25.00,?", "The amount ? cannot be read."),
        ("2026-07-09,X,Credit,,-25.00,", "The sign of -25.00 contradicts “Credit”."),
        ("2026-07-09,X,Debit,,25.00 CR,", "The sign of 25.00 CR contradicts “Debit”."),
        ("2026-07-09,X,Return,,25.00,", "“Return” does not say whether money came in or went out."),
        ("2026-07-09,X,,,25.00,", "“” does not say whether money came in or went out."),
        ("2026-07-09,X, Y,Credit,,25.00,1.00", "The row has 7 cells, but the file has 6 columns."),
        ('2026-07-09,"X" Y,Credit,,25.00,', "The quotation marks in the row do not match."),
        ('2026-07-09,"X,Credit,,25.00,', "The quotation marks in the row do not match."),
        ("Refund,,,,25.00,", "The date Refund cannot be read."),
        (f"{CARD},X,Credit,,25.00,", "The date ************4242 cannot be read."),
    ],
)
def test_a_row_that_cannot_be_read_is_refused_with_its_reason(row: str, reason: str) -> None:
    """A row that cannot be read is refused with its reason; the rows around it are still read."""
    good = "2026-07-09,DEPOSIT,Credit,,25.00,"
    statement = read(rows(good, row, good))
    assert refusals(statement) == {3: reason}
    assert [line.row for line in statement.lines] == [2, 4]
    assert statement.refused[0].text == row.replace(CARD, "*" * 12 + "4242")


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("07/09/2026,X,5.00,25.00,1.00", "The row has both a debit and a credit."),
        ("07/09/2026,X,,,1.00", "The row has no amount."),
        (
            "07/09/2026,X,-5.00,,1.00",
            "The amount -5.00 has a sign, but amounts in this column should have none.",
        ),
        (
            "07/09/2026,X,,-5.00,1.00",
            "The amount -5.00 has a sign, but amounts in this column should have none.",
        ),
        ("13/09/2026,X,,5.00,1.00", "The date 13/09/2026 does not exist."),
    ],
)
def test_two_columns_of_amounts_are_never_guessed(row: str, reason: str) -> None:
    """A row with two amounts, none, or a sign where none belongs, is refused."""
    assert refusals(read(f"{TD}\n{row}\n{TD}", shape="td")) == {2: reason}


def test_a_zero_beside_an_amount_is_like_an_empty_cell() -> None:
    """A bank may write 0.00 in the column that does not apply."""
    assert lines_of(read("07/09/2026,X,0.00,25.00,1.00"))[0][2] == 2500
    assert lines_of(read("07/09/2026,X,25.00,0.00,1.00"))[0][2] == -2500


def test_a_zero_amount_is_skipped_with_its_reason() -> None:
    """A row whose amount is zero is no line, and staff see why."""
    statement = read(f"{TD}\n07/09/2026,NOTICE,0.00,0.00,1025.00")
    assert skips(statement) == {2: "The amount is zero."}
    assert statement.skipped[0].text == "07/09/2026,NOTICE,0.00,0.00,1025.00"


def test_amounts_in_two_currencies_are_refused() -> None:
    """A row of RBC with both dollars filled in is refused."""
    text = sample("rbc-en.csv").decode().replace(",25.00,,", ",25.00,20.00,")
    assert refusals(read(text)) == {2: "The row has amounts in several currencies."}


def test_formulas_are_plain_text() -> None:
    """A cell with a formula is text of the line, unchanged."""
    for formula in ("=1+1", "+SUM(A1)", "@x", "=cmd|' /C calc'!A0"):
        assert lines_of(read(f'07/09/2026,"{formula}",,25.00,1.00'))[0][3] == formula


def test_a_cell_may_hold_line_breaks_and_quotes() -> None:
    """A quoted cell may hold line breaks and quotes; the next row keeps its number."""
    statement = read(f'07/09/2026,"E-TRANSFER\n""A"" B",,25.00,1.00\n{TD}')
    assert lines_of(statement)[0] == (1, "2026-07-09", 2500, 'E-TRANSFER "A" B')
    assert lines_of(statement)[1][0] == 3


def test_a_long_text_is_cut_for_storing() -> None:
    """A text is cut to 500 characters; the evidence keeps all of it."""
    statement = read(f"07/09/2026,{'x' * 5000},,25.00,1.00")
    assert len(statement.lines[0].text) == 500
    assert b"x" * 5000 in statement.masked


def test_a_new_column_asks_for_a_mapping() -> None:
    """A header row with a column more than known is not read by guessing."""
    with pytest.raises(BadInput) as caught:
        read("Date,Description,Amount,Extra\n2026-07-09,X,25.00,Y\n")
    assert caught.value.field == "file"
    assert "map them by hand" in caught.value.message


def test_a_chosen_shape_needs_its_header() -> None:
    """A person who chooses a shape whose header is missing is told so, with the way out."""
    with pytest.raises(BadInput, match=r"header row of BMO\. Please map its columns"):
        read(TD, shape="bmo")
    with pytest.raises(BadInput, match="There is no shape called nobank"):
        read(TD, shape="nobank")


def test_two_shapes_that_fit_are_asked_about() -> None:
    """If two shapes fit a file equally well, a person chooses."""
    text = "2026-07-09,X,,25.00,12345678\n"
    with pytest.raises(BadInput, match=r"several shapes: TD, CIBC\. Please choose one"):
        read(text)
    assert read(text, shape="td").lines[0].balance_minor == 1_234_567_800
    assert read(text, shape="cibc").lines[0].balance_minor is None


def test_days_first_are_not_read_as_td() -> None:
    """If a file without header has TD's columns but days first, a person chooses; never a guess."""
    text = "13/07/2026,X,,25.00,1.00\n14/07/2026,Y,,25.00,1.00\n"
    with pytest.raises(BadInput) as caught:
        read(text)
    assert caught.value.field == "date_form"
    assert read(text, date_form="dmy").lines[1].day == date(2026, 7, 14)
    assert len(read(text, shape="td").refused) == 2


@pytest.mark.parametrize("step", [1, -1], ids=["oldest first", "newest first"])
def test_swapped_columns_are_not_read_as_td(step: int) -> None:
    """If the running balance shows credits before debits, the file is no TD's; nothing is read."""
    written = ["07/09/2026,X,25.00,,25.00\n", "07/10/2026,Y,,5.00,20.00\n"][::step]
    with pytest.raises(BadInput, match="debits and credits are not where TD has them"):
        read("".join(written))
    right = ["07/09/2026,X,,25.00,25.00\n", "07/10/2026,Y,5.00,,20.00\n"][::step]
    assert read("".join(right)).warnings == ()


def test_a_gap_in_the_running_balance_comes_with_a_warning() -> None:
    """If a row is missing between two balances, staff are told; the rows are still read."""
    statement = read("07/09/2026,X,,25.00,25.00\n07/10/2026,Y,5.00,,120.00\n")
    assert [said(warning) for warning in statement.warnings] == [
        "The running balance does not add up. Some rows may be missing."
    ]
    assert len(statement.lines) == 2


def test_a_header_without_lines_is_refused() -> None:
    """A header row alone is no statement."""
    with pytest.raises(BadInput, match="header row, but no lines below it"):
        read(HEADER)


def test_no_warning_for_a_clear_file() -> None:
    """A file that leaves nothing to infer comes without warnings."""
    assert [said(warning) for warning in read(sample("td.csv")).warnings] == []
