"""Whatever a form says, the columns are either wrong with a sentence, or read each row once."""

from typing import Final

from hypothesis import given, strategies as st

from donate.bank.learned_shapes.first_choices import choices_of, first_choices
from donate.bank.learned_shapes.mapping import FIELDS, SIGNS, read_mapping
from donate.bank.shapes.csv_cells import split_rows
from donate.bank.shapes.csv_shapes import shape_from_json, shape_to_json
from donate.bank.shapes.recognition import preview
from donate.errors import BadInput
from tests.bank.shapes.reading import read_or_refuse

FILE: Final = (
    b"Valley\nBooked,Details,Out,In,Left,Way,Cur\n04/02/2026,FEE,4.95,,95.05,out,CAD\n"
    b"13/02/2026,JANE,,50.00,145.05,in,CAD\n2026-02-16,4242424242424242,x,,,,\nTotal,,4.95,50,,,\n"
)
TYPED: Final = st.one_of(
    st.sampled_from(["", *map(str, range(9)), *SIGNS, "comma", "ymd", "dmy", ".", ",", "yes"]),
    st.sampled_from(["in", "out", "in, out", "9" * 30, "\u0663", "x" * 300, "=1+1"]),
    st.text(max_size=5),
)
RIGHT: Final = {"header": "2", "date": "1", "text_1": "2", "debit": "3", "credit": "4"}


@given(st.dictionaries(st.sampled_from(FIELDS), TYPED))
def test_any_form_is_refused_with_a_sentence_or_reads_each_row_once(typed: dict[str, str]) -> None:
    """No form breaks the page: it has problems beside its fields, or a shape that can be stored."""
    rows = split_rows(FILE.decode(), ",")
    mapping = read_mapping(RIGHT | typed, rows, ",")
    assert bool(mapping.problems) == (mapping.shape is None)
    assert mapping.problems.keys() <= set(FIELDS)
    if mapping.shape is None:
        return
    assert shape_from_json(shape_to_json(mapping.shape)) == mapping.shape
    shape = mapping.shape
    read = read_or_refuse(FILE, shape=shape.name, shapes={shape.name: shape})
    if isinstance(read, BadInput):
        assert read.field in ("date_form", "file")
        return
    ends = [*(line.row for line in read.lines), *read.heading_rows]
    ends += [row.row for row in read.refused]
    ends += [row.row for row in read.skipped]
    assert sorted(ends) == [row.number for row in rows]


@given(st.dictionaries(st.sampled_from(FIELDS), TYPED))
def test_a_learned_shape_fills_the_form_with_what_was_chosen(typed: dict[str, str]) -> None:
    """If a file is mapped again, the form leads to the same shape as before."""
    rows = split_rows(FILE.decode(), ",")
    shape = read_mapping(RIGHT | typed, rows, ",").shape
    if shape is None:
        return
    shown = preview(FILE)
    again = read_mapping(choices_of(shape, shown), rows, ",")
    assert again.problems == {}
    assert again.shape == shape
    assert first_choices(shown)["header"] == "2"
