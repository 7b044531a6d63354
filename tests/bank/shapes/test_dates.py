"""Whether the day or the month stands first is settled by the file or asked, never guessed."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Final

import pytest

from donate.bank.shapes.csv_shapes import CsvShape
from donate.bank.shapes.dates import read_bank_day
from donate.bank.shapes.reader import BUILT_IN
from donate.errors import BadInput
from tests.bank.shapes.reading import lines_of, read, refusals, said

UNSETTLED: Final[Mapping[str, CsvShape]] = {
    "ours": CsvShape(name="ours", title="Ours", date=1, text=(2,), amount=3)
}


def days(*written: str, **choices: str) -> list[str]:
    """Return the days of a file with these dates, in a shape that does not say their form."""
    text = "".join(f"{day},X,25.00\n" for day in written)
    statement = read(text, shape="ours", shapes=UNSETTLED, **choices)
    return [day for _, day, _, _ in lines_of(statement)]


def test_a_day_above_twelve_decides_for_the_file() -> None:
    """One day above 12 decides about all dates, and staff are told which one."""
    assert days("01/02/2026", "13/02/2026") == ["2026-02-01", "2026-02-13"]
    assert days("01/02/2026", "02/13/2026") == ["2026-01-02", "2026-02-13"]
    warning = read("13/02/2026,X,25.00", shape="ours", shapes=UNSETTLED).warnings[0]
    assert said(warning) == "The dates were read with the day first, as 13/02/2026 shows."


def test_the_order_of_the_rows_decides_otherwise() -> None:
    """Without such a day, the form in which the rows are in order decides, with a warning."""
    assert days("01/02/2026", "02/02/2026", "01/03/2026") == [
        "2026-02-01",
        "2026-02-02",
        "2026-03-01",
    ]
    assert days("03/01/2026", "02/02/2026", "02/01/2026") == [
        "2026-03-01",
        "2026-02-02",
        "2026-02-01",
    ]
    text = "01/02/2026,X,1.00\n02/02/2026,X,1.00\n01/03/2026,X,1.00\n"
    statement = read(text, shape="ours", shapes=UNSETTLED)
    assert said(statement.warnings[0]) == (
        "The dates were read with the day first, because the rows are in that order."
    )


@pytest.mark.parametrize("written", [["01/02/2026"], ["01/02/2026", "02/03/2026"]])
def test_a_person_is_asked_if_nothing_decides(written: list[str]) -> None:
    """If neither a day nor the order decides, a person chooses; both choices are then followed."""
    with pytest.raises(BadInput) as caught:
        days(*written)
    assert caught.value.field == "date_form"
    assert "01/02/2026 has the day or the month first" in caught.value.message % caught.value.values
    assert days("01/02/2026", date_form="dmy") == ["2026-02-01"]
    assert days("01/02/2026", date_form="mdy") == ["2026-01-02"]
    with pytest.raises(BadInput, match="begin with the year, month or day"):
        days("01/02/2026", date_form="american")


def test_equal_day_and_month_need_no_choice() -> None:
    """02/02/2026 is one day in both forms."""
    assert days("02/02/2026") == ["2026-02-02"]


def test_dates_that_contradict_each_other_are_refused() -> None:
    """A file with days above 12 in both places has no form."""
    with pytest.raises(BadInput, match="13/02/2026 has the day first, but 02/13/2026"):
        days("13/02/2026", "02/13/2026")


@pytest.mark.parametrize(
    "written", ["2026-07-09", "2026/07/09", "2026.7.9", "20260709", "2026-07-09T00:00:00-04:00"]
)
def test_a_year_that_stands_first_needs_no_choice(written: str) -> None:
    """A date that begins with its year is read in every file, without converting a time zone."""
    assert days(written) == ["2026-07-09"]


@pytest.mark.parametrize("written", ["7/9/2026", "07-09-2026", "07.09.2026", "07/09/2026 11:45 PM"])
def test_dates_with_the_year_last_are_read_as_chosen(written: str) -> None:
    """Slashes, hyphens and points separate alike, and a time is ignored."""
    assert read_bank_day(written, "mdy") == date(2026, 7, 9)
    assert read_bank_day(written, "dmy") == date(2026, 9, 7)


def test_a_shape_that_is_told_apart_by_its_header_settles_its_dates() -> None:
    """Tangerine writes the month first: its shape says so, and a day above 12 is refused."""
    assert BUILT_IN["tangerine"].date_form == "mdy"
    header = "Date,Transaction,Name,Memo,Amount\n"
    assert lines_of(read(f"{header}1/2/2026,CREDIT,X,,25"))[0][1] == "2026-01-02"
    refused = refusals(read(f"{header}13/2/2026,CREDIT,X,,25"))
    assert refused == {2: "The date 13/2/2026 does not exist."}


def test_a_mapping_may_settle_the_form() -> None:
    """The form of a mapping's dates settles them without a warning."""
    mapped = {"ours": replace(UNSETTLED["ours"], date_form="dmy")}
    statement = read("01/02/2026,X,25.00", shape="ours", shapes=mapped)
    assert (lines_of(statement)[0][1], statement.warnings) == ("2026-02-01", ())
